"""kintell errors: the faults of the rejected rows, and their file."""

import json
import os
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from cli import error_report
from cli.error_report import name_of_errors
from ingestion.faults import FaultCode
from ingestion.uploads.identification import error_file_name
from tests.api.world import WORK, World
from tests.cli.conftest import Run

CONTENT = "﻿session_id,_error_row\r\nMS-1,4\r\n".encode()
SUMMARY = [
    {"code": "E001", "category": "validation", "field": "participant_email", "count": 2},
    {"code": "E021", "category": "user_not_found", "field": "mentor_email", "count": 14},
    {"code": "E010", "category": "validation", "field": "row", "count": 1},
]
FAULT_LINES = (
    "2 rows of mentors-ukraine-2024-11.csv rejected:\n"
    "  14 × The mentor or volunteer is not known (E021, mentor_email)\n"
    "       Import the roster with this person first, or correct the address.\n"
    "   2 × Not an email address (E001, participant_email)\n"
    "       Write one address, such as name@example.org.\n"
    "   1 × The row has too many or too few fields (E010)\n"
    "       In the error file, the row was cut or padded to fit the columns; what did not fit is in _error_message. "
    "Move the values to the cells where they belong.\n"
)


@pytest.fixture
def batch(world: World, buckets: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> UUID:
    """A batch with an error file; we are in an empty folder."""
    monkeypatch.chdir(tmp_path)
    buckets.put_object(Bucket=WORK, Key="errors/x.csv", Body=CONTENT)
    return world.batch(error_file_key="errors/x.csv", error_summary=SUMMARY)


def test_faults_are_counted_and_the_file_saved_under_its_name(run: Run, batch: UUID) -> None:
    result = run("errors", batch)
    assert result.exit_code == 0
    name = "mentors-ukraine-2024-11-errors.csv"
    assert result.stdout == (
        f"{FAULT_LINES}Saved to {name}\nFix the rows, then run: kintell import {name} --parent {batch}\n"
    )
    assert Path(name).read_bytes() == CONTENT
    assert os.listdir() == [name]
    assert Path(name).stat().st_mode & 0o077 == 0


def test_a_file_is_never_overwritten_unasked(run: Run, batch: UUID, world: World) -> None:
    Path("errors.csv").write_text("mine")
    result = run("errors", batch, "-o", "errors.csv")
    assert result.exit_code == 2
    assert "errors.csv already exists; add --overwrite" in result.stderr
    assert world.count("SELECT count(*) FROM audit_logs") == 0
    assert Path("errors.csv").read_text() == "mine"
    assert run("errors", batch, "-o", "errors.csv", "--overwrite").exit_code == 0
    assert Path("errors.csv").read_bytes() == CONTENT


@pytest.mark.parametrize("more", [[], ["-o", "to mend"]], ids=["here", "in a folder"])
def test_a_name_that_is_taken_is_found_out_before_the_link_is_asked_for(
    run: Run, batch: UUID, world: World, more: list[str]
) -> None:
    Path("to mend").mkdir()
    name = run("errors", batch, *more, "--json")
    taken = Path(json.loads(name.stdout)["savedTo"])
    taken.write_text("mine")
    assert world.count("SELECT count(*) FROM audit_logs") == 1
    assert run("errors", batch, *more).exit_code == 2
    assert taken.read_text() == "mine"
    assert world.count("SELECT count(*) FROM audit_logs") == 1


@pytest.mark.parametrize(
    "file_name",
    [
        "a.csv",
        "a.TXT.GZ",
        "a-errors.csv",
        "a errors.tsv",
        "a (1).csv",
        "a",
        "a.csv.csv",
        "ø_ERRORS.csv",
        ".csv",
        "a.gz",
    ],
)
def test_the_name_is_the_one_that_the_api_gives(file_name: str) -> None:
    assert name_of_errors(file_name) == error_file_name(file_name)


def test_stdout_has_the_file_and_nothing_else(run: Run, batch: UUID) -> None:
    result = run("errors", batch, "-o", "-")
    assert result.stdout_bytes == CONTENT
    assert result.stderr == FAULT_LINES
    assert run("errors", batch, "-o", "-", "--json").exit_code == 2


def test_a_folder_takes_it_under_its_name(run: Run, batch: UUID) -> None:
    Path("to mend").mkdir()
    answer = json.loads(run("errors", batch, "-o", "to mend", "--json").stdout)
    assert answer == {
        "batchId": str(batch),
        "fileName": "mentors-ukraine-2024-11-errors.csv",
        "rows": 2,
        "savedTo": "to mend/mentors-ukraine-2024-11-errors.csv",
        "faults": [
            {**line, "title": code.about.title.en, "advice": code.about.advice.en}
            for line in SUMMARY
            for code in [FaultCode(str(line["code"]))]
        ],
    }
    assert Path(answer["savedTo"]).read_bytes() == CONTENT


def test_a_place_that_is_none(run: Run, batch: UUID) -> None:
    result = run("errors", batch, "-o", "nowhere/errors.csv")
    assert result.exit_code == 2
    assert "There is no folder nowhere" in result.stderr


def test_a_batch_without_an_error_file(run: Run, world: World) -> None:
    result = run("errors", world.batch(error_rows=0, skipped_rows=3))
    assert result.exit_code == 1
    assert "has no error file." in result.stderr


def test_a_download_that_fails_leaves_nothing_behind(run: Run, batch: UUID, buckets: Any) -> None:
    buckets.delete_object(Bucket=WORK, Key="errors/x.csv")
    result = run("errors", batch)
    assert result.exit_code == 1
    assert "The storage did not deliver the file (40" in result.stderr
    assert os.listdir() == []


def test_a_fault_that_the_api_has_no_words_for_is_shown_by_its_category() -> None:
    lines = error_report.faults_of({"fileName": "a.csv", "errorSummary": [{**SUMMARY[0], "code": "E999"}]}, 2)
    assert lines[1] == "  2 × validation (E999, participant_email)"


def test_a_file_named_as_a_workbook_is_asked_for_as_one(
    run: Run, world: World, buckets: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    batch = world.batch(error_file_key="errors/x.csv", error_summary=SUMMARY)
    key = f"errors/{batch}.xlsx"

    buckets.put_object(Bucket=WORK, Key=key, Body=b"PK")
    # tests/stages/test_error_workbooks.py makes one; this batch has no file.
    monkeypatch.setattr("api.error_file_routes._workbook_key", lambda _db, _id: key)
    result = run("errors", batch, "-o", "errors.xlsx")
    assert result.exit_code == 0, result.stderr
    assert Path("errors.xlsx").read_bytes() == b"PK"
    assert f"kintell import errors.xlsx --parent {batch}" in result.stdout
