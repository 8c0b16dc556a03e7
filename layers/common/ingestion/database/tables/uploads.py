"""uploads: every object version that arrived, accepted or refused, so that nothing is dropped silently."""

from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from ingestion.database.connection import Connection, rows, to_json
from ingestion.errors import RefusalCode, Refused
from ingestion.sign_in.actors import Actor, ActorKind
from ingestion.uploads.upload_options import PROMISED_BATCH


class Arrival(BaseModel):
    """An object version as S3 reports it; `principal` is the uploader that S3 names."""

    model_config = ConfigDict(frozen=True)

    bucket: str
    key: str
    version_id: str
    size_bytes: int
    principal: str


class Upload(BaseModel):
    """What is known about an upload when intake decides on it. `options` come from its link or its object."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    state: str
    uploaded_by: str | None
    uploader_kind: ActorKind | None
    uploader_issuer: str | None
    uploader_subject: str | None
    is_announced: bool
    options: dict[str, Any]
    is_new: bool = False

    @property
    def promised_batch(self) -> UUID | None:
        """The id that the API has promised for its batch."""
        return UUID(self.options[PROMISED_BATCH]) if self.is_announced and PROMISED_BATCH in self.options else None

    @property
    def uploader(self) -> Actor:
        """Who uploaded it. Raises ValueError once the upload is archived and no longer names anybody."""
        if self.uploaded_by is None or self.uploader_kind is None:
            raise ValueError("nobody is named")
        return Actor(
            kind=self.uploader_kind,
            name=self.uploaded_by,
            issuer=self.uploader_issuer,
            subject=self.uploader_subject,
        )


_UPLOAD = """id, state, uploaded_by, uploader_kind, uploader_issuer, uploader_subject, options,
               link_token_hash IS NOT NULL AS is_announced"""


def find(db: Connection, arrival: Arrival) -> Upload | None:
    """Find the upload of an object version that was reported before."""
    found = rows(
        db,
        f"""
        SELECT {_UPLOAD}
          FROM uploads
         WHERE bucket = :bucket AND key = :key AND version_id = :version_id
        """,  # of constants
        bucket=arrival.bucket,
        key=arrival.key,
        version_id=arrival.version_id,
    )
    return Upload.model_validate(found[0]) if found else None


def receive_announced(db: Connection, upload_id: UUID, token_hash: str, arrival: Arrival) -> Upload | None:
    """Receive the object of an announced upload; None if it was not uploaded with the upload's link.

    A link is good for one object: whoever can read that could otherwise send another with the same token.
    """
    found = rows(
        db,
        f"""
        UPDATE uploads
           SET version_id = :version_id, size_bytes = :size_bytes, principal = :principal, received_at = now()
         WHERE id = :id AND bucket = :bucket AND key = :key AND version_id IS NULL AND state = 'waiting'
           AND link_token_hash = :token_hash
           AND NOT EXISTS (SELECT FROM uploads u
                            WHERE u.bucket = :bucket AND u.key = :key AND u.version_id = :version_id)
     RETURNING {_UPLOAD}, true AS is_new
        """,  # of constants
        id=upload_id,
        token_hash=token_hash,
        **arrival.model_dump(),
    )
    return Upload.model_validate(found[0]) if found else None


def receive(
    db: Connection, arrival: Arrival, file_name: str, claimed_by: str | None, options: dict[str, Any]
) -> Upload:
    """Receive an object version; if S3 reports it again, return the same upload."""
    uploader = Actor.of_principal(arrival.principal)
    found = rows(
        db,
        f"""
        INSERT INTO uploads (bucket, key, version_id, file_name, size_bytes, uploaded_by, uploader_kind, principal,
                             claimed_by, options, received_at)
        VALUES (:bucket, :key, :version_id, :file_name, :size_bytes, :principal, :kind, :principal, :claimed_by,
                CAST(:options AS jsonb), now())
            ON CONFLICT (bucket, key, version_id) DO NOTHING
     RETURNING {_UPLOAD}, true AS is_new
        """,  # of constants
        **arrival.model_dump(),
        kind=uploader.kind.value,
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
    """Return the upload's state, which can't change until the transaction ends."""
    return str(db.run("SELECT state FROM uploads WHERE id = :id FOR UPDATE", id=upload_id)[0][0])


def accept(db: Connection, upload_id: UUID, sha256: str) -> None:
    """Record that the upload has become a batch."""
    db.run(
        "UPDATE uploads SET state = 'accepted', sha256 = :sha256, decided_at = now() WHERE id = :id",
        id=upload_id,
        sha256=sha256,
    )


def refuse(db: Connection, upload_id: UUID, refused: Refused, sha256: str | None, batch_id: UUID | None) -> None:
    """Record that the upload is refused; *batch_id* is the batch with the same content, if that is the reason."""
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
    """Return why an upload was refused."""
    ((code,),) = db.run("SELECT refusal_code FROM uploads WHERE id = :id", id=upload_id)
    return RefusalCode(code)
