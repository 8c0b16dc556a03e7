"""Counts the rows of ended batches and compares them with the batches and their ledgers."""

from uuid import UUID

from ingestion.batch import BatchStatus
from ingestion.database.connection import Connection, transaction
from ingestion.database.publishing import merge_sql
from ingestion.database.publishing.targets import target_of
from ingestion.database.queries import health
from ingestion.database.queries.health import Ended
from ingestion.database.tables import ledger
from ingestion.records import Kind, get_programme
from ingestion.telemetry import logger

REST_MINUTES = 60
"""The time between two checks of the same batch; each check costs a write."""


def check_some(db: Connection) -> int:
    """Check the batches that are due; returns how many are known to be unsound, earlier findings included."""
    for batch_id in health.claim_for_check(db, REST_MINUTES):
        with transaction(db):
            _check(batch_id, db)
    return health.with_finding(db)


def _check(batch_id: UUID, db: Connection) -> None:
    batch = health.lock_ended(db, batch_id)
    if batch is None:
        return
    finding = _finding(batch, db)
    health.note_finding(db, batch_id, finding)
    if finding:
        logger.error("the counts of a batch do not hold", batch_id=str(batch_id), finding=finding)


def _finding(batch: Ended, db: Connection) -> str | None:
    """What is wrong, if anything: compares the ledger with the batch, and the published rows with both."""
    record = get_programme(batch.program_type).record
    if batch.status is BatchStatus.FAILED and record.kind is Kind.PEOPLE:
        # After a roster is taken back, people stay if sessions already refer to them.
        return None
    published = merge_sql.published(db, batch.id, target_of(record))
    if batch.status is BatchStatus.FAILED:
        return "still_published" if published else None
    if ledger.read(db, batch.id).totals != batch.tally:
        return "ledger_differs"
    return "sessions_differ" if published != (0 if batch.dry_run else batch.tally.success) else None
