"""Retry: rejected rows that would pass now come in as a child batch with their own numbers, once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from api.problems import Problem, ProblemCode
from api.retries import retry
from ingestion.config import settings
from ingestion.database.connection import Connection, connect, connection, rows
from ingestion.database.queries.retryable import batches_to_retry
from ingestion.sign_in.actors import LOCAL
from ingestion.values.dates import NOTHING_DECLARED, Declared, declared_of
from ingestion.verification import verify
from local.postgres import Database
from retention.sweep import retention
from tests.conftest import functions_secret_of
from tests.stages.conftest import Pipeline
from tests.stages.test_corrections import KEY, MENDED, mended, saved, table_of
from tests.stages.test_corrections_at_once import age, stage_all
from tests.stages.test_open_rows import a_file, a_row, counts
from tests.stages.undoing import undone

LATE = datetime.max.replace(tzinfo=UTC)
NEW, OTHER = "new@example.org", "other@example.org"


@pytest.fixture
def known(pipeline: Pipeline) -> Pipeline:
    """Stages that know two people."""
    pipeline.know("olena@example.org", "kari@acme.com")
    return pipeline


@pytest.fixture
def again(known: Pipeline) -> Callable[..., dict[str, Any]]:
    """Retry a batch; the record of the child."""

    def again(batch: dict[str, Any], declared: Declared = NOTHING_DECLARED) -> dict[str, Any]:
        child = retry(connection(settings()), batch["id"], declared, LOCAL)
        return known.run(str(child))

    return again


def sessions(pipeline: Pipeline) -> list[tuple[Any, ...]]:
    """Each session with the row that gave it."""
    sql = "SELECT external_session_id, batch_id, row_number, line FROM kintell_sessions ORDER BY row_number"
    return [tuple(row) for row in pipeline.db.run(sql)]


def would_pass(pipeline: Pipeline) -> list[tuple[UUID, int, int]]:
    return [(one["batch_id"], one["rows"], one["would_pass"]) for one in batches_to_retry(pipeline.db)]


def test_rows_come_in_with_their_own_numbers_once_their_people_are_known(
    known: Pipeline, again: Callable[..., dict[str, Any]]
) -> None:
    first = known.load(KEY, a_file(a_row(1, NEW), a_row(2, OTHER), a_row(3), a_row(4, NEW)))
    assert would_pass(known) == []
    known.know(NEW)
    assert would_pass(known) == [(first["id"], 3, 2)]
    child = again(first)
    assert (child["status"], child["inserted_rows"], child["total_rows"]) == ("completed", 2, 2)
    assert (child["parent_batch_id"], child["upload_id"]) == (first["id"], first["upload_id"])
    assert sessions(known) == [
        ("MS-1", child["id"], 1, 2),
        ("MS-3", first["id"], 3, 4),
        ("MS-4", child["id"], 4, 5),
    ]
    assert counts(known, first) == (1, 2, 1)
    assert known.db.run("SELECT batch_id FROM reporting.files") == [[first["id"]]], "one row for each file"
    assert verify(known.db, child["id"], settings().work_bucket, LATE).differing == []


def test_an_import_of_which_nothing_came_in_is_retried_too(
    known: Pipeline, again: Callable[..., dict[str, Any]]
) -> None:
    first = known.load(KEY, a_file(a_row(1, NEW)))
    assert first["status"] == "failed"
    known.know(NEW)
    assert again(first)["inserted_rows"] == 1
    assert known.load(f"{KEY}.csv", a_file(a_row(1, NEW)))["skipped_rows"] == 1, "the same bytes are not refused"


def test_there_is_nothing_to_retry_a_second_time(known: Pipeline, again: Callable[..., dict[str, Any]]) -> None:
    first = known.load(KEY, a_file(a_row(1, NEW), a_row(2)))
    with pytest.raises(Problem) as problem:
        again(first)
    assert problem.value.shape.code == ProblemCode.NOTHING_TO_RETRY
    known.know(NEW)
    again(first)
    with pytest.raises(Problem):
        again(first)
    assert would_pass(known) == []


def test_ten_at_once_are_one_retry(known: Pipeline, database: Database) -> None:
    first = known.load(KEY, a_file(a_row(1, NEW), a_row(2)))
    known.know(NEW)

    def ask(_: int) -> UUID:
        own = connect(functions_secret_of(database))
        try:
            return retry(own, first["id"], NOTHING_DECLARED, LOCAL)
        finally:
            own.close()

    with ThreadPoolExecutor(10) as pool:
        children = set(pool.map(ask, range(10)))
    assert len(children) == 1
    assert known.db.run("SELECT count(*) FROM audit_logs WHERE action = 'import_retried'") == [[1]]


def test_a_retry_that_reads_dates_otherwise_is_not_joined(known: Pipeline) -> None:
    first = known.load(KEY, a_file("MS-1,olena@example.org,kari@acme.com,03/05/2026,60\n", a_row(2)))
    child = retry(known.db, first["id"], declared_of("day-first", None), LOCAL)
    assert retry(known.db, first["id"], declared_of("day-first", None), LOCAL) == child
    for other in (declared_of("month-first", None), declared_of("day-first", "Asia/Tokyo"), NOTHING_DECLARED):
        with pytest.raises(Problem) as refused:
            retry(known.db, first["id"], other, LOCAL)
        assert refused.value.shape.code == "retry_under_way"


def test_rows_in_several_chunks(known: Pipeline, again: Callable[..., dict[str, Any]], small_chunks: None) -> None:
    lines = [a_row(number, NEW if number % 7 == 0 else "olena@example.org") for number in range(1, 60)]
    first = known.load(KEY, a_file(*lines))
    known.know(NEW)
    child = again(first)
    assert (child["total_rows"], child["inserted_rows"]) == (8, 8)
    assert [row[2:] for row in sessions(known) if row[1] == child["id"]] == [(at, at + 1) for at in range(7, 60, 7)]


def test_an_id_that_is_somebody_elses_is_tried_again_once_it_is_free(
    known: Pipeline, again: Callable[..., dict[str, Any]]
) -> None:
    known.know(NEW)
    known.load(KEY, a_file(a_row(1)))
    batch = known.load(MENDED, a_file(a_row(1, NEW), a_row(2)))
    assert would_pass(known) == []
    known.db.run("DELETE FROM kintell_sessions WHERE external_session_id = 'MS-1'")
    assert would_pass(known) == [(batch["id"], 1, 1)]
    assert again(batch)["inserted_rows"] == 1


def test_of_two_people_with_one_new_id_the_first_gets_it(known: Pipeline, again: Callable[..., dict[str, Any]]) -> None:
    first = known.load(KEY, a_file(a_row(1, NEW), a_row(1, OTHER), a_row(3)))
    known.know(NEW, OTHER)
    assert would_pass(known) == [(first["id"], 2, 1)]
    assert again(first)["inserted_rows"] == 1
    assert counts(known, first) == (1, 1, 1)


def test_dates_are_read_as_they_are_declared_now(known: Pipeline, again: Callable[..., dict[str, Any]]) -> None:
    lines = [
        "MS-1,olena@example.org,kari@acme.com,03/05/2026,60\n",
        "MS-2,olena@example.org,kari@acme.com,03/25/2026,60\n",
        f"MS-3,{NEW},kari@acme.com,04/05/2026,60\n",
        "MS-4,olena@example.org,kari@acme.com,04/05/2026,6000\n",
        a_row(5),
    ]
    first = known.load(KEY, a_file(*lines))
    assert first["error_rows"] == 4
    child = again(first, declared_of("day-first", None))
    assert (child["total_rows"], child["inserted_rows"], child["date_order"]) == (1, 1, "day-first")
    assert known.db.run("SELECT scheduled_at::date::text FROM kintell_sessions WHERE row_number = 1") == [
        ["2026-05-03"]
    ]
    assert counts(known, first) == (3, 1, 0)


def test_a_correction_is_retried_as_it_was_mended(known: Pipeline, again: Callable[..., dict[str, Any]]) -> None:
    first = known.load(KEY, a_file(a_row(1, date="soon"), a_row(2)))
    table = mended(table_of(known, first), "soonT10:00:00Z", "2026-04-04")
    child = known.load(MENDED, saved(mended(table, "olena@example.org", NEW)))
    assert (child["status"], counts(known, first), counts(known, child)) == ("failed", (1, 0, 0), (0, 0, 1))
    known.know(NEW)
    assert would_pass(known) == [(child["id"], 1, 1)]
    grandchild = again(child)
    assert (grandchild["inserted_rows"], grandchild["parent_batch_id"]) == (1, child["id"])
    assert (counts(known, first), counts(known, child)) == ((0, 1, 0), (0, 1, 0))


@pytest.mark.parametrize("is_retried_first", [True, False])
def test_a_race_with_the_mended_error_file_stores_each_session_once(known: Pipeline, is_retried_first: bool) -> None:
    first = known.load(KEY, a_file(a_row(1, NEW), a_row(2, NEW), a_row(3)))
    known.know(NEW)
    # Somebody gave one row another id, and the other one another length.
    table = mended(table_of(known, first), "MS-1", "MS-100")
    table[2][4] = "45"
    correction = known.upload(MENDED, saved(table))["batch_id"]
    child = str(retry(connection(settings()), first["id"], NOTHING_DECLARED, LOCAL))
    both = [child, correction] if is_retried_first else [correction, child]
    for batch in both:
        stage_all(known, batch)
    for batch in both:
        assert known.run(batch)["status"] == "completed"
    found = known.db.run("SELECT external_session_id, duration_minutes FROM kintell_sessions")
    stored = {key: minutes for key, minutes in found if key != "MS-3"}
    assert stored["MS-2"] == 45, "what somebody mended is never undone"
    assert stored["MS-100"] == 60
    assert set(stored) == ({"MS-1", "MS-2", "MS-100"} if is_retried_first else {"MS-2", "MS-100"})
    assert counts(known, first) == (0, 2, 0)


def test_a_file_stays_as_long_as_a_retry_of_it(
    known: Pipeline, again: Callable[..., dict[str, Any]], database: Database
) -> None:
    first = known.load(KEY, a_file(a_row(1, NEW)))
    known.know(NEW)
    child = again(first)
    age(known, first, 91)
    second: Connection = connect(functions_secret_of(database))
    retention(second, settings())
    assert known.batch(first["id"])["archived_at"] is None
    assert verify(second, child["id"], settings().work_bucket, LATE).checked_rows == 1
    age(known, child, 400)
    for _night in range(2):
        retention(second, settings())
    assert [known.batch(one["id"])["archived_at"] is not None for one in (first, child)] == [True, True]
    assert rows(known.db, "SELECT deleted_at IS NOT NULL AS is_gone FROM uploads") == [{"is_gone": True}]
    second.close()


def test_an_unpacked_copy_that_is_gone_is_made_again(known: Pipeline, again: Callable[..., dict[str, Any]]) -> None:
    first = known.load(KEY, a_file(a_row(1, NEW), a_row(2)).decode().encode("utf-16"))
    assert first["work_key"]
    known.s3.delete_object(Bucket=settings().work_bucket, Key=first["work_key"])
    known.know(NEW)
    assert again(first)["inserted_rows"] == 1


def test_an_undone_retry_opens_its_rows_again(known: Pipeline, again: Callable[..., dict[str, Any]]) -> None:
    first = known.load(KEY, a_file(a_row(1, NEW), a_row(2), a_row(3, NEW)))
    known.know(NEW)
    child = again(first)
    assert counts(known, first) == (0, 2, 0)
    undone(known, child["id"])
    assert counts(known, first) == (2, 0, 2)
    assert [row[0] for row in sessions(known)] == ["MS-2"]
    assert again(first)["inserted_rows"] == 2
    assert counts(known, first) == (0, 2, 0)


def test_an_import_that_was_undone_has_nothing_to_retry(known: Pipeline) -> None:
    first = known.load(KEY, a_file(a_row(1, NEW), a_row(2)))
    known.know(NEW)
    undone(known, first["id"])
    assert (would_pass(known), counts(known, first)[2]) == ([], 0)
