"""A workbook is imported as the CSV of its sheet would be; its rows are found again by sheet and cell."""

import csv
import io
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.explanations import explain_row, explain_version, get_version
from api.original_rows import get_cells
from ingestion.database.connection import rows
from ingestion.database.tables import expiry
from ingestion.verification import verify
from tests.stages.conftest import WORK, Pipeline
from tests.stages.test_explaining import EMPTIED, HEADER, SESSIONS
from tests.workbooks import saved

FOLDER = "incoming/language_ukraine/language-ukraine-2024-11/"
STORED = "external_session_id, scheduled_at, duration_minutes, rating, feedback_text, language_level, topics, metadata"
COUNTS = ("inserted_rows", "updated_rows", "unchanged_rows", "error_rows", "total_rows", "content_hash")


@pytest.fixture
def known(pipeline: Pipeline) -> Pipeline:
    pipeline.know("a@example.org", "kari@acme.com")
    return pipeline


def as_csv(table: list[list[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(table)
    return text.getvalue().encode()


def outcome(pipeline: Pipeline, name: str, body: bytes) -> tuple[Any, ...]:
    """All that an import of a file leaves, in an empty system."""
    pipeline.know("a@example.org", "kari@acme.com")
    batch = pipeline.load(FOLDER + name, body)
    stored = pipeline.db.run(f"SELECT {STORED} FROM kintell_sessions ORDER BY 1")
    errors = pipeline.error_file(batch).decode() if batch["error_file_key"] else ""
    lines = [line.rsplit(",", 1)[0] for line in errors.replace(str(batch["id"]), "").splitlines()]
    # The hash of the rows knows people by their ids.
    pipeline.db.run(EMPTIED.replace("CASCADE", "RESTART IDENTITY CASCADE"))
    return [batch.get(name) for name in COUNTS], batch["error_summary"], stored, lines


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sessions=st.lists(SESSIONS, min_size=1, max_size=8))
def test_a_workbook_gives_what_its_csv_gives(
    known: Pipeline, small_chunks: None, sessions: list[dict[str, str]]
) -> None:
    # Line numbers are those of the sheet there, so no text here has more lines than one.
    table = [list(HEADER), *([cell.replace("\n", " ") for cell in session.values()] for session in sessions)]
    assert outcome(known, "a.xlsx", saved(table)) == outcome(known, "a.csv", as_csv(table))


def test_typed_cells_are_exact(known: Pipeline) -> None:
    table: list[list[Any]] = [
        [
            "session_id",
            "participant_email",
            "volunteer_email",
            "scheduled_at",
            "completed_at",
            "duration_minutes",
            "rating",
        ],
        *[
            [
                202403123456,
                "a@example.org",
                "kari@acme.com",
                date(2024, 11, 5),
                datetime.fromisoformat("2024-11-05T14:30"),
                60.0,
                4.5,
            ],
            [7, "a@example.org", "kari@acme.com", datetime.fromisoformat("2024-11-06T09:15"), None, 45, 1],
        ],
    ]
    batch = known.load(FOLDER + "typed.xlsx", saved(table))
    assert batch["inserted_rows"] == 2, batch["error_summary"]
    found = rows(known.db, "SELECT * FROM kintell_sessions ORDER BY row_number")
    assert [(one["external_session_id"], one["duration_minutes"]) for one in found] == [("202403123456", 60), ("7", 45)]
    assert [one["scheduled_at"] for one in found] == [
        datetime(2024, 11, 5, tzinfo=UTC),
        datetime(2024, 11, 6, 9, 15, tzinfo=UTC),
    ]
    assert found[0]["completed_at"] == datetime(2024, 11, 5, 14, 30, tzinfo=UTC)


def test_typed_times_are_in_the_declared_zone(known: Pipeline) -> None:
    table: list[list[Any]] = [
        ["session_id", "participant_email", "volunteer_email", "scheduled_at"],
        ["LS-1", "a@example.org", "kari@acme.com", datetime.fromisoformat("2024-07-05T14:30")],
    ]
    known.load(FOLDER + "typed.xlsx", saved(table), time_zone="Europe/Oslo")
    assert known.db.run("SELECT scheduled_at FROM kintell_sessions") == [[datetime(2024, 7, 5, 12, 30, tzinfo=UTC)]]


def test_an_error_of_a_sheet_is_damage_where_a_value_is_required(known: Pipeline) -> None:
    table: list[list[Any]] = [
        ["session_id", "participant_email", "volunteer_email", "scheduled_at", "rating"],
        ["#N/A", "a@example.org", "kari@acme.com", "2024-11-05", "#N/A"],
        ["LS-2", "a@example.org", "kari@acme.com", "2024-11-05", "#N/A"],
    ]
    batch = known.load(FOLDER + "errors.xlsx", saved(table))
    assert {(one["code"], one["field"], one["count"]) for one in batch["error_summary"]} == {("E013", "session_id", 1)}
    assert batch["inserted_rows"] == 1


LANGUAGE = ["session_id", "participant_email", "volunteer_email", "scheduled_at", "feedback_text"]
TABLE: list[list[Any]] = [
    ["Sessions of November"],
    [],
    ["", *LANGUAGE],
    ["", "LS-1", "a@example.org", "kari@acme.com", date(2024, 11, 5), "two\nlines"],
    [],
    ["", "LS-2", "a@example.org", "kari@acme.com", datetime.fromisoformat("2024-11-06T10:00"), 'said "hi", left'],
    ["", "LS-3", "a@example.org", "kari@acme.com", "soon", "fine"],
]


def test_a_session_is_traced_to_sheet_and_cell(known: Pipeline) -> None:
    batch = known.load(FOLDER + "traced.xlsx", saved(TABLE, name="November"))
    assert (batch["inserted_rows"], batch["error_rows"]) == (2, 1)
    assert batch["csv_metadata"]["sheet"] == "November"
    version = get_version(known.db, "lc:LS-2", None)
    assert (version["row_number"], version["line"], version["sheet"]) == (2, 6, "November")
    explained = explain_version(known.db, version)
    cells = {cell.name: cell for cell in explained.fields}
    assert (cells["scheduled_at"].cell, cells["scheduled_at"].text) == ("E6", "2024-11-06T10:00:00")
    assert (cells["feedback_text"].cell, cells["feedback_text"].text) == ("F6", 'said "hi", left')
    assert all(cell.place is None for cell in explained.fields)
    assert dict(get_cells(known.db, batch["id"], 1))["feedback_text"] == "two\nlines"
    rejected = explain_row(known.db, batch["id"], 3)
    assert [(fault.code.value, fault.field) for fault in rejected.faults] == [("E003", "scheduled_at")]
    assert rejected.original.raw.line == 7
    line = next(csv.DictReader(io.StringIO(known.error_file(batch).decode("utf-8-sig"), newline="")))
    assert (line["_error_row"], line["_error_line"], line["scheduled_at"]) == ("3", "7", "soon")


def test_verify_reads_the_workbook_itself(known: Pipeline, small_chunks: None) -> None:
    table: list[list[Any]] = [
        LANGUAGE,
        *([f"LS-{at}", "a@example.org", "kari@acme.com", date(2024, 11, 5), "x\ny"] for at in range(40)),
    ]
    batch = known.load(FOLDER + "verified.xlsx", saved(table))
    known.s3.delete_object(Bucket=WORK, Key=batch["work_key"])
    known.db.run("UPDATE kintell_sessions SET feedback_text = 'other' WHERE external_session_id = 'LS-7'")
    found = verify(known.db, batch["id"], WORK, datetime.now(UTC) + timedelta(minutes=1))
    assert found.checked_rows == 40
    assert [(one.row_number, one.stored, one.file) for one in found.differing] == [(8, "other", "x\ny")]


def test_a_workbook_by_another_name_is_refused_and_named(known: Pipeline) -> None:
    book = saved([LANGUAGE])
    for name, body, said in (("a.csv", book, "workbook"), ("a.xlsx", as_csv([LANGUAGE]), ".csv")):
        taken = known.upload(FOLDER + name, body)
        refused = rows(known.db, "SELECT * FROM uploads WHERE id = :id", id=taken["upload_id"])[0]
        assert (taken["refusal"], said in refused["refusal_message"]) == ("not_csv", True), refused


def test_the_name_of_a_sheet_goes_with_the_batch(known: Pipeline) -> None:
    batch = known.load(FOLDER + "archived.xlsx", saved(TABLE, name="Olena Shevchenko"))
    expiry.archive(known.db, batch["id"])
    assert "Olena" not in str(known.batch(batch["id"]))
