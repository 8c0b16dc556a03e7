"""Verifies batches against their files: those that somebody asked for, and a few each day."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from ingestion.aws import s3
from ingestion.config import Settings
from ingestion.database.connection import Connection, transaction
from ingestion.database.tables import batches, verifications
from ingestion.telemetry import logger
from ingestion.verification import OutOfTime, RejectsGone, as_json, verify

SAMPLE_A_DAY = 10
"""Each is read once from S3: a few megabytes, and seconds of work."""
MOST_SECONDS = 600
"""What the function's timeout leaves beside the other checks."""


def verify_some(db: Connection, settings: Settings) -> int:
    """Verify what is asked for and the day's sample; returns how many batches are known to differ from their files."""
    until = datetime.now(UTC) + timedelta(seconds=MOST_SECONDS)
    with transaction(db):
        verifications.forget(db)
        verifications.request_sample(db, SAMPLE_A_DAY, settings.cold_storage_days)
    while datetime.now(UTC) < until and (batch_id := verifications.claim(db)):
        _verify(batch_id, db, settings, until)
    return verifications.count_differing(db)


def _verify(batch_id: UUID, db: Connection, settings: Settings, until: datetime) -> None:
    try:
        found = verify(db, batch_id, settings.work_bucket, until)
    except (s3.NoSuchFile, RejectsGone):
        verifications.fail(db, batch_id, "original_gone")
    except s3.InColdStorage:
        verifications.fail(db, batch_id, "original_in_cold_storage")
    except OutOfTime:
        verifications.fail(db, batch_id, "too_much_to_read")
    else:
        programme = batches.get(db, batch_id).programme
        differing = [as_json(one, programme) for one in found.differing]
        verifications.complete(db, batch_id, found.checked_rows, found.differing_values, differing)
        if found.differing_values:
            # Neither values nor names: they may be personal.
            logger.error("a batch differs from its file", batch_id=str(batch_id), values=found.differing_values)
