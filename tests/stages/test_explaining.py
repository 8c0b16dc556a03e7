"""For every session of a random import, explaining each field gives the stored value and the bytes of its cell."""

import csv
import gzip
import io
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.explanations import ExplainedCell, explain_row, explain_version, get_version
from api.problems import Problem
from ingestion.database.connection import Connection
from ingestion.verification import verify
from tests.stages.conftest import UPLOADS, WORK, Pipeline

KEY = "incoming/language_ukraine/language-ukraine-2024-11/sessions.csv"
HEADER = (
    *("session_id", "participant_email", "volunteer_email", "scheduled_at", "duration_minutes", "rating"),
    *("feedback_text", "language_level", "topics", "metadata"),
)
TEXTS = ("", "Blåbær på øya", "Дякую, їй ґрунтовно", "two\nlines; and, more", 'She said "hi"', "  blanks\u00a0", "=1+1")
SESSIONS = st.fixed_dictionaries(
    {
        "session_id": st.sampled_from(["LS-1", "LS-2", '="LS-3"', " LS-4 "]),
        "participant_email": st.sampled_from(["a@example.org", " A@Example.org ", "mailto:a@example.org"]),
        "volunteer_email": st.just("kari@acme.com"),
        "scheduled_at": st.sampled_from(["2024-11-05", "13.11.2024 14:30", "2024-11-05T10:00:00Z", "Dec 14, 2024"]),
        "duration_minutes": st.sampled_from(["", "60", "1h 30m", "60.0", "-", "nonsense"]),
        "rating": st.sampled_from(["", "5", "4,5", "1", "2.125"]),
        "feedback_text": st.sampled_from(TEXTS),
        "language_level": st.sampled_from(["", "b1", "C1"]),
        "topics": st.sampled_from(["", "CV, work", "їжа,робота"]),
        "metadata": st.sampled_from(["", '{"b": [1, 2.50], "a": "å"}', "{}", "null"]),
    }
)
FORMS = st.fixed_dictionaries(
    {
        "delimiter": st.sampled_from([",", ";", "\t"]),
        "encoding": st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
        "line_end": st.sampled_from(["\n", "\r\n"]),
        "quotes_all": st.booleans(),
        "above": st.sampled_from(["", "\r\n\r\n"]),
        "is_packed": st.booleans(),
        "without": st.sampled_from([(), ("feedback_text",), ("topics", "metadata")]),
    }
)
FILES = st.lists(st.tuples(st.lists(SESSIONS, min_size=1, max_size=8), FORMS), min_size=1, max_size=3)
EMPTIED = "TRUNCATE kintell_sessions, kintell_session_versions, shards, chunks, ingestion_batches, uploads CASCADE"


def saved(rows: list[dict[str, str]], form: dict[str, Any]) -> bytes:
    text = io.StringIO(newline="")
    text.write(form["above"])
    names = [name for name in HEADER if name not in form["without"]]
    quoting: Literal[0, 1] = csv.QUOTE_ALL if form["quotes_all"] else csv.QUOTE_MINIMAL
    writer = csv.writer(text, delimiter=form["delimiter"], lineterminator=form["line_end"], quoting=quoting)
    writer.writerow(names)
    for row in rows:
        writer.writerow([row[name] for name in names])
        text.write(form["line_end"] if row["rating"] == "1" else "")
    body = text.getvalue().encode(form["encoding"])
    return gzip.compress(body) if form["is_packed"] else body


def sheet_of(body: bytes, form: dict[str, Any]) -> list[list[str]]:
    """The rows as a spreadsheet shows them."""
    plain = gzip.decompress(body) if form["is_packed"] else body
    text = plain.decode(form["encoding"])
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=form["delimiter"]))


def versions_of(db: Connection) -> list[tuple[int, int]]:
    found = db.run(
        "SELECT id, version FROM kintell_sessions UNION ALL SELECT session_id, version FROM kintell_session_versions"
    )
    return [(row[0], row[1]) for row in found]


def holds(cell: ExplainedCell, body: bytes, form: dict[str, Any]) -> bool:
    """Whether the cell is where it is said to be, by its bytes and by its name."""
    assert cell.cell is not None
    assert cell.text is not None
    column, number = ord(cell.cell[0]) - ord("A"), int(cell.cell[1:])
    assert sheet_of(body, form)[number - 1][column] == cell.text
    if form["is_packed"]:
        return cell.place is None
    assert cell.place is not None
    start, end = cell.place
    encoding = "utf-16-le" if form["encoding"] == "utf-16" else "utf-8"
    quoted = '"' + cell.text.replace('"', '""') + '"'
    return body[start:end].decode(encoding) in (cell.text, quoted)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=FILES)
