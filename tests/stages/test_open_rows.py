"""Which rejected rows are open: those that no later batch has imported, each once, where it was first rejected."""

from typing import Any

import pytest

from ingestion.config import settings
from ingestion.database.connection import rows
from retention.sweep import retention
from tests.stages.conftest import Pipeline
from tests.stages.test_corrections import KEY, MENDED, ONE_OF_EACH, mended, saved, table_of, without_error_columns
from tests.stages.test_corrections_at_once import age

COLUMNS = "session_id,participant_email,mentor_email,scheduled_at,duration_minutes\n"


@pytest.fixture
def known(pipeline: Pipeline) -> Pipeline:
    """Stages that know two people."""
    pipeline.know("olena@example.org", "kari@acme.com")
    return pipeline


def counts(pipeline: Pipeline, batch: dict[str, Any]) -> tuple[int, int, int]:
    """Open, corrected and retryable rows."""
    sql = "SELECT open_rows, corrected_rows, retryable_rows FROM batch_view WHERE id = :id"
    return tuple(rows(pipeline.db, sql, id=batch["id"])[0].values())


def a_row(number: int, participant: str = "olena@example.org", date: str = "2026-03-02") -> str:
    return f"MS-{number},{participant},kari@acme.com,{date}T10:00:00Z,60\n"


def a_file(*lines: str) -> bytes:
    return (COLUMNS + "".join(lines)).encode()


def test_a_row_is_open_until_a_later_batch_imports_it(known: Pipeline) -> None:
    first = known.load(KEY, ONE_OF_EACH.encode())
    assert first["error_rows"] == 4
    assert counts(known, first) == (4, 0, 0)
    child = known.load(MENDED, saved(mended(table_of(known, first), "03/05/2026", "2026-05-03")))
    assert (child["inserted_rows"], child["error_rows"]) == (1, 3)
    assert counts(known, first) == (3, 1, 0)
    assert counts(known, child) == (0, 0, 0), "rejected again, they are open on the first parent"


def test_the_corrections_of_a_correction_close_the_rows_of_the_first_parent(known: Pipeline) -> None:
    first = known.load(KEY, a_file(a_row(1, date="03/05/2026x"), a_row(2, date="tomorrow"), a_row(3)))
    child = known.load(MENDED, saved(mended(table_of(known, first), "03/05/2026xT10:00:00Z", "someday")))
    assert (counts(known, first), counts(known, child)) == ((2, 0, 0), (0, 0, 0))
    grandchild = known.load(f"{MENDED}.csv", saved(mended(table_of(known, child), "someday", "2026-05-03")))
    assert grandchild["inserted_rows"] == 1
    assert (counts(known, first), counts(known, child)) == ((1, 1, 0), (0, 1, 0))


def test_a_row_that_is_new_in_a_corrected_file_is_open_there(known: Pipeline) -> None:
    first = known.load(KEY, a_file(a_row(1, date="soon"), a_row(3)))
    table = table_of(known, first)
    new = ["MS-9", "olena@example.org", "nobody", "2026-03-04", "60", *[""] * 5]
    child = known.load(MENDED, saved([*table, new]))
    assert child["error_rows"] == 2
    assert (counts(known, first), counts(known, child)) == ((1, 0, 0), (1, 0, 0))


def test_a_row_that_is_written_anew_is_known_by_its_number(known: Pipeline) -> None:
    first = known.load(KEY, ONE_OF_EACH.encode())
    header, *lines = table_of(known, first)
    at = header.index("_error_row")
    line = next(line for line in lines if line[at] == "2")
    new = ["MS-77", "olena@example.org", "kari@acme.com", "2026-04-04", "", "30", "3", "x", "y", "z"]
    line[: len(new)] = new
    child = known.load(MENDED, saved([header, line]))
    assert child["inserted_rows"] == 1
    assert counts(known, first) == (3, 1, 0)


def test_rows_are_known_without_the_columns_that_were_added(known: Pipeline) -> None:
    first = known.load(KEY, ONE_OF_EACH.encode())
    body = saved(without_error_columns(mended(table_of(known, first), "03/05/2026", "2026-05-03")))
    known.load(MENDED, body, parent_batch=str(first["id"]))
    assert counts(known, first) == (3, 1, 0)


