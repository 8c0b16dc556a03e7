"""Fails an undo that broke, so that its batch is not stuck and its programme is free again.

What was undone stays undone; another undo takes the rest.
"""

from finalize.finalize_batch import finalized_as
from ingestion.contracts import FailUndoTask, Finalized
from ingestion.database.connection import Connection, transaction
from ingestion.database.tables import batch_states, batches, programmes, undos
from ingestion.errors import BatchBroken, Unavailable
from ingestion.telemetry import logger

# Our own errors, whose text is for people.
_OURS = {error.__name__ for error in (BatchBroken, Unavailable)}


def fail_undo(task: FailUndoTask, db: Connection) -> Finalized:
    """Fail the undo, unless it has ended or another execution has taken it over."""
    with transaction(db):
        batches.get(db, task.batch_id, lock=True)
        undo = undos.lock(db, task.batch_id, task.undo)
        if undo.is_at_work and undo.execution in (None, task.execution):
            said = f" {task.error.message}" if task.error.error in _OURS else ""
            undos.fail(db, undo, f"undo_broke: The undo broke ({task.error.error}).{said}")
            batch_states.leave_undo(db, task.batch_id)
            programmes.release(db, task.batch_id)
            logger.error("undo broke", error=task.error.error)
    return finalized_as(batches.get(db, task.batch_id))
