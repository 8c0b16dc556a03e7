"""Corrected files while something happens to their parent: whatever comes first, mended rows and no others are new."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

import stage.app
from ingestion.aws import s3
from ingestion.config import settings
from ingestion.database.connection import Connection, connect, connection
from local.postgres import Database
from retention.sweep import retention
from tests.conftest import functions_secret_of
from tests.db.world import backend, wait_until_blocked
from tests.stages.conftest import CONTEXT, Pipeline
from tests.stages.test_corrections import KEY, MENDED, ONE_OF_EACH, counts, mended, saved, table_of


@pytest.fixture
def known(pipeline: Pipeline) -> Pipeline:
    """Stages that know two people."""
    pipeline.know("olena@example.org", "kari@acme.com")
    return pipeline


@pytest.fixture
def second(database: Database) -> Iterator[Connection]:
    """A connection of the functions beside that of the stages."""
    connection = connect(functions_secret_of(database))
    yield connection
    connection.close()


def age(pipeline: Pipeline, batch: dict[str, Any], days: int) -> None:
    pipeline.db.run(
        "UPDATE ingestion_batches SET completed_at = now() - make_interval(days => :days) WHERE id = :id",
        id=batch["id"],
        days=days,
    )


def correction_of(pipeline: Pipeline, parent: dict[str, Any], to: str = "2026-05-03") -> bytes:
    return saved(mended(table_of(pipeline, parent), "03/05/2026", to))


def stage_all(pipeline: Pipeline, batch_id: str, execution: str = "") -> None:
    for (number,) in pipeline.db.run("SELECT number FROM chunks WHERE batch_id = :id", id=batch_id):
        stage.app.handler(
            {"batchId": batch_id, "chunk": number, "execution": execution or f"execution-of-{batch_id}"}, CONTEXT
        )


@pytest.mark.parametrize("days", [31, 91, 400])
@pytest.mark.parametrize("is_failed", [False, True])
@pytest.mark.parametrize("is_staged", [False, True])
def test_what_a_correction_is_held_against_stays_until_it_has_ended(
    known: Pipeline, second: Connection, days: int, is_failed: bool, is_staged: bool
) -> None:
    options = {"max_error_percent": "1"} if is_failed else {}
    first = known.load(KEY, ONE_OF_EACH.encode(), **options)
    assert first["status"] == ("failed" if is_failed else "completed")
    accepted = known.upload(MENDED, correction_of(known, first))
    if is_staged:
        stage_all(known, accepted["batch_id"])
    age(known, first, days)
    retention(second, settings())
    child = known.run(accepted["batch_id"])
    assert (child["status"], *counts(child)) == ("completed", 1, 3)
    retention(second, settings())
    assert known.batch(first["id"])["error_file_deleted_at"] is not None


def test_a_correction_that_comes_while_its_parents_rejects_go_is_warned_of_it(
    known: Pipeline, second: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = known.load(KEY, ONE_OF_EACH.encode())
    body = correction_of(known, first)
    age(known, first, 31)
    real: Callable[..., Any] = s3.delete
    uploads: list[Future[dict[str, Any]]] = []
    pid = backend(connection(settings()))

    def delete(*given: Any) -> None:
        real(*given)
        if not uploads:
            uploads.append(pool.submit(known.upload, MENDED, body))
            wait_until_blocked(known.db, pid)

    monkeypatch.setattr(s3, "delete", delete)
    with ThreadPoolExecutor(1) as pool:
        retention(second, settings())
        accepted = uploads[0].result(timeout=30)
    child = known.batch(accepted["batch_id"])
    assert "corrected_rows_gone" in str(child["csv_metadata"]["warnings"])


@pytest.mark.parametrize("is_named", [True, False])
def test_a_batch_that_has_not_ended_has_no_corrections(known: Pipeline, is_named: bool) -> None:
    first = known.load(KEY, ONE_OF_EACH.encode(), max_error_percent="1")
    body = correction_of(known, first)
    # An operator starts it over: what was handed out is void.
    stage_all(known, str(first["id"]), "again")
    options = {"parent_batch": str(first["id"])} if is_named else {}
    answer = known.upload(MENDED, body, **options)
    assert (answer["state"], answer["refusal"]) == ("refused", "no_such_parent_batch")
    assert known.run(str(first["id"]), "again")["status"] == "failed"
    assert known.load("incoming/mentors_ukraine/again.csv", body, **options)["inserted_rows"] == 1


def test_two_corrections_of_one_row_at_once_come_to_one_session_with_both_in_its_past(known: Pipeline) -> None:
    first = known.load(KEY, ONE_OF_EACH.encode())
    bodies = [correction_of(known, first, to) for to in ("2026-05-03", "2026-03-05")]
    keys = [f"incoming/mentors_ukraine/mended-{number}.csv" for number in range(2)]
    batches = [known.upload(key, body)["batch_id"] for key, body in zip(keys, bodies, strict=True)]
    for batch in batches:
        stage_all(known, batch)
    ended = [known.run(batch) for batch in batches]
    assert [(batch["inserted_rows"], batch["updated_rows"], batch["error_rows"]) for batch in ended] == [
        (1, 0, 3),
        (0, 1, 3),
    ]
    stored = known.db.run("SELECT version, batch_id FROM kintell_sessions WHERE external_session_id = 'MS-4'")
    assert stored == [[2, ended[1]["id"]]]
    kept = known.db.run("SELECT batch_id, replaced_by_batch FROM kintell_session_versions")
    assert kept == [[ended[0]["id"], ended[1]["id"]]]
