"""Publishes an event when a batch has ended, and again on a repeat, since an earlier attempt may have failed."""

from uuid import UUID

from ingestion.aws.event_bus import Event, send
from ingestion.batch import BatchStatus
from ingestion.config import Settings
from ingestion.contracts import Finalized

_EVENTS = {BatchStatus.COMPLETED: Event.IMPORT_COMPLETED, BatchStatus.FAILED: Event.IMPORT_FAILED}


def announce(batch_id: UUID, finalized: Finalized, settings: Settings) -> None:
    """Publish how the batch ended, if it has; a repeat publishes the same event. Raises Unavailable."""
    event = _EVENTS.get(finalized.status)
    if event:
        # Only the code of the reason: the sentence is for people, who find it through the API.
        send(
            event,
            {"batchId": str(batch_id), "failure": finalized.failure_code, "uploadsBucket": settings.uploads_bucket},
        )
