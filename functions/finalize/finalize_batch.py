"""Ends a batch whose import did not break: sums, error file, status and audit trail, each exactly once.

That includes batches that publish nothing: dry runs, those over their error limit, those without a valid row.
"""

from contextlib import nullcontext
from typing import Any
from uuid import UUID

from finalize.announce import announce
from finalize.join_rejects import join_error_file
from ingestion.batch import BatchStatus, Failure, FailureCode, Tally
from ingestion.config import Settings
from ingestion.contracts import Finalized
from ingestion.database.connection import Connection, away, transaction
from ingestion.database.publishing import merge_sql, staging
from ingestion.database.publishing.targets import target_of
from ingestion.database.tables import audit, batch_states, batches, ledger, programmes
from ingestion.database.tables.batches import Batch
from ingestion.database.tables.ledger import Ledger
from ingestion.errors import BatchBroken, StagingLost
from ingestion.faults import FaultCode
from ingestion.file_warnings import WarningCode
from ingestion.telemetry import logger, metrics

JOINED_AT_ONCE = 100
"""Joining so many parts takes less than the time for which an idle connection is kept."""


def finalized_as(batch: Batch) -> Finalized:
    """How the batch ended, if it had already ended."""
    return Finalized(status=batch.status, failure_reason=batch.failure_reason, failure_code=batch.failure_code)


def finalize_batch(batch_id: UUID, db: Connection, settings: Settings) -> Finalized:
    """End the batch; a batch that has already ended stays as it is.

    Raises Cancelled, StagingLost if a shard that should be merged is not, BatchBroken if the rows don't add up.
    """
    batch = batches.get(db, batch_id)
    if batch.status is not BatchStatus.RUNNING:
        return finalized_as(batch)
    joined = _balanced(batch, db)
    error_file_key = None
    if joined.totals.rejected:
        with away(db) if len(joined.with_rejects) > JOINED_AT_ONCE else nullcontext():
            error_file_key = join_error_file(batch, joined.with_rejects, settings)
    with transaction(db):
        # From here on nobody can take the batch back or start it over; the ledger shows if somebody has already.
        locked = batches.get(db, batch_id, lock=True)
        if locked.status is not BatchStatus.RUNNING:
            return finalized_as(locked)
        # Whoever cancels waits for this lock: the batch is either cancelled now, or has ended when they get it.
        locked.must_go_on()
        final = _balanced(batch, db)
        if final.totals != joined.totals:
            raise BatchBroken("The ledger changed while the batch was being finalized.")
        finalized = _end(batch, final, error_file_key, db)
    _measure(finalized.status, final.totals, batch_states.seconds(db, batch.id))
    logger.info("batch finalized", status=finalized.status, tally=final.totals.model_dump())
    return finalized


def _measure(status: BatchStatus, tally: Tally, seconds: float) -> None:
    metrics.add_metric(f"Batches{status.title()}", "Count", 1)
    metrics.add_metric("BatchSeconds", "Seconds", seconds)
    for name, count in (("RowsIn", tally.total), ("RowsRejected", tally.rejected)):
        metrics.add_metric(name, "Count", count)


def _balanced(batch: Batch, db: Connection) -> Ledger:
    """The ledger. Raises BatchBroken unless its sums match the plan."""
    found = ledger.read(db, batch.id)
    if found.totals.total != batch.total_rows or not found.totals.balances:
        raise BatchBroken(f"The file has {batch.total_rows} rows, but the ledger accounts for {found.totals.total}.")
    return found


def _end(batch: Batch, final: Ledger, error_file_key: str | None, db: Connection) -> Finalized:
    """Record how the batch ended, once all of its rows are where they should be."""
    tally = final.totals
    failure = _failure(batch, tally)
    status = BatchStatus.FAILED if failure else BatchStatus.COMPLETED
    if not failure and not batch.dry_run:
        _check_published(batch, final, db)
    batch_states.warn(db, batch.id, [*final.warnings, *_damaged_ids(batch, final)])
    batch_states.end(
        db,
        batch.id,
        status,
        _unpublished(tally) if failure else tally,
        final.faults(batch.programme.key_column.name).as_summary(),
        failure=failure,
        error_file_key=error_file_key,
    )
    _write_audit(batch, tally, status, error_file_key, db)
    announce(db, batch.id, status, failure)
    programmes.release(db, batch.id)
    staging.drop(db, batch.id)
    if failure is None:
        return Finalized(status=status)
    return Finalized(status=status, failure_reason=failure.reason, failure_code=failure.code)


def _damaged_ids(batch: Batch, final: Ledger) -> list[dict[str, Any]]:
    """The warning that a spreadsheet has damaged ids, which may have changed other values unseen."""
    key = batch.programme.key_column.name
    damaged = FaultCode.DAMAGED_BY_SPREADSHEET
    counts = [
        line["count"] for line in final.faults(key).as_summary() if (line["code"], line["field"]) == (damaged, key)
    ]
    return [{"code": WarningCode.IDS_DAMAGED, "count": sum(counts)}] if counts else []


def _check_published(batch: Batch, final: Ledger, db: Connection) -> None:
    """Check that the table itself holds what the ledger says was published."""
    if final.shards_to_merge:
        # Happens after a failover to a server that lacked the last commits.
        raise StagingLost("Shards that had been merged are no longer merged.")
    there = merge_sql.published(db, batch.id, target_of(batch.programme.record))
    if there != final.totals.success:
        raise BatchBroken(f"The ledger says that {final.totals.success} rows were published, but {there} are there.")


def _failure(batch: Batch, tally: Tally) -> Failure | None:
    """Why the batch failed, if it failed although nothing broke."""
    if tally.outcome is BatchStatus.FAILED:
        rows = f"All {tally.total} rows were" if tally.total > 1 else "The only row was"
        sentence = f"{rows} rejected; the error file says why."
        return Failure(FailureCode.EVERY_ROW_REJECTED, sentence)
    if batch.is_over_limit(tally):
        return Failure(
            FailureCode.TOO_MANY_ERRORS,
            f"{tally.rejected} of {tally.total} rows ({tally.error_percent:.1f} %) were rejected, "
            f"more than the limit of {batch.max_error_percent:g} %; nothing was imported.",
        )
    return None


def _unpublished(tally: Tally) -> Tally:
    """The counts of a batch that published nothing; they include rows that were already stored."""
    return Tally(total=tally.total, unpublished=tally.total - tally.rejected, rejected=tally.rejected)


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
