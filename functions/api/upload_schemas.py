"""The shapes of an upload: the link to send it with, its state, its entry in the list."""

from typing import Any, Final, Self
from uuid import UUID

from pydantic import ConfigDict, RootModel

from api.code_words import described
from api.schemas import Shape, Utc, left_out
from ingestion.errors import RefusalCode

_UPLOAD: Final = "2f4c0c56-6b52-4a4e-8a2a-2f3f0f1c9d11"
_STORAGE: Final = "https://s3.eu-north-1.amazonaws.com/kintell-uploads-123456789012/incoming"


def _example(**fields: Any) -> ConfigDict:
    """An answer as an example for the OpenAPI document."""
    return ConfigDict(json_schema_extra={"examples": [{"uploadId": _UPLOAD, **fields}]})


class SignedUpload(Shape):
    """A request that uploads one file, to be sent as it is before `expiresAt`."""

    model_config = _example(
        method="PUT",
        url=f"{_STORAGE}/mentors-ukraine-2024-q4.csv?X-Amz-Algorithm=…",
        headers={"x-amz-meta-upload-id": _UPLOAD, "x-amz-meta-upload-token": "…"},
        expiresAt="2026-03-02T09:15:00Z",
    )

    upload_id: UUID
    method: str
    url: str
    headers: dict[str, str]
    expires_at: Utc


class PartLink(Shape):
    """A PUT of one part of the file: `partBytes` bytes, the last one what remains."""

    number: int
    url: str


class SentPart(Shape):
    """A part that the storage has, with the `ETag` that names it when the upload is completed."""

    number: int
    etag: str


class SignedParts(Shape):
    """Requests that upload one file in parts, to be sent before `expiresAt`, in any order.

    Each PUT answers with an `ETag`. Once all parts are sent, POST to `completeUrl` what S3's CompleteMultipartUpload
    takes: the number and the ETag of each part, in order. `sentParts` need only be named there.
    """

    model_config = _example(
        parts=[{"number": 2, "url": f"{_STORAGE}/years.csv?partNumber=2&uploadId=…&X-Amz-Algorithm=…"}],
        partBytes=67108864,
        completeUrl=f"{_STORAGE}/years.csv?uploadId=…&X-Amz-Algorithm=…",
        expiresAt="2026-03-02T15:00:00Z",
        sentParts=[{"number": 1, "etag": '"9b2cf535f27731c974343645a3985328"'}],
    )

    upload_id: UUID
    parts: list[PartLink]
    part_bytes: int
    complete_url: str
    expires_at: Utc
    sent_parts: list[SentPart] | None = left_out()


class UploadLinks(RootModel[SignedUpload | SignedParts]):
    """One request for the whole file, or one for each part of a file above 5 GB."""


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
        """Read a row of the database."""
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
        """Read a row of the database."""
        return cls.model_validate({**row, "upload_id": row["id"], "refusal": _refusal(row)})
