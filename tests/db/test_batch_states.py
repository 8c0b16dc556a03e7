"""ingestion_batches: from state to state, each move made once, with all that belongs to it."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from ingestion.batch import NEXT, BatchStatus, Failure, FailureCode, FaultCount, Tally
from ingestion.database.connection import Connection
from ingestion.database.tables import batch_states, expiry
from tests.db.world import CHECK, account_for, add_batch, batch_columns, insert, refused

TALLY = Tally(total=10, inserted=3, updated=2, unchanged=1, rejected=4)


def end(db: Connection, batch_id: UUID, status: BatchStatus) -> bool:
    """End a batch of ten rows."""
    summary: list[FaultCount] = [{"code": "E001", "category": "validation", "field": "participant_email", "count": 4}]
    return batch_states.end(
        db,
        batch_id,
        status,
        TALLY,
        summary,
        failure=Failure(FailureCode.IMPORT_BROKE, "x") if status is BatchStatus.FAILED else None,
        error_file_key="errors/x.csv",
    )


def start_undo(db: Connection, batch_id: UUID) -> bool:
    """Begin an undo that somebody asked for."""
    insert(db, "undos", batch_id=batch_id, number=1, state="running", requester_kind="local")
    return batch_states.start_undo(db, batch_id)


def leave_undo(db: Connection, batch_id: UUID) -> bool:
    """End an undo that has undone nothing."""
    batch_states.leave_undo(db, batch_id)
    return True


MOVES: dict[BatchStatus, Callable[[Connection, UUID], bool]] = {
    BatchStatus.RUNNING: lambda db, batch_id: (
        batch_states.start(db, batch_id, "execution-2") or batch_states.start_over(db, batch_id, "execution-2")
    ),
    BatchStatus.COMPLETED: lambda db, batch_id: end(db, batch_id, BatchStatus.COMPLETED),
    BatchStatus.FAILED: lambda db, batch_id: end(db, batch_id, BatchStatus.FAILED),
    BatchStatus.ARCHIVED: expiry.archive,
    BatchStatus.UNDOING: start_undo,
    BatchStatus.UNDONE: batch_states.end_undo,
}


@pytest.mark.parametrize("old", BatchStatus)
@pytest.mark.parametrize("new", MOVES)
def test_a_batch_moves_only_where_the_table_of_moves_says(db: Connection, old: BatchStatus, new: BatchStatus) -> None:
    batch_id = add_batch(db, old.value, execution="execution-1")
    account_for(db, batch_id, TALLY)
    is_allowed = new in NEXT[old] or (old is new is BatchStatus.RUNNING)
    is_left = (old, new) == (BatchStatus.UNDOING, BatchStatus.COMPLETED)
    assert (leave_undo if is_left else MOVES[new])(db, batch_id) is is_allowed
    assert batch_columns(db, batch_id, "status") == [new.value if is_allowed else old.value]


def test_only_one_run_may_start_a_batch(db: Connection) -> None:
    batch_id = add_batch(db)
    assert batch_states.start(db, batch_id, "execution-1")
    assert not batch_states.start(db, batch_id, "execution-2")
    assert not batch_states.start_over(db, batch_id, "execution-1"), "it is the one that works on it"
    assert batch_columns(db, batch_id, "status, execution, started_at = now(), completed_at") == [
        "running",
        "execution-1",
        True,
        None,
    ]


def test_another_run_may_go_on_with_a_running_batch(db: Connection) -> None:
    batch_id = add_batch(db, "running", execution="execution-1", started_at="2024-12-01T12:00:00Z")
    assert batch_states.start_over(db, batch_id, "execution-2")
    assert batch_columns(db, batch_id, "status, execution, started_at < now()") == ["running", "execution-2", True]


def test_a_failed_batch_is_tried_again_as_if_nothing_had_been(db: Connection) -> None:
    batch_id = add_batch(db, "running", execution="execution-1")
    end(db, batch_id, BatchStatus.FAILED)
    assert not batch_states.start_over(db, batch_id, "execution-1"), "its stragglers may still be at work"
    assert batch_states.start_over(db, batch_id, "execution-2")
    columns = """
        status, completed_at, failure_reason, error_file_key, error_summary,
        inserted_rows + updated_rows + skipped_rows + error_rows
    """
    assert batch_columns(db, batch_id, columns) == ["running", None, None, None, [], 0]


def test_a_batch_ends_once_with_all_that_came_of_it(db: Connection) -> None:
    batch_id = add_batch(db, "running", execution="execution-1")
    account_for(db, batch_id, TALLY)
    assert end(db, batch_id, BatchStatus.COMPLETED)
    assert not end(db, batch_id, BatchStatus.FAILED)
    columns = """
        status, inserted_rows, updated_rows, skipped_rows, error_rows, success_rows, error_file_key, failure_reason,
        completed_at = now(), error_summary->0->>'code'
    """
    ended = ["completed", 3, 2, 1, 4, 5, "errors/x.csv", None, True, "E001"]
    assert batch_columns(db, batch_id, columns) == ended


def test_a_tally_that_misses_rows_can_not_end_a_batch(db: Connection) -> None:
    batch_id = add_batch(db, "running", total_rows=11)
    with refused(db, CHECK, "every_row_is_counted"):
        end(db, batch_id, BatchStatus.FAILED)


ODD_LEDGERS: list[Any] = [
    pytest.param("DELETE FROM chunks", id="a chunk is missing"),
    pytest.param("UPDATE chunks SET state = 'staged'", id="a chunk is not reconciled"),
    pytest.param("UPDATE chunks SET inserted_rows = 4, updated_rows = 1", id="other rows were inserted"),
    pytest.param("UPDATE chunks SET inserted_rows = 2, unchanged_rows = 2", id="fewer rows were inserted"),
    pytest.param("UPDATE chunks SET rows = 11, rejected_rows = 5", id="more rows were rejected"),
    pytest.param("DELETE FROM shards", id="a shard is missing"),
    pytest.param("UPDATE shards SET merged_at = NULL", id="a shard is not merged"),
    pytest.param("UPDATE shards SET updated_rows = 1", id="fewer rows were merged"),
]


@pytest.mark.parametrize("damage", ODD_LEDGERS)
def test_the_database_completes_no_batch_whose_ledgers_say_otherwise(db: Connection, damage: str) -> None:
    batch_id = add_batch(db, "running")
    account_for(db, batch_id, TALLY)
    db.run(f"{damage} WHERE batch_id = :id", id=batch_id)
    with refused(db, CHECK, "completed_batches_add_up"):
        end(db, batch_id, BatchStatus.COMPLETED)


def test_a_dry_run_is_completed_without_a_shard(db: Connection) -> None:
    batch_id = add_batch(db, "running", dry_run=True)
    account_for(db, batch_id, TALLY)
    db.run("DELETE FROM shards WHERE batch_id = :id", id=batch_id)
    assert end(db, batch_id, BatchStatus.COMPLETED)


def test_no_batch_is_undone_unless_somebody_asked(db: Connection) -> None:
    batch_id = add_batch(db, "completed")
    with refused(db, CHECK, "undos_are_requested"):
        batch_states.start_undo(db, batch_id)


def test_a_batch_of_which_rows_were_undone_is_not_completed_again(db: Connection) -> None:
    batch_id = add_batch(db, "completed")
    account_for(db, batch_id, Tally(total=10, inserted=10))
    start_undo(db, batch_id)
    db.run("UPDATE undos SET removed_rows = 1")
    with refused(db, CHECK, "undos_are_requested"):
        db.run("UPDATE ingestion_batches SET status = 'completed'")
    batch_states.leave_undo(db, batch_id)
    assert batch_columns(db, batch_id, "status, undone_at = now()") == ["undone", True]
