"""Wakes Dispatch from inside the network, where S3 is the only service that a function can call.

The work bucket notifies Dispatch of every write to one object. Without that, messages that the API writes into the
outbox would wait up to five minutes for Dispatch's schedule.
"""

from ingestion.aws import s3
from ingestion.errors import Unavailable
from ingestion.telemetry import logger

KEY = "work/wake-dispatch"


def wake_dispatch(work_bucket: str) -> None:
    """Have Dispatch send what is due in the outbox; call it after the commit. If S3 fails, the schedule does it."""
    try:
        s3.write(work_bucket, KEY, b"")
    except Unavailable as failed:
        logger.warning("Dispatch was not woken", reason=str(failed.__cause__))
