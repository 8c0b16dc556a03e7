"""Corrected files whose parent, or which themselves, are started over: no row that nobody mended comes in as new."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest

import finalize.app
from ingestion.aws import object_keys
from ingestion.config import settings
from ingestion.contracts import StageTask
from ingestion.database.connection import Connection
from ingestion.database.tables import new_batches
from ingestion.errors import BatchBroken
from retention.sweep import retention
from stage.start_chunk import start
from tests.db.world import backend, wait_until_blocked
from tests.stages.conftest import CONTEXT, WORK, Pipeline
from tests.stages.test_corrections import KEY, MENDED, ONE_OF_EACH, counts, table_of
from tests.stages.test_corrections_at_once import age, correction_of, known, second, stage_all

__all__ = ["known", "second"]

AGAIN = "again"


@pytest.fixture
def parent(known: Pipeline) -> dict[str, Any]:
    """A batch that failed with four rejected rows."""
    batch = known.load(KEY, ONE_OF_EACH.encode(), max_error_percent="1")
    assert (batch["status"], *counts(batch)) == ("failed", 0, 4)
    return batch


def break_off(pipeline: Pipeline, batch_id: str, execution: str = "") -> None:
    error = {"Error": "States.Timeout", "Cause": ""}
    given = execution or f"execution-of-{batch_id}"
    finalize.app.handler({"batchId": batch_id, "execution": given, "error": error}, CONTEXT)


@pytest.mark.parametrize("is_staged", [False, True])
def test_a_failed_batch_is_not_started_over_while_a_correction_is_compared_with_it(
    known: Pipeline, parent: dict[str, Any], is_staged: bool
) -> None:
    correction = known.upload(MENDED, correction_of(known, parent))["batch_id"]
    if is_staged:
        stage_all(known, correction)
    with pytest.raises(BatchBroken, match="corrected"):
        stage_all(known, str(parent["id"]), AGAIN)
    assert known.run(str(parent["id"]), AGAIN) == parent
    child = known.run(correction)
    assert (child["status"], *counts(child)) == ("completed", 1, 3)
    stage_all(known, str(parent["id"]), AGAIN)
    assert known.batch(parent["id"])["status"] == "running"


def test_a_batch_that_is_started_over_waits_for_a_correction_that_is_being_accepted(
    known: Pipeline, parent: dict[str, Any], second: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    real: Callable[..., Any] = new_batches.create
    started: list[Future[Any]] = []
    pid = backend(second)
    task = StageTask(batch_id=UUID(str(parent["id"])), chunk=1, execution=AGAIN)

    def create(*given: Any) -> Any:
        started.append(pool.submit(start, task, second))
        wait_until_blocked(known.db, pid)
        return real(*given)

    body = correction_of(known, parent)
    monkeypatch.setattr(new_batches, "create", create)
    with ThreadPoolExecutor(1) as pool:
        assert known.upload(MENDED, body)["state"] == "accepted"
        with pytest.raises(BatchBroken, match="corrected"):
            started[0].result(timeout=30)
    assert known.batch(parent["id"])["status"] == "failed"


def runs_again(pipeline: Pipeline, parent: dict[str, Any], _second: Connection) -> None:
    stage_all(pipeline, str(parent["id"]), AGAIN)


def broke_again(pipeline: Pipeline, parent: dict[str, Any], _second: Connection) -> None:
    stage_all(pipeline, str(parent["id"]), AGAIN)
    break_off(pipeline, str(parent["id"]), AGAIN)


def error_file_was_deleted(pipeline: Pipeline, parent: dict[str, Any], second: Connection) -> None:
    age(pipeline, parent, 31)
    retention(second, settings())
    assert pipeline.batch(parent["id"])["error_file_deleted_at"] is not None


def all_was_deleted(pipeline: Pipeline, parent: dict[str, Any], second: Connection) -> None:
    age(pipeline, parent, 91)
    retention(second, settings())
    assert pipeline.batch(parent["id"])["archived_at"] is not None


def object_is_gone(pipeline: Pipeline, parent: dict[str, Any], _second: Connection) -> None:
    key = object_keys.reject_values(parent["id"])
    pipeline.s3.delete_object(Bucket=WORK, Key=key)


@pytest.mark.parametrize("gone", [runs_again, broke_again, error_file_was_deleted, all_was_deleted, object_is_gone])
@pytest.mark.parametrize("is_staged", [False, True])
def test_a_correction_that_is_started_over_fails_if_the_rejects_are_gone(
    known: Pipeline,
    parent: dict[str, Any],
    second: Connection,
    gone: Callable[[Pipeline, dict[str, Any], Connection], None],
    is_staged: bool,
) -> None:
    body = correction_of(known, parent)
    correction = known.upload(MENDED, body)["batch_id"]
    if is_staged:
        stage_all(known, correction)
    break_off(known, correction)
    gone(known, parent, second)
    child = known.run(correction, AGAIN)
    assert (child["status"], *counts(child)) == ("failed", 0, 0)
    assert f"Batch {parent['id']} no longer has the rejected rows" in child["failure_reason"]
    assert known.db.run("SELECT count(*) FROM kintell_sessions") == [[0]]


def test_a_correction_that_is_started_over_is_compared_with_the_rejects_of_its_parents_last_attempt(
    known: Pipeline, parent: dict[str, Any]
) -> None:
    correction = known.upload(MENDED, correction_of(known, parent))["batch_id"]
    stage_all(known, correction)
    break_off(known, correction)
    assert counts(known.run(str(parent["id"]), AGAIN)) == (0, 4)
    child = known.run(correction, AGAIN)
    assert (child["status"], *counts(child)) == ("completed", 1, 3)


def test_an_error_file_of_a_batch_that_has_no_rejects_any_more_is_read_as_it_is_with_a_warning(
    known: Pipeline, parent: dict[str, Any]
) -> None:
    table = table_of(known, parent)
    body = correction_of(known, parent)
    stage_all(known, str(parent["id"]), AGAIN)
    break_off(known, str(parent["id"]), AGAIN)
    child = known.load(MENDED, body)
    assert {"code": "corrected_rows_gone", "count": len(table) - 1} in child["csv_metadata"]["warnings"]
