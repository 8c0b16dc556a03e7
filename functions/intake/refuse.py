"""Refuses an upload: its record says why, and the audit trail records the code."""

from uuid import UUID

from ingestion.contracts import Decision, Event, EventToSend
from ingestion.database.connection import Connection, transaction
from ingestion.database.tables import audit, outbox, uploads
from ingestion.database.tables.uploads import Upload
from ingestion.errors import Refused


def refuse(upload: Upload, refused: Refused, sha256: str | None, db: Connection) -> Decision:
    """Refuse the upload, unless another event of S3 has already decided on it."""
    with transaction(db):
        if uploads.lock(db, upload.id) != "waiting":
            return Decision(upload_id=upload.id, state="refused", refusal=refused.code)
        return write_refusal(upload, refused, sha256, None, db)


def write_refusal(
    upload: Upload, refused: Refused, sha256: str | None, earlier_batch: UUID | None, db: Connection
) -> Decision:
    """Call in a transaction that has locked the upload; *earlier_batch* has the same file, if that is the reason."""
    uploads.refuse(db, upload.id, refused, sha256, earlier_batch)
    details = {"code": refused.code.value, **({"batchId": str(earlier_batch)} if earlier_batch else {})}
    audit.write(db, actor=audit.SERVICE, action="upload_refused", upload_id=upload.id, details=details)
    event: dict[str, str | None] = {"uploadId": str(upload.id), "refusal": refused.code.value}
    outbox.add(db, upload.id, EventToSend(event=Event.UPLOAD_REFUSED, detail=event), in_transit=True)
    return Decision(upload_id=upload.id, state="refused", refusal=refused.code)
