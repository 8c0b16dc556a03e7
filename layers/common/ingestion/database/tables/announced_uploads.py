"""uploads that the API announces before their objects exist; intake receives them when S3 reports the objects."""

from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from ingestion.database.connection import Connection, to_json
from ingestion.sign_in.actors import Actor


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


def announce(db: Connection, announcement: Announcement) -> None:
    """Add an upload that waits for its object."""
    db.run(
        """
        INSERT INTO uploads (id, bucket, key, file_name, size_bytes, uploaded_by, uploader_kind, uploader_issuer,
                             uploader_subject, options, link_token_hash)
        VALUES (:id, :bucket, :key, :file_name, :size_bytes, :name, :kind, :issuer, :subject, CAST(:options_ AS jsonb),
                :token_hash)
        """,
        **announcement.model_dump(exclude={"options", "uploader"}),
        **announcement.uploader.model_dump(mode="json"),
        options_=to_json(announcement.options),
    )
