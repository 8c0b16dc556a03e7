"""Announce to other systems how a batch ended, in the transaction that ends it."""

from uuid import UUID

from ingestion.batch import BatchStatus, Failure
from ingestion.contracts import Event, EventToSend
from ingestion.database.connection import Connection
from ingestion.database.tables import outbox

_EVENTS = {BatchStatus.COMPLETED: Event.IMPORT_COMPLETED, BatchStatus.FAILED: Event.IMPORT_FAILED}


def announce(db: Connection, batch_id: UUID, status: BatchStatus, failure: Failure | None) -> None:
    """Write the event into the outbox. It has only the code of the failure: the sentence is for people."""
    detail = {"batchId": str(batch_id), "failure": failure.code.value if failure else None}
    outbox.add(db, batch_id, EventToSend(event=_EVENTS[status], detail=detail))
