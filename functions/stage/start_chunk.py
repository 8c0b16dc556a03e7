"""Starts a chunk: marks its batch as running with the first chunk that arrives."""

from ingestion.batch import BatchStatus
from ingestion.contracts import StageTask
from ingestion.database.connection import Connection, DatabaseError, sqlstate, transaction
from ingestion.database.tables import audit, batch_states, batches
from ingestion.database.tables.batches import Batch
from ingestion.errors import BatchBroken

_UNIQUE_VIOLATION = "23505"


def start(task: StageTask, db: Connection) -> Batch:
    """The batch, set to running if it may run; the first chunk also writes to the audit trail.

    Raises Cancelled, or BatchBroken if a failed batch is started over but another batch has imported its file since, or
    a correction is being compared with its rejects.
    """
    batch = batches.get(db, task.batch_id)
    if not batch.has_ended:
        batch.must_go_on()
    if batch.status is BatchStatus.RUNNING and batch.execution == task.execution:
        return batch
    try:
        with transaction(db):
            if batch_states.start(db, task.batch_id, task.execution):
                audit.write(db, actor=audit.SERVICE, action="import_started", batch_id=task.batch_id)
            else:
                _start_over(task, batch, db)
    except DatabaseError as failed:
        if sqlstate(failed) != _UNIQUE_VIOLATION:
            raise
        raise BatchBroken("Another batch has imported the file since this one failed.") from failed
    return batches.get(db, task.batch_id)


def _start_over(task: StageTask, batch: Batch, db: Connection) -> None:
    """Let this execution go on with the batch, if there is anything left to do."""
    if batch.corrects_batch_id:
        # If its parent is to be started over too, that waits for this transaction, and then finds this batch running.
        batches.find_parent(db, batch.corrects_batch_id, lock=True)
    if not batch_states.lock_failed(db, batch.id):
        raise BatchBroken(
            "A corrected file is being compared with the rejected rows of this batch; start the batch over after that."
        )
    if batch_states.start_over(db, batch.id, task.execution):
        details = {"startedOver": True, "was": batch.status.value}
        audit.write(db, actor=audit.SERVICE, action="import_started", batch_id=batch.id, details=details)
