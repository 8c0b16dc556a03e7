"""uploads: every object version that arrived, accepted or refused; none is dropped silently."""

from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from ingestion.database.connection import Connection, rows, to_json
from ingestion.errors import RefusalCode, Refused
from ingestion.sign_in.actors import Actor, ActorKind


class Arrival(BaseModel):
    """An object version, as S3 reports it; `principal` is whom it names for it."""

    model_config = ConfigDict(frozen=True)

    bucket: str
    key: str
    version_id: str
    size_bytes: int
    principal: str


class Upload(BaseModel):
    """What is known of an upload when it is being decided on. `options` are what its link signed, or its object has."""

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
    def uploader(self) -> Actor:
        """Who uploaded it. Raises ValueError once the upload is archived, and nobody is named any more."""
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
    """The upload of an object version that was reported before."""
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
    """The upload that the API signed, now that its object is there; None if this object did not come by its link.

    A link brings one object: whoever may read it could send another with all that the link signed, token and all.
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
    """The upload of an object version; the same one, however often S3 reports it."""
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