def test_explaining_each_field_of_each_version_gives_the_stored_value_and_its_cell(
    pipeline: Pipeline, small_chunks: None, files: list[tuple[list[dict[str, str]], dict[str, Any]]]
) -> None:
    pipeline.know("a@example.org", "kari@acme.com")
    bodies: dict[Any, tuple[bytes, dict[str, Any]]] = {}
    for rows, form in files:
        body = saved(rows, form)
        bodies[pipeline.load(KEY, body, force="true", force_reason="property")["id"]] = body, form
    for session_id, number in versions_of(pipeline.db):
        version = get_version(pipeline.db, str(session_id), number)
        explained = explain_version(pipeline.db, version)
        assert {cell.field.name for cell in explained.fields} >= {"external_session_id", "rating", "metadata"}
        for cell in explained.fields:
            assert cell.value == version[cell.field.name], cell
            assert cell.header is None or holds(cell, *bodies[version["batch_id"]])
    for batch_id in bodies:
        found = verify(pipeline.db, batch_id, WORK, datetime.now(UTC) + timedelta(minutes=1))
        batch = pipeline.batch(str(batch_id))
        assert (found.checked_rows, found.differing) == (batch["inserted_rows"] + batch["updated_rows"], [])
    pipeline.db.run(EMPTIED)


ROW = "LS-1,a@example.org,kari@acme.com,2024-11-05,60,5,{},B1,CV,\r\n"
HEAD = ",".join(HEADER) + "\r\n"


def by_name(cells: list[ExplainedCell]) -> dict[str, ExplainedCell]:
    return {cell.name: cell for cell in cells}


def test_a_value_that_a_file_without_its_column_left_is_that_of_the_earlier_version(pipeline: Pipeline) -> None:
    pipeline.know("a@example.org", "kari@acme.com")
    pipeline.load(KEY, (HEAD + ROW.format("first")).encode())
    pipeline.load(
        KEY, b"session_id,participant_email,volunteer_email,scheduled_at\nLS-1,a@example.org,kari@acme.com,2024-11-06\n"
    )
    version = get_version(pipeline.db, "lc:LS-1", None)
    assert version["version"] == 2
    cell = by_name(explain_version(pipeline.db, version).fields)["feedback_text"]
    assert (cell.value, cell.header, cell.text, cell.cell, cell.from_version) == ("first", None, None, None, 1)
    assert cell.rule.en.endswith("still that of version 1.")


@pytest.mark.parametrize("keeps_rejects", [True, False])
def test_a_cell_of_a_corrected_file_is_shown_as_it_stands_and_as_it_was_read(
    pipeline: Pipeline, keeps_rejects: bool
) -> None:
    """An apostrophe of the error file is none of the value."""
    pipeline.know("a@example.org", "kari@acme.com")
    parent = pipeline.load(KEY, (HEAD + ROW.format("=1+1").replace("2024-11-05", "soon")).encode())
    body = pipeline.error_file(parent).decode("utf-8-sig").replace("soon", "2024-11-05").encode()
    child = pipeline.load(KEY.replace("sessions", "mended"), body)
    assert child["inserted_rows"] == 1
    if not keeps_rejects:
        pipeline.db.run("UPDATE ingestion_batches SET error_file_deleted_at = now() WHERE id = :id", id=parent["id"])
    cell = by_name(explain_version(pipeline.db, get_version(pipeline.db, "lc:LS-1", None)).fields)["feedback_text"]
    assert (cell.text, cell.read_as, cell.value) == ("'=1+1", "=1+1", "=1+1")


def test_a_rejected_row_has_its_faults_and_no_values(pipeline: Pipeline) -> None:
    pipeline.know("a@example.org", "kari@acme.com")
    batch = pipeline.load(KEY, (HEAD + ROW.format("fine").replace(",60,", ",?,")).encode())
    explained = explain_row(pipeline.db, batch["id"], 1)
    assert [fault.code for fault in explained.faults] == ["E004"]
    duration = by_name(explained.fields)["duration_minutes"]
    assert (duration.text, duration.value, duration.cell) == ("?", None, "E2")


def test_what_cannot_be_read_is_said(pipeline: Pipeline) -> None:
    pipeline.know("a@example.org", "kari@acme.com")
    batch = pipeline.load(KEY, (HEAD + ROW.format("fine")).encode())
    with pytest.raises(Problem, match="no row 2"):
        explain_row(pipeline.db, batch["id"], 2)
    found = pipeline.s3.list_object_versions(Bucket=UPLOADS)["Versions"][0]
    pipeline.s3.delete_object(Bucket=UPLOADS, Key=KEY, VersionId=found["VersionId"])
    with pytest.raises(Problem, match="has been deleted"):
        explain_row(pipeline.db, batch["id"], 1)
