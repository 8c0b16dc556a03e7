"""Whatever breaks on the way, a batch ends as if nothing had, or as failed with nothing left of it."""

from typing import Any

import pytest

import annotate_conflicts.app
import finalize.app
import merge.app
import reconcile.app
import stage.app
from ingestion.errors import BatchBroken, ProgrammeBusy, StagingLost
from tests.stages.conftest import CONTEXT, Pipeline

HEADER = "session_id,participant_email,mentor_email,scheduled_at,feedback_text\n"
KEY = "incoming/mentors_ukraine/mentors-ukraine-2024-q4/sessions.csv"


def file_of(first: int, last: int, feedback: str = "") -> bytes:
    rows = (f"MS-{n},oksana@example.org,kari@acme.com,2024-11-05,{feedback}\n" for n in range(first, last + 1))
    return (HEADER + "".join(rows)).encode()


@pytest.fixture
def known(environment: pytest.MonkeyPatch, pipeline: Pipeline) -> Pipeline:
    """Known people, and files cut into chunks and shards of a few rows."""
    environment.setenv("CHUNK_BYTES", "300")
    environment.setenv("ROWS_PER_SHARD", "4")
    pipeline.know("oksana@example.org", "kari@acme.com")
    return pipeline


class Run:
    """One execution of a batch, step by step."""

    def __init__(self, pipeline: Pipeline, body: bytes, execution: str = "one", key: str = KEY) -> None:
        self.db = pipeline.db
        self.batch_id: str = pipeline.upload(key, body)["batch_id"]
        self.execution = execution

    def stage(self, execution: str | None = None) -> None:
        for number in self.chunks():
            task = {"batchId": self.batch_id, "chunk": number, "execution": execution or self.execution}
            stage.app.handler(task, CONTEXT)

    def chunks(self) -> list[int]:
        return [row[0] for row in self.db.run("SELECT number FROM chunks WHERE batch_id = :id", id=self.batch_id)]

    def reconcile(self) -> dict[str, Any]:
        verdict: dict[str, Any] = reconcile.app.handler({"batchId": self.batch_id}, CONTEXT)
        return verdict

    def annotate(self) -> None:
        for number in self.chunks():
            annotate_conflicts.app.handler({"batchId": self.batch_id, "chunk": number}, CONTEXT)

    def merge(self, *shards: int) -> None:
        for shard in shards:
            merge.app.handler({"batchId": self.batch_id, "shard": shard}, CONTEXT)

    def finalize(self, error: str = "", execution: str | None = None) -> dict[str, Any]:
        event: dict[str, Any] = {"batchId": self.batch_id}
        if error:
            event |= {
                "execution": execution or self.execution,
                "error": {"Error": error, "Cause": "secret@example.org"},
            }
        finalized: dict[str, Any] = finalize.app.handler(event, CONTEXT)
        return finalized


def sessions(pipeline: Pipeline) -> list[list[Any]]:
    return pipeline.db.run("SELECT external_session_id, feedback_text, version FROM kintell_sessions ORDER BY id")


def staging_tables(pipeline: Pipeline) -> list[list[Any]]:
    return pipeline.db.run("SELECT relname FROM pg_class WHERE relname ~ '^(rows|changes)_' AND relkind IN ('r', 'p')")


def test_every_step_may_run_twice(known: Pipeline) -> None:
    run = Run(known, file_of(1, 10))
    run.stage()
    run.stage()
    verdict = run.reconcile()
    assert run.reconcile() == verdict
    run.merge(*verdict["shards"], *verdict["shards"])
    assert run.finalize()["status"] == run.finalize()["status"] == "completed"
    run.stage()
    assert run.reconcile()["verdict"] == "finalize"
    assert len(sessions(known)) == 10
    assert staging_tables(known) == []
    trail = [row[0] for row in known.db.run("SELECT action FROM audit_logs WHERE batch_id IS NOT NULL ORDER BY id")]
    assert trail == ["import_started", "import_completed"]


def test_a_broken_import_leaves_no_session_and_restores_what_it_updated(known: Pipeline) -> None:
    known.load(KEY, file_of(1, 5, "first"))
    before = sessions(known)
    run = Run(known, file_of(1, 12, "second"))
    run.stage()
    shards = run.reconcile()["shards"]
    assert len(shards) > 1
    run.merge(*shards[:-1])
    assert sessions(known) != before
    run.finalize(error="States.Timeout")
    batch = known.batch(run.batch_id)
    assert (batch["status"], batch["total_rows"], batch["skipped_rows"]) == ("failed", 12, 12)
    assert batch["unpublished_rows"] == 12
    assert batch["failure_reason"].startswith("import_broke: An error stopped the import (States.Timeout).")
    assert "secret" not in batch["failure_reason"]
    assert sessions(known) == before
    assert known.db.run("SELECT count(*) FROM kintell_session_versions") == [[0]]
    assert staging_tables(known) == []


def test_a_batch_that_broke_may_be_started_over(known: Pipeline) -> None:
    run = Run(known, file_of(1, 10))
    run.stage()
    run.merge(run.reconcile()["shards"][0])
    run.finalize(error="States.Timeout")
    batch = known.run(run.batch_id, execution="two")
    assert (batch["status"], batch["inserted_rows"], batch["failure_reason"]) == ("completed", 10, None)
    assert len(sessions(known)) == 10


