"""Every kind of dirt that exports come with, through all stages: what is understood is stored exactly, nothing else."""

import csv
import io
from typing import Any

import pytest

from ingestion.rows.columns import ERROR_COLUMNS
from tests.stages.conftest import Pipeline
from tests.stages.dirt import HEADER, REFUSED, TAKEN, Dirt, line, parted, table
from tests.stages.test_intake import upload_of

FOLDER = "incoming/language_ukraine/language-ukraine-2024-11/"
FILES = [pytest.param(dirt, id=name) for group in TAKEN for name, dirt in group.items()]


@pytest.fixture
def known(pipeline: Pipeline) -> Pipeline:
    pipeline.know("oksana@example.org", "kari@acme.com")
    return pipeline


def sessions(pipeline: Pipeline) -> dict[str, Any]:
    return dict(pipeline.db.run("SELECT external_session_id, feedback_text FROM kintell_sessions ORDER BY 1"))


def error_rows(pipeline: Pipeline, batch: dict[str, Any]) -> list[dict[str, str]]:
    """The lines of the error file, by the names of its header."""
    if not batch["error_file_key"]:
        return []
    header, *lines = csv.reader(io.StringIO(pipeline.error_file(batch).decode("utf-8-sig"), newline=""), strict=True)
    assert all(len(cells) == len(header) for cells in lines)
    return [dict(zip(header, cells, strict=True)) for cells in lines]


@pytest.mark.parametrize("dirt", FILES)
def test_a_dirty_file_gives_its_sessions_and_rejects_the_rest_with_its_text(known: Pipeline, dirt: Dirt) -> None:
    batch = known.load(FOLDER + "export.csv", dirt.body)
    assert sessions(known) == dirt.sessions
    errors = error_rows(known, batch)
    assert {int(row["_error_row"]): row["_error_code"] for row in errors} == dirt.rejected
    shown = [cell for row in errors for cell in row.values()]
    assert [text for text in dirt.originals if not any(text in cell for cell in shown)] == []
    counts = (batch["total_rows"], batch["success_rows"], batch["error_rows"], batch["skipped_rows"])
    assert counts == (len(dirt.sessions) + len(dirt.rejected), len(dirt.sessions), len(dirt.rejected), 0)
    assert {name: batch["csv_metadata"][name] for name in dirt.metadata} == dirt.metadata
    if dirt.rating is not None:
        assert [float(row[0]) for row in known.db.run("SELECT rating FROM kintell_sessions")] == [dirt.rating]


@pytest.mark.parametrize(("body", "code"), [pytest.param(*each, id=name) for name, each in REFUSED.items()])
def test_a_file_that_is_no_table_is_refused(known: Pipeline, body: bytes, code: str) -> None:
    upload = upload_of(known, known.upload(FOLDER + "export.csv", body))
    assert (upload["state"], upload["refusal_code"]) == ("refused", code)
    assert upload["refusal_message"]


def test_topics_and_metadata_are_stored_as_they_mean(known: Pipeline) -> None:
    rest = '"cv, interview, network","{""room"": ""A, B"", ""n"": [1, 2.50]}"'
    known.load(FOLDER + "export.csv", table(line(1, rest=rest)).encode())
    stored = known.db.run("SELECT topics, metadata::text FROM kintell_sessions")
    assert stored == [[["cv", "interview", "network"], '{"n": [1, 2.50], "room": "A, B"}']]


def test_the_same_month_exported_twice_under_two_names_is_imported_once(known: Pipeline) -> None:
    body = table(line(1), line(2)).encode()
    first = known.load(FOLDER + "export.csv", body)
    again = upload_of(known, known.upload("incoming/language_for_ukraine_2024_11 (1).CSV", body))
    assert (again["refusal_code"], again["refusal_batch_id"]) == ("already_imported", first["id"])


def test_the_same_rows_saved_again_by_excel_change_nothing(known: Pipeline) -> None:
    """Semicolons, CRLF, a BOM, quotes only where they must be, decimal commas and Norwegian dates."""
    known.load(FOLDER + "export.csv", table(line(1, '"a, b"', "4.5"), line(2, '"fine"', "3")).encode())
    excel = parted(table(line(1, "X", "4#5"), line(2, "fine", "3"), end="\r\n"), ";")
    excel = excel.replace("X", "a, b").replace("#", ",").replace("2024-11-05", "05.11.2024")
    batch = known.load(FOLDER + "november.csv", excel.encode("utf-8-sig"))
    assert (batch["total_rows"], batch["skipped_rows"], batch["error_rows"]) == (2, 2, 0)


def test_of_overlapping_months_only_what_is_new_is_work(known: Pipeline) -> None:
    known.load(FOLDER + "a.csv", table(line(1), line(2)).encode())
    batch = known.load(FOLDER + "b.csv", table(line(2), line(3)).encode())
    assert (batch["inserted_rows"], batch["updated_rows"], batch["skipped_rows"]) == (1, 0, 1)


@pytest.mark.parametrize("resave", ["as it is", "excel", "excel in windows-1252", "libreoffice in utf-16"])
def test_a_corrected_error_file_comes_back_however_it_was_saved(known: Pipeline, resave: str) -> None:
    body = table(
        line(1, '"=1+1, blåbær"', "9"),
        line(2, '"\'=x; ""y"""', "9"),
        line(3, '"two\nlines"', "9"),
        line(4),
        header=HEADER,
    )
    first = known.load(FOLDER + "export.csv", body.encode())
    rows = error_rows(known, first)
    assert [row["_error_row"] for row in rows] == ["1", "2", "3"]
    mended = [{**row, "rating": "4"} for row in rows]
    returned = io.StringIO()
    delimiter = {"as it is": ",", "libreoffice in utf-16": "\t"}.get(resave, ";")
    writer = csv.DictWriter(returned, [*HEADER.split(","), *ERROR_COLUMNS], delimiter=delimiter, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(mended)
    codec = {"excel in windows-1252": "cp1252", "libreoffice in utf-16": "utf-16"}.get(resave, "utf-8-sig")
    second = known.load(FOLDER + "export-errors.csv", returned.getvalue().encode(codec), parent_batch=str(first["id"]))
    assert (second["success_rows"], second["error_rows"], second["csv_metadata"]["isErrorFile"]) == (3, 0, True)
    assert sessions(known) == {"LS-1": "=1+1, blåbær", "LS-2": '\'=x; "y"', "LS-3": "two\nlines", "LS-4": "fine"}
