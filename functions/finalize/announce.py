"""Announce to other systems how a batch ended, also if it had ended before: the announcement may have failed then."""

from uuid import UUID

from ingestion.aws.event_bus import Event, send
from ingestion.batch import BatchStatus
from ingestion.config import Settings
from ingestion.contracts import Finalized

_EVENTS = {BatchStatus.COMPLETED: Event.IMPORT_COMPLETED, BatchStatus.FAILED: Event.IMPORT_FAILED}


def announce(batch_id: UUID, finalized: Finalized, settings: Settings) -> None:
    """Announce a batch that has ended, as often as it is called. Raises Unavailable."""
    event = _EVENTS.get(finalized.status)
    if event:
        # Only the code of the reason: the sentence is for people, who read it from the API.
        send(
            event,
            {"batchId": str(batch_id), "failure": finalized.failure_code, "uploadsBucket": settings.uploads_bucket},
        )
