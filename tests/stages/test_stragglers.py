"""Functions that are still at work when their batch was taken back, and perhaps started over: they change nothing."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from finalize.fail_batch import fail_batch
from finalize.join_rejects import join_error_file
from ingestion.config import Settings
from ingestion.contracts import FailTask, MergeTask, StateError
from ingestion.database.connection import connect, transaction
from ingestion.database.tables import batches
from ingestion.database.tables.batches import Batch
from ingestion.errors import BatchBroken
from local.postgres import Database
from merge.merge_shard import _merge
from tests.conftest import secret_of
from tests.db.world import backend, wait_until_blocked
from tests.stages.conftest import Pipeline
from tests.stages.test_interruptions import Run, file_of, sessions


@pytest.fixture
def known(environment: pytest.MonkeyPatch, small_chunks: None, pipeline: Pipeline) -> Pipeline:
    """Known people, and files cut into chunks and shards of a few rows."""
    environment.setenv("ROWS_PER_SHARD", "4")
    pipeline.know("oksana@example.org", "kari@acme.com")
    return pipeline


def test_a_merge_at_work_while_its_batch_fails_is_removed_too(known: Pipeline, database: Database) -> None:
    run = Run(known, file_of(1, 10))
    run.stage()
    task = MergeTask.model_validate({"batchId": run.batch_id, "shard": run.reconcile()["shards"][0]})
    aborted = FailTask(batch_id=task.batch_id, execution=run.execution, error=StateError(error="ABORTED"))
    straggler, finalizer = connect(secret_of(database)), connect(secret_of(database))
    pid = backend(finalizer)
    try:
        with ThreadPoolExecutor(1) as pool:
            with transaction(straggler):
                inserted, _ = _merge(task, batches.get(straggler, task.batch_id), straggler)
                assert inserted
                finalizing = pool.submit(fail_batch, aborted, finalizer)
                wait_until_blocked(known.db, pid)
            assert finalizing.result(timeout=10).status == "failed"
    finally:
        straggler.close()
        finalizer.close()
    assert sessions(known) == []


def test_a_finalize_at_work_while_its_batch_is_started_over_completes_nothing(known: Pipeline) -> None:
    run = Run(known, file_of(1, 10).replace(b"MS-3,oksana", b"MS-3,nobody"))
    run.stage()
    run.merge(*run.reconcile()["shards"])

    def join_while_others_start_over(batch: Batch, numbers: Sequence[int], given: Settings) -> str:
        key = join_error_file(batch, numbers, given)
        run.finalize(error="ABORTED")
        run.stage(execution="two")
        return key

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("finalize.finalize_batch.join_error_file", join_while_others_start_over)
        with pytest.raises(BatchBroken):
            run.finalize()
    assert known.batch(run.batch_id)["status"] == "running"
    run.merge(*run.reconcile()["shards"])
    assert run.finalize()["status"] == "completed"
    assert len(sessions(known)) == 9


def test_rows_that_a_failed_batch_left_behind_go_when_it_is_started_over(known: Pipeline) -> None:
    run = Run(known, file_of(1, 10))
    run.stage()
    run.merge(*run.reconcile()["shards"])
    run.finalize(error="ABORTED")
    # As if something had been published past all that prevents it.
    known.load("incoming/mentors_ukraine/mentors-ukraine-2024-q4/other.csv", file_of(1, 3))
    known.db.run("UPDATE kintell_sessions SET batch_id = :id, version = 2", id=run.batch_id)
    again = known.run(run.batch_id, execution="two")
    assert (again["status"], sessions(known)) == ("failed", [])
    again = known.run(run.batch_id, execution="three")
    assert (again["status"], again["inserted_rows"]) == ("completed", 10)
