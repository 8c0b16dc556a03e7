"""Ends a batch whose import went through: sums, error file, status and audit trail, each once.

Also batches that come to nothing are finalized here: dry runs, those over their error limit, those without a good row.
"""

from itertools import repeat
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from finalize.join_rejects import join_error_file
from ingestion.batch import BatchStatus, Failure, FailureCode, FaultCounts, Tally
from ingestion.config import Settings
from ingestion.database.connection import Connection, transaction
from ingestion.database.publishing import merge_sql, staging
from ingestion.database.publishing.targets import TARGETS
from ingestion.database.tables import audit, batches, chunks, programmes
from ingestion.database.tables.batches import Batch
from ingestion.errors import BatchBroken, StagingLost
from ingestion.faults import Fault, FaultCode
from ingestion.telemetry import logger, metrics


class BatchTask(BaseModel):
    """What the state machine asks for."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel)

    batch_id: UUID


class Finalized(BaseModel):
    """How a batch ended."""

    model_config = ConfigDict(frozen=True)

    status: BatchStatus
    failure_reason: str | None = None
    failure_code: str | None = None


def finalized_as(batch: Batch) -> Finalized:
    """How a batch ended before."""
    return Finalized(status=batch.status, failure_reason=batch.failure_reason, failure_code=batch.failure_code)


def finalize_batch(batch_id: UUID, db: Connection, settings: Settings) -> Finalized:
    """End the batch; one that has ended already stays as it is.

    Raises StagingLost if a shard is not merged that should be, BatchBroken if the rows don't add up.
    """
    batch = batches.get(db, batch_id)
    if batch.status is not BatchStatus.RUNNING:
        return finalized_as(batch)
    tally = _tally(batch, db)
    error_file_key = join_error_file(batch, db, settings) if tally.rejected else None
    with transaction(db):
        # Nobody takes it back or starts it over from here on; if somebody has meanwhile, its ledger says so.
        locked = batches.get(db, batch_id, lock=True)
        if locked.status is not BatchStatus.RUNNING:
            return finalized_as(locked)
        finalized = _end(batch, tally, error_file_key, db)
    metrics.add_metric(f"Batches{finalized.status.title()}", "Count", 1)
    metrics.add_metric("BatchSeconds", "Seconds", batches.seconds(db, batch.id))
    logger.info("batch finalized", status=finalized.status, tally=tally.model_dump())
    for name, count in (("RowsIn", tally.total), ("RowsRejected", tally.rejected)):
        metrics.add_metric(name, "Count", count)
    return finalized


def _end(batch: Batch, tally: Tally, error_file_key: str | None, db: Connection) -> Finalized:
    """Write down how the batch ended, having looked once more whether all of its rows are where they should be."""
    if _tally(batch, db) != tally:
        raise BatchBroken("The ledger has changed while the batch was being finalized.")
    failure = _failure(batch, tally)
    status = BatchStatus.FAILED if failure else BatchStatus.COMPLETED
    if not failure and not batch.dry_run:
        _reconcile(batch, tally, db)
    batches.warn(db, batch.id, chunks.warnings(db, batch.id))
    batches.end(
        db,
        batch.id,
        status,
        _unpublished(tally) if failure else tally,
        _faults(batch, db).as_summary(),
        failure=failure,
        error_file_key=error_file_key,
    )
    _write_audit(batch, tally, status, error_file_key, db)
    programmes.release(db, batch.id)
    staging.drop(db, batch.id)
    if failure is None:
        return Finalized(status=status)
    return Finalized(status=status, failure_reason=failure.reason, failure_code=failure.code)


def _tally(batch: Batch, db: Connection) -> Tally:
    """The ledger's sums; they must be those of the plan."""
    tally = chunks.tally(db, batch.id)
    if tally.total != batch.total_rows or not tally.balances:
        raise BatchBroken(f"The file has {batch.total_rows} rows, but the ledger accounts for {tally.total}.")
    return tally


def _reconcile(batch: Batch, tally: Tally, db: Connection) -> None:
    """What the ledger says was published must be there, in the table itself."""
    if chunks.shards_to_merge(db, batch.id):
        # As after a fail-over to a server that had not got the last commits.
        raise StagingLost("Shards that were merged are not merged any more.")
    there = merge_sql.published(db, batch.id, TARGETS[batch.programme.kind])
    if there != tally.success:
        raise BatchBroken(f"The ledger says that {tally.success} rows were published, but {there} are there.")


def _failure(batch: Batch, tally: Tally) -> Failure | None:
    """Why the batch failed though nothing broke."""
    if tally.outcome is BatchStatus.FAILED:
        sentence = f"All {tally.total} rows were rejected; the error file says why for each."
        return Failure(FailureCode.EVERY_ROW_REJECTED, sentence)
    if batch.max_error_percent is not None and tally.is_over(batch.max_error_percent):
        return Failure(
            FailureCode.TOO_MANY_ERRORS,
            f"{tally.rejected} of {tally.total} rows ({tally.error_percent:.1f} %) were rejected, "
            f"more than the limit of {batch.max_error_percent:g} %; nothing was imported.",
        )
    return None


def _unpublished(tally: Tally) -> Tally:
    """The counts of a batch of which nothing is published, the rows that were there already among them."""
    return Tally(total=tally.total, unpublished=tally.total - tally.rejected, rejected=tally.rejected)


def _faults(batch: Batch, db: Connection) -> FaultCounts:
    """All faults of the file, those that only the whole file showed among them."""
    counts = chunks.fault_counts(db, batch.id)
    taken = chunks.conflict_count(db, batch.id)
    counts.add(repeat(Fault(FaultCode.SESSION_ID_TAKEN, "session_id", ""), taken))
    return counts


def _write_audit(batch: Batch, tally: Tally, status: BatchStatus, error_file_key: str | None, db: Connection) -> None:
    if error_file_key:
        audit.write(
            db,
            actor=audit.SERVICE,
            action="error_file_created",
            batch_id=batch.id,
            details={"rows": tally.rejected},
        )
    audit.write(
        db,
        actor=audit.SERVICE,
        action="import_completed" if status is BatchStatus.COMPLETED else "import_failed",
        batch_id=batch.id,
        details={**tally.model_dump(), "dryRun": batch.dry_run},
    )
