"""Fails a batch whose import broke, with the reason, after taking back everything that it published."""

from finalize.announce import announce
from finalize.finalize_batch import finalized_as
from ingestion.batch import BatchStatus, Failure, FailureCode, Tally
from ingestion.contracts import FailTask, Finalized
from ingestion.database.connection import Connection, transaction
from ingestion.database.publishing import merge_sql, staging
from ingestion.database.publishing.targets import target_of
from ingestion.database.tables import (
    audit,
    batch_states,
    batches,
    chunks,
    ledger,
    people,
    programmes,
    rejected_rows,
    shards,
)
from ingestion.database.tables.batches import Batch
from ingestion.errors import BatchBroken, Cancelled, ProgrammeBusy, StagingLost, Unavailable
from ingestion.telemetry import logger, metrics

# Our own errors, whose text is for people; the text of any other error may hold cells of the file.
_OURS = {error.__name__ for error in (BatchBroken, Unavailable, ProgrammeBusy, StagingLost)}


def failure_of(task: FailTask) -> Failure:
    """The reason for people; it holds none of the file's content."""
    error = task.error
    if error.error == Cancelled.__name__:
        return Failure(FailureCode.CANCELLED, "Somebody cancelled the import. Nothing of the file was imported.")
    said = f" {error.message}" if error.error in _OURS else ""
    return Failure(
        FailureCode.IMPORT_BROKE,
        f"An error stopped the import ({error.error}).{said} Nothing of the file was imported.",
    )


def fail_batch(task: FailTask, db: Connection) -> Finalized:
    """Take the batch back and fail it, unless it has ended or another execution has taken it over.

    A transaction of its own deletes the people whom the batch created, even if nothing else is left to do: two batches
    that wrote sessions and then deleted people in one transaction would wait for each other.
    """
    finalized = _fail(task, db)
    if finalized.status is BatchStatus.FAILED:
        with transaction(db):
            people.remove_created(db, task.batch_id)
    return finalized


def _fail(task: FailTask, db: Connection) -> Finalized:
    with transaction(db):
        batch = batches.get(db, task.batch_id, lock=True)
        is_stale = batch.execution not in (None, task.execution) and not batch.is_cancelled
        if is_stale or batch.has_ended:
            return finalized_as(batch)
        so_far = ledger.read(db, batch.id)
        rejected, failure = so_far.rejected, failure_of(task)
        _remove_published(batch, db)
        batch_states.end(
            db,
            batch.id,
            BatchStatus.FAILED,
            Tally(total=batch.total_rows, unpublished=batch.total_rows - rejected, rejected=rejected),
            so_far.faults(batch.programme.key_column.name).as_summary(),
            failure=failure,
            error_file_key=None,
        )
        audit.write(
            db,
            actor=audit.SERVICE,
            action="import_failed",
            batch_id=batch.id,
            details={"error": task.error.error, "total": batch.total_rows, "rejected": rejected},
        )
        announce(db, batch.id, BatchStatus.FAILED, failure)
    logger.error("import broke", error=task.error.error)
    metrics.add_metric("BatchesFailed", "Count", 1)
    return Finalized(status=BatchStatus.FAILED, failure_reason=failure.reason, failure_code=failure.code)


def _remove_published(batch: Batch, db: Connection) -> None:
    """Remove everything of the batch except its record."""
    # A merge of a stopped execution may still be running: wait for it, and let no other start.
    shards.lock_all(db, batch.id)
    merge_sql.remove_published(db, batch.id, target_of(batch.programme.record))
    shards.forget(db, batch.id)
    rejected_rows.forget(db, batch.id)
    chunks.plan_all_again(db, batch.id)
    programmes.release(db, batch.id)
    staging.drop(db, batch.id)
