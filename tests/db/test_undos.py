"""undos, and what the functions' role may do to a batch that is being undone."""

from typing import Any
from uuid import UUID

import pytest

from ingestion.batch import BatchStatus
from ingestion.database.connection import Connection
from ingestion.database.publishing import undo_plan, undo_sql
from ingestion.database.publishing.targets import PEOPLE, SESSIONS
from ingestion.database.publishing.undo_sql import RowRange
from ingestion.database.tables import batch_states, undos
from ingestion.database.tables.undos import Request, UndoState
from ingestion.sign_in.actors import LOCAL
from tests.db.world import CHECK, FOREIGN_KEY, a_session, add_batch, add_session, batch_columns, insert, refused

REQUEST = Request(actor=LOCAL, reason="the wrong file", plan_hash="0" * 64)


def undoing(db: Connection) -> UUID:
    """A completed batch whose undo has begun."""
    batch_id = add_batch(db, "running")
    add_session(db, batch_id=batch_id, row_number=1)
    db.run(
        "UPDATE ingestion_batches SET status = 'failed', skipped_rows = 10, completed_at = now(), failure_reason = 'x'"
    )
    db.run("ALTER TABLE ingestion_batches DISABLE TRIGGER USER")
    db.run(
        """
        UPDATE ingestion_batches
           SET status = 'completed', failure_reason = NULL, skipped_rows = 0, inserted_rows = 10
        """
    )
    db.run("ALTER TABLE ingestion_batches ENABLE TRIGGER USER")
    undos.add(db, batch_id, UndoState.RUNNING, REQUEST)
    assert batch_states.start_undo(db, batch_id)
    return batch_id


def test_the_functions_take_back_a_batch_that_is_being_undone(owner: Connection, functions: Connection) -> None:
    batch_id = undoing(owner)
    assert undo_sql.undo_rows(functions, RowRange(batch_id, 1, 10), SESSIONS) == (1, 0)


def test_no_session_is_added_to_a_batch_that_is_being_undone(owner: Connection, functions: Connection) -> None:
    batch_id = undoing(owner)
    given = a_session(owner, batch_id=batch_id, row_number=2)
    with refused(functions, FOREIGN_KEY):
        insert(functions, "kintell_sessions", **given)


def test_no_session_of_another_is_given_to_a_batch_that_is_being_undone(
    owner: Connection, functions: Connection
) -> None:
    batch_id = undoing(owner)
    add_session(owner, batch_id=add_batch(owner, "completed"))
    with refused(functions, CHECK, "what_was_published_stays"):
        functions.run("UPDATE kintell_sessions SET batch_id = :id, version = 2 WHERE batch_id <> :id", id=batch_id)


@pytest.mark.parametrize(
    "edit",
    [
        "state = 'running', completed_at = NULL, kept_rows = NULL",
        "removed_rows = 0",
        "requested_by = 'boss@example.org'",
        "reason = 'another'",
    ],
)
def test_an_undo_that_has_ended_stays(owner: Connection, functions: Connection, edit: str) -> None:
    batch_id = undoing(owner)
    undo = undos.lock(functions, batch_id, 1)
    undos.advance(functions, undo, 11, 1, 0)
    undos.complete(functions, undo, 0)
    with refused(functions, CHECK, "what_was_undone_stays"):
        functions.run(f"UPDATE undos SET {edit}")
    undos.forget_requesters(functions, batch_id)


def test_an_undone_batch_keeps_its_counts(owner: Connection, functions: Connection) -> None:
    batch_id = undoing(owner)
    for change in ("inserted_rows = 9, error_rows = 1", "file_name = 'x.csv'"):
        with refused(functions, CHECK):
            functions.run(f"UPDATE ingestion_batches SET status = 'undone', undone_at = now(), {change}")
    with refused(functions, CHECK):
        functions.run("UPDATE ingestion_batches SET status = 'undone', undone_at = '2020-01-01'")
    assert batch_states.end_undo(functions, batch_id)
    row = functions.run("SELECT status, inserted_rows FROM ingestion_batches WHERE id = :id", id=batch_id)
    assert row == [[BatchStatus.UNDONE, 10]]


def test_a_batch_has_one_undo_at_a_time(db: Connection) -> None:
    batch_id = undoing(db)
    with pytest.raises(Exception, match="one_undo_at_a_time"):
        undos.add(db, batch_id, UndoState.RUNNING, REQUEST)


def test_undos_without_progress_are_found(db: Connection) -> None:
    batch_id = undoing(db)
    assert undos.stuck(db, 24) == []
    db.run("UPDATE undos SET updated_at = now() - interval '25 hours'")
    assert undos.stuck(db, 24) == [(batch_id, 1)]


@pytest.mark.parametrize("target", [SESSIONS, PEOPLE])
def test_a_batch_without_rows_has_an_empty_plan(db: Connection, target: Any) -> None:
    found = undo_plan.plan(db, add_batch(db, "completed"), target)
    assert found.is_empty
    assert found.keeps.count == 0
    assert undo_sql.last_row(db, found.batch_id, target) == 0


def test_plans_differ_if_their_rows_do(db: Connection) -> None:
    batch_id = undoing(db)
    one = undo_plan.plan(db, batch_id, SESSIONS)
    db.run("UPDATE kintell_sessions SET version = 2, row_number = 2")
    assert undo_plan.plan(db, batch_id, SESSIONS).hash != one.hash
    assert batch_columns(db, batch_id, "status") == ["undoing"]
