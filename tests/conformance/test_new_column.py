"""A column of a session is a field, a name in its programme and a migration: three files, and nothing else.

A copy of the code gets one, and the language programme of that copy must pass what every programme passes.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from local.aws import ROOT

RECORDS = "layers/common/ingestion/records"
FIELD = """
        Field(
            name="mood",
            type=Type.LABEL,
            label=Label("Mood", "Stemning"),
            meaning="How the participant felt",
            column=Column(name="mood", fills="mood", rule=cells.label_up_to(255), in_words=rule_words.TEXT),
        ),
"""
MIGRATION = """-- deploy: before
ALTER TABLE kintell_sessions ADD COLUMN mood text;
ALTER TABLE kintell_session_versions ADD COLUMN mood text;
ALTER TABLE staging.session_rows ADD COLUMN mood text;
"""


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{path.name} has no {old}"
    path.write_text(text.replace(old, new), encoding="utf-8")


def add_column(clone: Path) -> None:
    end = "    ),\n)\n\nCOMMON"
    replace(clone / RECORDS / "session.py", end, f"{FIELD.lstrip(chr(10))}{end}")
    replace(clone / RECORDS / "language_ukraine.py", '"topics", "metadata"),', '"topics", "metadata", "mood"),')
    (clone / "layers/common/ingestion/database/migrations/9000_add_mood.sql").write_text(MIGRATION)


def test_a_column_is_a_field_a_name_and_a_migration(tmp_path: Path) -> None:
    for name in ("layers", "functions", "cli", "local", "tests"):
        shutil.copytree(
            ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "test_new_column.py")
        )
    for name in ("pyproject.toml", "template.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    add_column(tmp_path)
    specimens = tmp_path / "tests/conformance/specimens.py"
    replace(specimens, '"metadata": "7",', '"metadata": "7", "mood": "glad",')
    replace(specimens, '"metadata": 7,', '"metadata": 7, "mood": "glad",')
    replace(specimens, '("language_level", "B2")', '("mood", "lei")')
    replace(specimens, '("languageLevel", "B2")', '("mood", "lei")')
    tried = ["-q", "-p", "no:cacheprovider", "-n", "0", "tests/conformance", "-k", "language_ukraine"]
    plain = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", *tried], cwd=tmp_path, env=plain, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout[-4000:]