@pytest.mark.parametrize("options", [{"dry_run": "true"}, {"max_error_percent": "1"}])
def test_what_publishes_nothing_closes_nothing(known: Pipeline, options: dict[str, str]) -> None:
    first = known.load(KEY, ONE_OF_EACH.encode())
    known.load(MENDED, saved(mended(table_of(known, first), "03/05/2026", "2026-05-03")), **options)
    assert counts(known, first) == (4, 0, 0)


def test_what_came_in_after_all_closes_the_row_of_another_programme(known: Pipeline) -> None:
    text = COLUMNS.replace("mentor_email", "volunteer_email").replace("\n", ",session_type\n") + a_row(1).replace(
        "\n", ",Language Connect\n"
    )
    first = known.load(KEY, (text + a_row(2).replace("\n", ",Mentorship\n")).encode())
    assert counts(known, first) == (1, 0, 0)
    error_file = known.error_file(first)
    child = known.load("incoming/language_ukraine/language-ukraine-2026-03/mine.csv", error_file)
    assert child["inserted_rows"] == 1
    assert counts(known, first) == (0, 1, 0)


def test_rows_of_unknown_people_may_be_retried_and_others_not(known: Pipeline) -> None:
    first = known.load(
        KEY, a_file(a_row(1, "new@example.org"), a_row(2, "new@example.org", "soon"), a_row(3, "other@example.org"))
    )
    assert (first["status"], counts(known, first)) == ("failed", (3, 0, 2))


def test_rows_whose_id_is_somebody_elses_may_be_retried(known: Pipeline) -> None:
    known.know("second@example.org")
    known.load(KEY, a_file(a_row(1)))
    batch = known.load(MENDED, a_file(a_row(1, "second@example.org"), a_row(2)))
    assert (batch["error_rows"], counts(known, batch)) == (1, (1, 0, 1))


def test_of_a_batch_over_its_limit_nothing_is_retried(known: Pipeline) -> None:
    batch = known.load(KEY, a_file(a_row(1, "new@example.org"), a_row(2)), max_error_percent="1")
    assert (batch["status"], counts(known, batch)) == ("failed", (1, 0, 0))


def test_a_row_that_somebody_mended_is_retried_as_it_was_mended(known: Pipeline) -> None:
    first = known.load(KEY, a_file(a_row(1, "new@example.org"), a_row(2, "new@example.org"), a_row(3)))
    assert counts(known, first) == (2, 0, 2)
    table = table_of(known, first)
    table[1][1] = "newer@example.org"
    child = known.load(MENDED, saved(table))
    assert child["error_rows"] == 2
    assert (counts(known, first), counts(known, child)) == ((2, 0, 1), (0, 0, 1))


def test_the_addresses_go_with_the_error_file(known: Pipeline) -> None:
    batch = known.load(KEY, a_file(a_row(1, "new@example.org"), a_row(2)))
    assert known.db.run("SELECT people FROM retryable_rows") == [[["new@example.org kari@acme.com"]]]
    age(known, batch, 31)
    retention(known.db, settings())
    assert known.db.run("SELECT people FROM retryable_rows") == []
    assert counts(known, batch) == (1, 0, 0)


def test_an_import_that_breaks_leaves_no_addresses_and_closes_nothing(known: Pipeline) -> None:
    first = known.load(KEY, a_file(a_row(1, date="soon"), a_row(3)))
    taken = known.upload(MENDED, saved(mended(table_of(known, first), "soonT10:00:00Z", "2026-03-03")))
    known.db.run("UPDATE ingestion_batches SET cancelled_at = now() WHERE id = :id", id=taken["batch_id"])
    assert known.run(taken["batch_id"])["failure_code"] == "cancelled"
    assert counts(known, first) == (1, 0, 0)
    assert known.db.run("SELECT FROM returned_rows") == []


@pytest.mark.parametrize("key", ['M"S', "M\\S", 'M\\"S', "M,S", "NULL-1", "{M}", "М-1"])
def test_any_id_may_be_retried(known: Pipeline, key: str) -> None:
    quoted = key.replace('"', '""')
    line = f'"{quoted}",new@example.org,kari@acme.com,2026-03-02,60\n'
    known.load(KEY, a_file(line, a_row(2)))
    assert known.db.run("SELECT keys FROM retryable_rows") == [[[key]]]
