"""The shapes of an upload: the link to send it with, its state, its entry in the list."""

from typing import Any, Self
from uuid import UUID

from api.code_words import described
from api.schemas import Shape, Utc, left_out
from ingestion.errors import RefusalCode


class SignedUpload(Shape):
    """A request that uploads one file, to be sent as it is before `expiresAt`."""

    upload_id: UUID
    method: str
    url: str
    headers: dict[str, str]
    expires_at: Utc


class Refusal(Shape):
    """Why an upload did not become a batch; `batchId` names the batch that already has its content.

    `message` says what is wrong with this file; `title` and `advice` explain the code.
    """

    code: str
    message: str
    batch_id: UUID | None = left_out()
    title: str | None = left_out()
    advice: str | None = left_out()


class UploadOutcome(Shape):
    """The state of an upload, with `batchId` if it was accepted and `refusal` if it was refused."""

    upload_id: UUID
    state: str
    batch_id: UUID | None = left_out()
    refusal: Refusal | None = left_out()

    @classmethod
    def of(cls, row: dict[str, Any]) -> Self:
        """From a row of the database."""
        return cls.model_validate({**row, "upload_id": row["id"], "refusal": _refusal(row)})


def _refusal(row: dict[str, Any]) -> dict[str, Any] | None:
    if row["refusal_code"] is None:
        return None
    refusal = {name: row[f"refusal_{name}"] for name in ("code", "message", "batch_id")}
    return described(refusal, RefusalCode)


class UploadEntry(Shape):
    """An upload in the list. Without a `versionId`, its object has not arrived; `claimedBy` is not verified."""

    upload_id: UUID
    file_name: str
    key: str
    version_id: str | None
    size_bytes: int | None
    state: str
    batch_id: UUID | None = left_out()
    refusal: Refusal | None = left_out()
    uploaded_by: str | None
    claimed_by: str | None = left_out()
    received_at: Utc | None

    @classmethod
    def of(cls, row: dict[str, Any]) -> Self:
        """From a row of the database."""
        return cls.model_validate({**row, "upload_id": row["id"], "refusal": _refusal(row)})
