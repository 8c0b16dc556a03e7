"""Undoes a batch by ranges of its rows, each in one transaction that also records how far the undo has come.

So it may stop at any moment, and goes on where it was. The batch has the right to merge into its programme meanwhile.
"""

from random import uniform
from time import monotonic, sleep

from ingestion.config import Settings
from ingestion.contracts import Event, EventToSend, UndoTask
from ingestion.database.connection import Connection, transaction
from ingestion.database.publishing import undo_plan, undo_sql
from ingestion.database.publishing.targets import target_of
from ingestion.database.publishing.undo_sql import RowRange
from ingestion.database.tables import audit, batch_states, batches, outbox, people, programmes, undos
from ingestion.database.tables.batches import Batch
from ingestion.database.tables.undos import Undo, UndoState
from ingestion.errors import BatchBroken, ProgrammeBusy
from ingestion.records import PROGRAMMES, Kind
from ingestion.telemetry import logger, metrics

WORK_SECONDS = 60.0
"""How long one invocation goes on beginning new ranges."""
WAIT_SECONDS = 1.0
"""As in Reconcile: many may wait for one programme, each with a process and a connection."""

ROSTERS = [name for name, programme in PROGRAMMES.items() if programme.kind is Kind.PEOPLE]
PLAN_STALE = "plan_stale: What the undo would do has changed since it was shown. Nothing was undone."


def undo_batch(task: UndoTask, db: Connection, settings: Settings) -> bool:
    """Go on with an undo; True once nothing is left to do.

    Raises ProgrammeBusy while another batch has the right to merge, Unavailable, BatchBroken.
    """
    deadline = monotonic() + WORK_SECONDS
    if undos.find(db, task.batch_id, task.undo) is None:
        logger.warning("nobody has asked for this undo")
        return True
    batch = batches.get(db, task.batch_id)
    with transaction(db):
        undo = undos.lock(db, task.batch_id, task.undo)
        if undo.is_at_work:
            undos.take_over(db, undo, task.execution)
    if not undo.is_at_work or not _is_begun(batch, undo, db):
        return True
    while _undo_range(batch, undo.number, settings.rows_per_shard, db):
        if monotonic() > deadline:
            return False
    _remove_people(batch, db)
    _complete(batch, undo.number, db)
    return True


def _is_begun(batch: Batch, undo: Undo, db: Connection) -> bool:
    """Whether there are rows to undo: not if only a plan was asked for, or if it isn't what was shown any more."""
    if undo.last_row is not None:
        return True
    if undo.state is UndoState.RUNNING:
        _acquire(batch, db)
    target = target_of(batch.programme.record)
    with transaction(db):
        locked = undos.lock(db, batch.id, undo.number)
        found = undo_plan.plan(db, batch.id, target)
        if locked.state is UndoState.PLANNING:
            undos.planned(db, locked, found)
        elif locked.state is UndoState.RUNNING and locked.last_row is None:
            if found.hash == locked.plan_hash:
                undos.begin(db, locked, found, undo_sql.last_row(db, batch.id, target))
                return True
            undos.fail(db, locked, PLAN_STALE)
            batch_states.leave_undo(db, batch.id)
            programmes.release(db, batch.id)
            logger.warning("undo is not what was shown")
        else:
            return locked.state is UndoState.RUNNING
    return False


def _acquire(batch: Batch, db: Connection) -> None:
    deadline = monotonic() + WAIT_SECONDS
    while not programmes.acquire(db, batch.program_type, batch.id):
        if monotonic() > deadline:
            raise ProgrammeBusy("Another batch of the programme is being merged.")
        sleep(uniform(0.02, 0.1))


def _undo_range(batch: Batch, number: int, size: int, db: Connection) -> bool:
    """Undo the next rows; False if none are left."""
    target = target_of(batch.programme.record)
    with transaction(db):
        undo = undos.lock(db, batch.id, number)
        if undo.state is not UndoState.RUNNING or undo.last_row is None or undo.next_row > undo.last_row:
            return False
        if not programmes.holds(db, batch.program_type, batch.id):
            raise BatchBroken("The batch lost its right to merge into the programme.")
        next_row = undo.next_row + size
        removed, restored = undo_sql.undo_rows(db, RowRange(batch.id, undo.next_row, next_row - 1), target)
        undos.advance(db, undo, next_row, removed, restored)
    logger.info("rows undone", first=undo.next_row, removed=removed, restored=restored)
    return True


def _remove_people(batch: Batch, db: Connection) -> None:
    """Remove the people whom the batch created, in a transaction that writes no sessions and beside no roster."""
    with transaction(db):
        if not all(programmes.keep_free(db, roster, batch.id) for roster in ROSTERS):
            raise ProgrammeBusy("A roster is being merged.")
        people.remove_left_behind(db, batch.id)


def _complete(batch: Batch, number: int, db: Connection) -> None:
    """End the undo and the batch, in one transaction with audit and event."""
    with transaction(db):
        batches.get(db, batch.id, lock=True)
        undo = undos.lock(db, batch.id, number)
        if undo.state is not UndoState.RUNNING:
            return
        kept = undo_plan.plan(db, batch.id, target_of(batch.programme.record)).keeps.count
        undos.complete(db, undo, kept)
        batch_states.end_undo(db, batch.id)
        counts = {"removed": undo.removed_rows, "restored": undo.restored_rows, "kept": kept}
        audit.write(
            db, actor=undo.requester, action="import_undone", batch_id=batch.id, details={"undo": number, **counts}
        )
        outbox.add(db, batch.id, EventToSend(event=Event.IMPORT_UNDONE, detail={"batchId": str(batch.id)}))
        programmes.release(db, batch.id)
    logger.info("batch undone", counts=counts)
    metrics.add_metric("BatchesUndone", "Count", 1)
