"""kintell against the running system: what a person at a terminal does, from an import to its rejected rows mended."""

import csv
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from local.aws import ROOT

HEADER = "session_id,participant_email,mentor_email,scheduled_at,duration_minutes,feedback_text\n"
BLOCK = re.compile(
    r"""Batch\ ID:\ \ \ \ (?P<batch>[0-9a-f-]{36})\n
        Processed:\ \ \ 4\ rows\n
        Success:\ \ \ \ \ 2\ \(2\ new,\ 0\ updated\)\n
        Skipped:\ \ \ \ \ 0\n
        Errors:\ \ \ \ \ \ 2\n
        Error\ file:\ \ kintell\ errors\ (?P=batch)\ -o\ errors\.csv\n\Z""",
    re.VERBOSE,
)

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(api_url: str, tmp_path: Path) -> Run:
    """The command in a pipe and in an empty folder."""

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "KINTELL_API_URL": api_url, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
        return subprocess.run(
            [sys.executable, "-m", "cli", *words],
            env=environment, cwd=tmp_path, capture_output=True, text=True, encoding="utf-8", timeout=120, check=False,
        )  # fmt: skip

    return run


@pytest.fixture
def people(run: Run, tmp_path: Path) -> tuple[str, str]:
    """A participant and a mentor whom nobody else knows, brought in by the command."""
    mark = uuid4().hex[:12]
    emails = f"p-{mark}@example.org", f"m-{mark}@example.com"
    roster = tmp_path / "kintell-users.csv"
    roster.write_text(f"Email,Name,Role when joined\n{emails[0]},Оксана,learner\n{emails[1]},Kari,mentor\n", "utf-8")
    imported = run("import", roster.name)
    assert imported.returncode == 0, imported
    assert "Errors:      0\n" in imported.stdout
    assert "Error file" not in imported.stdout
    return emails


def test_an_import_from_the_terminal_and_back(run: Run, people: tuple[str, str], tmp_path: Path) -> None:
    mark = uuid4().hex[:8]
    rows = [
        f"MS-{mark}-{number},{participant},{people[1]},2024-11-05T10:00:00Z,{minutes},Дякую\n"
        for number, (participant, minutes) in enumerate(
            [(people[0], "45"), (people[0], "60"), ("nobody@example.org", "45"), (people[0], "many")]
        )
    ]
    file = tmp_path / "mentors-for-ukraine-2024-Q4.csv"
    file.write_text(HEADER + "".join(rows), "utf-8")

    # Some rows are rejected.
    first = run("import", file.name)
    assert first.returncode == 3, first
    ending = BLOCK.search(first.stdout)
    assert ending, first.stdout
    batch = ending["batch"]
    assert first.stderr == ""

    # The same again is refused.
    again = run("import", file.name, "--json")
    assert again.returncode == 1
    refused = json.loads(again.stdout)
    assert (refused["state"], refused["refusal"]["code"]) == ("refused", "already_imported")
    assert refused["refusal"]["batchId"] == batch
    assert f"kintell status {batch}" in run("import", file.name).stdout

    # Its rejected rows, by fault and as a file.
    saved = run("errors", batch, "-o", "errors.csv")
    assert saved.returncode == 0, saved
    assert "1 × The participant is not known (E020, participant_email)\n" in saved.stdout
    assert "1 × Not a duration in minutes (E004, duration_minutes)\n" in saved.stdout
    text = (tmp_path / "errors.csv").read_bytes().decode("utf-8-sig")
    assert [row["_error_row"] for row in csv.DictReader(io.StringIO(text, newline=""))] == ["3", "4"]

    # Mended, they are imported as a correction.
    (tmp_path / "errors.csv").write_text(text.replace("nobody@example.org", people[0]).replace("many", "30"), "utf-8")
    mended = run("import", "errors.csv", "--program", "mentors", "--parent", batch, "--json")
    refused_name = json.loads(mended.stdout)
    assert (mended.returncode, refused_name["refusal"]["code"]) == (1, "unknown_program")
    mended = run(
        "import", "errors.csv", "--program", "mfu", "--instance", "mentors-ukraine-2024-q4", "--parent", batch, "--json"
    )
    assert mended.returncode == 0, mended
    correction = json.loads(mended.stdout)
    assert (correction["insertedRows"], correction["parentBatchId"], correction["status"]) == (2, batch, "completed")

    # Where a session came from, and who did what.
    chain = run("lineage", f"mentors_ukraine:MS-{mark}-2").stdout.splitlines()
    assert chain[0] == "file errors.csv"
    assert chain[2].startswith(f"└── batch {correction['batchId']}, completed, imported ")
    assert f"session mentors_ukraine:MS-{mark}-2 " in chain[3]
    actions = [line.split("\t")[2] for line in run("audit", batch).stdout.splitlines()]
    assert {"import_started", "import_completed", "error_file_downloaded"} <= set(actions)
    assert len(run("sessions", batch).stdout.splitlines()) == 2
    assert batch in run("batches", "--program", "mfu", "--all").stdout
    assert run("status", batch).returncode == 3


def test_a_forced_dry_run_that_is_not_waited_for(run: Run, people: tuple[str, str], tmp_path: Path) -> None:
    file = tmp_path / "mentors-for-ukraine-2024-Q4.csv"
    file.write_text(f"{HEADER}MS-{uuid4()},{people[0]},{people[1]},2024-11-05T10:00:00Z,45,\n", "utf-8")
    sent = run("import", file.name, "--dry-run", "--force", "--reason", "bare en prøve – ще раз", "--no-wait")
    assert sent.returncode == 0, sent
    watch = re.search(r"^Watch:       kintell (status [0-9a-f-]{36} --watch)$", sent.stdout, re.MULTILINE)
    assert watch, sent.stdout
    watched = run(*watch[1].split())
    assert watched.returncode == 0, watched
    assert "Dry run:     nothing was imported" in watched.stdout
    assert "Success:     1 (1 new, 0 updated)" in watched.stdout


def test_an_empty_file_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mentors-ukraine-2024.csv").touch()
    refused = run("import", "mentors-ukraine-2024.csv")
    assert refused.returncode == 1, refused
    assert "Refused:     empty_file: " in refused.stdout
