"""The tutorial does what it says: its commands run on a local system and print what stands below them.

KINTELL_WRITE_TUTORIAL=1 writes what they print into the tutorial; read what changed.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from local.aws import ROOT
from local.postgres import THROW_AWAY, running_server
from local.system import LocalSystem, Places

WRITE: Final = bool(os.environ.get("KINTELL_WRITE_TUTORIAL"))
TUTORIAL: Final = ROOT / "docs" / "tutorial.md"
BLOCK: Final = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ID: Final = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
PROGRESS: Final = re.compile(r"^(?:Uploading|Uploaded|Pending|Running): .*\n", re.MULTILINE)
"""On a terminal these are bars."""
DIFFERS: Final = (
    (PROGRESS, ""),
    (re.compile(r"\d{4}-\d\d-\d\d(?= already)"), "DATE"),
    (re.compile(r"(?<=imported )\d{4}-\d\d-\d\d [\d:]+\+00:00"), "TIME"),
    (re.compile(r"\(id \d+\)"), "(id N)"),
)


class Step(NamedTuple):
    """A command, and what the tutorial says that it prints."""

    command: str
    printed: str


def steps() -> list[Step]:
    """What follows `$` in the blocks of the kind `console`, in order."""
    parts = re.split(r"^\$ ", "".join(BLOCK.findall(TUTORIAL.read_text(encoding="utf-8"))), flags=re.MULTILINE)
    return [Step(*part.split("\n", 1)) for part in parts if part]


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSystem]:
    """One that holds nothing yet."""
    folder = tmp_path_factory.mktemp("tutorial")
    with (
        running_server(folder, THROW_AWAY) as database,
        LocalSystem(Places(folder, database_url=database.url)) as running,
    ):
        yield running


def without_what_differs(text: str) -> str:
    for pattern, instead in DIFFERS:
        text = pattern.sub(instead, text)
    return text


def test_the_commands_of_the_tutorial_print_what_it_says(system: LocalSystem, tmp_path: Path) -> None:
    (tmp_path / "local").symlink_to(ROOT / "local")
    (tmp_path / "bin").mkdir()
    kintell = tmp_path / "bin" / "kintell"
    kintell.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m cli "$@"\n')
    kintell.chmod(0o755)
    environment = {
        **os.environ,
        "KINTELL_API_URL": system.aws.api_url,
        "PATH": f"{kintell.parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "PYTHONIOENCODING": "utf-8",
        "TZ": "UTC",
    }
    ids: dict[str, str] = {}
    assert len(steps()) > 5
    for step in steps():
        command = ID.sub(lambda found: ids[found[0]], step.command)
        done = subprocess.run(
            ["bash", "-c", command],
            env=environment, cwd=tmp_path, capture_output=True, text=True, encoding="utf-8", timeout=120, check=False,
        )  # fmt: skip
        # The tutorial's ids stand for those of this run, in the order in which they appear.
        for written, actual in zip(ID.findall(step.printed), ID.findall(done.stdout), strict=False):
            ids.setdefault(written, actual)
        expected = without_what_differs(ID.sub(lambda found: ids.get(found[0], found[0]), step.printed))
        printed = without_what_differs(done.stdout)
        if WRITE and printed != expected:
            shown = PROGRESS.sub("", done.stdout)
            for written, actual in ids.items():
                shown = shown.replace(actual, written)
            TUTORIAL.write_text(TUTORIAL.read_text(encoding="utf-8").replace(step.printed, shown), encoding="utf-8")
        else:
            assert printed == expected, f"{step.command}\n{done.stderr}"
