"""uploads: what the API announces before its object is there; intake receives it when S3 reports the object."""

from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from ingestion.db import Connection, to_json


class Announcement(BaseModel):
    """An upload that somebody has got a link for."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    bucket: str
    key: str
    file_name: str
    size_bytes: int | None
    uploaded_by: str
    options: dict[str, Any]


def announce(db: Connection, announcement: Announcement) -> None:
    """Add the upload, waiting for its object."""
    db.run(
        """
        INSERT INTO uploads (id, bucket, key, file_name, size_bytes, uploaded_by, options)
        VALUES (:id, :bucket, :key, :file_name, :size_bytes, :uploaded_by, CAST(:options_ AS jsonb))
        """,
        **announcement.model_dump(exclude={"options"}),
        options_=to_json(announcement.options),
    )
