"""uploads that the API announces before their objects exist; intake receives them when S3 reports the objects."""

from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from ingestion.database.connection import Connection, rows, to_json
from ingestion.sign_in.actors import Actor


class Multipart(BaseModel):
    """A file that is sent in parts: S3's id of the upload, and the size of each part but the last."""

    model_config = ConfigDict(frozen=True)

    id: str
    part_bytes: int


class Announcement(BaseModel):
    """An upload for which somebody has a link."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    bucket: str
    key: str
    file_name: str
    size_bytes: int | None
    uploader: Actor
    options: dict[str, Any]
    """As the link signs them, by their names in metadata; also `programType`, which is in the key."""
    token_hash: str
    """The hash of the link's secret token."""
    multipart: Multipart | None = None


class Unfinished(BaseModel):
    """An announced upload of which parts may still be sent."""

    bucket: str
    key: str
    size_bytes: int
    multipart_id: str
    part_bytes: int


def announce(db: Connection, announcement: Announcement) -> None:
    """Add an upload that waits for its object."""
    db.run(
        """
        INSERT INTO uploads (id, bucket, key, file_name, size_bytes, uploaded_by, uploader_kind, uploader_issuer,
                             uploader_subject, options, link_token_hash, multipart_id, part_bytes)
        VALUES (:id, :bucket, :key, :file_name, :size_bytes, :name, :kind, :issuer, :subject, CAST(:options_ AS jsonb),
                :token_hash, :multipart_id, :part_bytes)
        """,
        **announcement.model_dump(exclude={"options", "uploader", "multipart"}),
        multipart_id=announcement.multipart.id if announcement.multipart else None,
        part_bytes=announcement.multipart.part_bytes if announcement.multipart else None,
        **announcement.uploader.model_dump(mode="json"),
        options_=to_json(announcement.options),
    )


_IN_THE_NAME_OF = """uploader_kind = :kind AND uploader_issuer IS NOT DISTINCT FROM :issuer
           AND uploader_subject IS NOT DISTINCT FROM :subject
           -- Where nobody has to sign in, the name is all there is.
           AND (uploader_subject IS NOT NULL OR uploaded_by = :name)"""


def find_unfinished(db: Connection, upload_id: UUID, uploader: Actor) -> Unfinished | None:
    """Find a multipart upload that waits for its object; None for everybody but the uploader, in whose name it is."""
    found = rows(
        db,
        f"""
        SELECT bucket, key, size_bytes, multipart_id, part_bytes
          FROM uploads
         WHERE id = :id AND state = 'waiting' AND version_id IS NULL AND multipart_id IS NOT NULL
           AND {_IN_THE_NAME_OF}
        """,  # of constants
        id=upload_id,
        **uploader.model_dump(mode="json"),
    )
    return Unfinished.model_validate(found[0]) if found else None


def is_announced_by(db: Connection, upload_id: UUID, uploader: Actor) -> bool:
    """Whether the uploader has asked for this upload's link, whatever became of it."""
    found = db.run(
        f"SELECT FROM uploads WHERE id = :id AND link_token_hash IS NOT NULL AND {_IN_THE_NAME_OF}",  # of constants
        id=upload_id,
        **uploader.model_dump(mode="json"),
    )
    return bool(found)
