"""A cancelled import ends as failed wherever it was, and nothing of it stays."""

from collections.abc import Callable
from typing import Any

import pytest

from ingestion.database.tables import batch_states
from ingestion.errors import Cancelled
from tests.stages.conftest import Pipeline
from tests.stages.test_interruptions import KEY, Run, file_of, known, sessions, staging_tables

__all__ = ["known"]

UNTIL_PENDING: list[str] = []
UNTIL_STAGED = ["stage"]
UNTIL_RECONCILED = [*UNTIL_STAGED, "reconcile"]
UNTIL_MERGED = [*UNTIL_RECONCILED, "merge"]


def advance(run: Run, steps: list[str], shards: Callable[[list[int]], list[int]]) -> None:
    found: list[int] = []
    for step in steps:
        if step == "reconcile":
            found = run.reconcile()["shards"]
        elif step == "merge":
            run.merge(*shards(found))
        else:
            run.stage()


def state(pipeline: Pipeline) -> list[Any]:
    people = pipeline.db.run("SELECT id, email FROM users ORDER BY id")
    versions = pipeline.db.run("SELECT session_id, version, batch_id FROM kintell_session_versions ORDER BY 1, 2")
    return [sessions(pipeline), versions, people]


@pytest.mark.parametrize(
    ("steps", "shards"),
    [
        pytest.param(UNTIL_PENDING, list, id="before it starts"),
        pytest.param(UNTIL_STAGED, list, id="staged"),
        pytest.param(UNTIL_RECONCILED, list, id="reconciled"),
        pytest.param(UNTIL_MERGED, lambda found: found[:1], id="one shard merged"),
        pytest.param(UNTIL_MERGED, list, id="all shards merged"),
    ],
)
def test_a_cancelled_import_leaves_nothing(known: Pipeline, steps: list[str], shards: Any) -> None:
    known.load(KEY, file_of(1, 5, "first"))
    before = state(known)
    run = Run(known, file_of(1, 12, "second"))
    advance(run, steps, shards)
    assert batch_states.cancel(known.db, run.db.run("SELECT CAST(:id AS uuid)", id=run.batch_id)[0][0])
    batch = known.run(run.batch_id, "one")
    assert (batch["status"], batch["failure_code"]) == ("failed", "cancelled")
    assert batch["failure_reason"].startswith("cancelled: ")
    assert (batch["total_rows"], batch["unpublished_rows"], batch["inserted_rows"]) == (12, 12, 0)
    assert state(known) == before
    assert staging_tables(known) == []
    again = known.load(KEY, file_of(1, 12, "second"))
    assert (again["status"], again["inserted_rows"], again["updated_rows"]) == ("completed", 7, 5)


def test_a_cancelled_import_may_be_started_over(known: Pipeline) -> None:
    run = Run(known, file_of(1, 10))
    run.stage()
    assert batch_states.cancel(known.db, known.batch(run.batch_id)["id"])
    assert known.run(run.batch_id, "one")["status"] == "failed"
    batch = known.run(run.batch_id, "two")
    assert (batch["status"], batch["inserted_rows"], batch["failure_code"]) == ("completed", 10, None)


def test_an_import_that_has_ended_is_not_cancelled(known: Pipeline) -> None:
    batch = known.load(KEY, file_of(1, 10))
    assert not batch_states.cancel(known.db, batch["id"])
    assert known.batch(batch["id"]) == batch


def test_another_execution_ends_a_cancelled_import_too(known: Pipeline) -> None:
    """The one that was at work may have died without a word."""
    run = Run(known, file_of(1, 10))
    run.stage()
    assert batch_states.cancel(known.db, known.batch(run.batch_id)["id"])
    with pytest.raises(Cancelled):
        run.stage(execution="two")
    assert run.finalize("Cancelled", "two")["status"] == "failed"
