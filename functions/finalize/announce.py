"""Tells other systems how a batch ended: also when it had ended before, since the telling may have failed then."""

from uuid import UUID

from ingestion.aws.event_bus import Event, tell
from ingestion.batch import BatchStatus
from ingestion.config import Settings
from ingestion.contracts import Finalized

_EVENTS = {BatchStatus.COMPLETED: Event.IMPORT_COMPLETED, BatchStatus.FAILED: Event.IMPORT_FAILED}


def tell_of(batch_id: UUID, finalized: Finalized, settings: Settings) -> None:
    """Of a batch that has ended, and of no other; the same again. Raises Unavailable."""
    event = _EVENTS.get(finalized.status)
    if event:
        # Of the reason its code only: the sentence is for people, who ask the API.
        tell(
            event,
            {"batchId": str(batch_id), "failure": finalized.failure_code, "uploadsBucket": settings.uploads_bucket},
        )
