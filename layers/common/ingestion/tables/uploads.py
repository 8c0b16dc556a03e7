"""uploads: every object version that arrived, accepted or refused; none is dropped silently."""

from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from ingestion.db import Connection, rows, to_json
from ingestion.errors import RefusalCode, Refused


class Arrival(BaseModel):
    """An object version, as S3 reports it."""

    model_config = ConfigDict(frozen=True)

    bucket: str
    key: str
    version_id: str
    size_bytes: int
    uploaded_by: str


class Upload(BaseModel):
    """What is known of an upload when it is being decided on."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    state: str
    uploaded_by: str | None
    is_new: bool = False


def find(db: Connection, arrival: Arrival) -> Upload | None:
    """The upload of an object version that was reported before."""
    found = rows(
        db,
        """
        SELECT id, state, uploaded_by
          FROM uploads
         WHERE bucket = :bucket AND key = :key AND version_id = :version_id
        """,
        bucket=arrival.bucket,
        key=arrival.key,
        version_id=arrival.version_id,
    )
    return Upload.model_validate(found[0]) if found else None


def receive_announced(db: Connection, upload_id: UUID, arrival: Arrival) -> Upload | None:
    """The upload that the API signed, now that its object is there; None if it announced no such object.

    A link can be used more than once: the first object version is the announced one, later ones are uploads of their
    own.
    """
    found = rows(
        db,
        """
        UPDATE uploads
           SET version_id = :version_id, size_bytes = :size_bytes, received_at = now()
         WHERE id = :id AND bucket = :bucket AND key = :key AND version_id IS NULL AND state = 'waiting'
           AND NOT EXISTS (SELECT FROM uploads u
                            WHERE u.bucket = :bucket AND u.key = :key AND u.version_id = :version_id)
     RETURNING id, state, uploaded_by, true AS is_new
        """,
        id=upload_id,
        bucket=arrival.bucket,
        key=arrival.key,
        version_id=arrival.version_id,
        size_bytes=arrival.size_bytes,
    )
    return Upload.model_validate(found[0]) if found else None


def receive(
    db: Connection, arrival: Arrival, file_name: str, claimed_by: str | None, options: dict[str, Any]
) -> Upload:
    """The upload of an object version; the same one, however often S3 reports it."""
    found = rows(
        db,
        """
        INSERT INTO uploads (bucket, key, version_id, file_name, size_bytes, uploaded_by, claimed_by, options,
                             received_at)
        VALUES (:bucket, :key, :version_id, :file_name, :size_bytes, :uploaded_by, :claimed_by,
                CAST(:options AS jsonb), now())
            ON CONFLICT (bucket, key, version_id) DO NOTHING
     RETURNING id, state, uploaded_by, true AS is_new
        """,
        **arrival.model_dump(),
        file_name=file_name,
        claimed_by=claimed_by,
        options=to_json(options),
    )
    if found:
        return Upload.model_validate(found[0])
    existing = find(db, arrival)
    if existing is None:
        raise RuntimeError("an upload that exists can't be found")
    return existing


def lock(db: Connection, upload_id: UUID) -> str:
    """The upload's state; it stays so until the transaction ends."""
    return str(db.run("SELECT state FROM uploads WHERE id = :id FOR UPDATE", id=upload_id)[0][0])


def accept(db: Connection, upload_id: UUID, sha256: str) -> None:
    """The upload has become a batch."""
    db.run(
        "UPDATE uploads SET state = 'accepted', sha256 = :sha256, decided_at = now() WHERE id = :id",
        id=upload_id,
        sha256=sha256,
    )


def refuse(db: Connection, upload_id: UUID, refused: Refused, sha256: str | None, batch_id: UUID | None) -> None:
    """The upload becomes no batch; *batch_id* is the one that has its content already, if that is why."""
    db.run(
        """
        UPDATE uploads
           SET state = 'refused', sha256 = :sha256, refusal_code = :code, refusal_message = :message,
               refusal_batch_id = :batch_id, decided_at = now()
         WHERE id = :id
        """,
        id=upload_id,
        sha256=sha256,
        code=refused.code.value,
        message=refused.message,
        batch_id=batch_id,
    )


def refusal(db: Connection, upload_id: UUID) -> RefusalCode:
    """Why an upload was refused."""
    ((code,),) = db.run("SELECT refusal_code FROM uploads WHERE id = :id", id=upload_id)
    return RefusalCode(code)