def test_who_is_known_is_asked_anew_by_the_next_execution(known: Pipeline) -> None:
    """What a process remembers of people, to stage the next chunk, holds for one execution."""
    run = Run(known, file_of(1, 20))
    run.stage()
    known.db.run("DELETE FROM users WHERE email = 'oksana@example.org'")
    known.know("oksana@example.org")
    shards = run.reconcile()["shards"]
    with pytest.raises(StagingLost):
        run.merge(*shards)
    assert run.finalize("StagingLost")["status"] == "failed"
    assert known.run(run.batch_id, "two")["inserted_rows"] == 20


def test_a_straggler_of_the_execution_that_failed_does_not_revive_the_batch(known: Pipeline) -> None:
    run = Run(known, file_of(1, 10))
    run.stage()
    run.finalize(error="States.Timeout")
    run.stage()
    assert known.batch(run.batch_id)["status"] == "failed"
    assert staging_tables(known) == []


def test_an_execution_that_was_replaced_does_not_fail_the_batch(known: Pipeline) -> None:
    run = Run(known, file_of(1, 10))
    run.stage()
    run.stage(execution="two")
    assert run.finalize(error="States.Timeout", execution="one")["status"] == "running"
    assert run.finalize(error="States.Timeout", execution="two")["status"] == "failed"


def test_a_failed_batch_whose_file_was_imported_since_stays_failed(known: Pipeline) -> None:
    run = Run(known, file_of(1, 10))
    run.stage()
    run.finalize(error="States.Timeout")
    assert known.load(KEY, file_of(1, 10))["status"] == "completed"
    with pytest.raises(BatchBroken, match="Another batch"):
        run.stage(execution="two")
    assert known.batch(run.batch_id)["status"] == "failed"
    assert len(sessions(known)) == 10


def test_staged_rows_that_a_crash_of_the_database_emptied_are_staged_again(known: Pipeline) -> None:
    run = Run(known, file_of(1, 10))
    run.stage()
    empty_staging(known)
    verdict = run.reconcile()
    assert verdict["verdict"] == "restage"
    run.stage()
    verdict = run.reconcile()
    run.merge(verdict["shards"][0])
    empty_staging(known)
    with pytest.raises(StagingLost):
        run.merge(*verdict["shards"][1:])
    run.stage()
    again = run.reconcile()
    assert again["shards"] == verdict["shards"][1:]
    run.merge(*again["shards"])
    run.finalize()
    batch = known.batch(run.batch_id)
    assert (batch["status"], batch["inserted_rows"]) == ("completed", 10)
    assert len(sessions(known)) == 10


def test_a_merge_that_a_fail_over_lost_is_noticed_and_done_again(known: Pipeline) -> None:
    run = Run(known, file_of(1, 10))
    run.stage()
    shards = run.reconcile()["shards"]
    run.merge(*shards[1:])
    with pytest.raises(StagingLost):
        run.finalize()
    run.merge(shards[0])
    known.db.run("DELETE FROM kintell_sessions WHERE external_session_id = 'MS-1'")
    with pytest.raises(BatchBroken, match="10 rows were published, but 9"):
        run.finalize()
    assert known.batch(run.batch_id)["status"] == "running"


def test_a_crash_before_rows_are_explained_costs_none_of_them(known: Pipeline) -> None:
    known.know("ivan@example.org")
    known.load(KEY, file_of(1, 3))
    stolen = file_of(1, 12).replace(b"MS-2,oksana", b"MS-2,ivan").replace(b"MS-3,oksana", b"MS-3,ivan")
    run = Run(known, stolen)
    run.stage()
    assert run.reconcile()["hasConflicts"]
    empty_staging(known)
    run.annotate()
    run.stage()
    run.reconcile()
    # Merging finds that the rows are gone, and has them staged again.
    with pytest.raises(StagingLost):
        run.merge(*range(3))
    run.stage()
    run.merge(*run.reconcile()["shards"])
    run.finalize()
    batch = known.batch(run.batch_id)
    assert (batch["status"], batch["inserted_rows"], batch["error_rows"]) == ("completed", 9, 2)
    lines = known.error_file(batch).decode("utf-8-sig").splitlines()[1:]
    assert [line.split(",")[0] for line in lines] == ["MS-2", "MS-3"]


def empty_staging(pipeline: Pipeline) -> None:
    """As PostgreSQL leaves unlogged tables after a crash."""
    pipeline.db.run("TRUNCATE " + ", ".join(f"staging.{row[0]}" for row in staging_tables(pipeline)))


def test_two_batches_of_a_programme_never_merge_at_the_same_time(known: Pipeline) -> None:
    first, second = Run(known, file_of(1, 10, "first")), Run(known, file_of(1, 10, "second"))
    first.stage()
    second.stage()
    shards = first.reconcile()["shards"]
    with pytest.raises(ProgrammeBusy):
        second.reconcile()
    first.merge(*shards)
    first.finalize()
    second.merge(*second.reconcile()["shards"])
    second.finalize()
    assert known.batch(second.batch_id)["updated_rows"] == 10
    assert {row[1] for row in sessions(known)} == {"second"}


def test_an_execution_that_ended_without_finalizing_is_finalized_by_its_event(known: Pipeline) -> None:
    run = Run(known, file_of(1, 10))
    run.stage()
    detail = {"executionArn": "one", "status": "ABORTED", "input": f'{{"batchId": "{run.batch_id}", "chunks": 1}}'}
    finalize.app.handler({"source": "aws.states", "detail": detail}, CONTEXT)
    batch = known.batch(run.batch_id)
    assert batch["status"] == "failed"
    assert "ABORTED" in batch["failure_reason"]
