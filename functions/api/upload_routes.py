"""Uploads: links to send files with, and the state of each file."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from aws_lambda_powertools.event_handler.openapi.params import Query

from api.caller import caller
from api.cursors import DEFAULT_LIMIT, NEWEST_FIRST, Cursor, Limit
from api.openapi import answers, path_parameter
from api.problems import Problem, ProblemCode
from api.route_rights import Right, needs
from api.routing import database, new_router
from api.schemas import Page
from api.upload_requests import REFUSALS, UploadRequest, check
from api.upload_schemas import SignedUpload, UploadEntry, UploadOutcome
from ingestion.aws.s3 import presigned_put
from ingestion.config import settings
from ingestion.database.queries import lists
from ingestion.database.tables import announced_uploads

router = new_router()

UploadId = Annotated[UUID, path_parameter("uploadId", "Id of an upload")]


class UploadState(StrEnum):
    """The state of an upload."""

    WAITING = "waiting"
    ACCEPTED = "accepted"
    REFUSED = "refused"


@router.post(
    "/v1/import/uploads",
    summary="A link to upload a file with",
    description="Send the file to `url` with `method`, exactly these `headers` and the right Content-Length.",
    tags=["Uploads"],
    operation_id="createUpload",
    security=needs(Right.IMPORTS_WRITE),
    status_code=201,
    responses=answers(
        SignedUpload,
        *REFUSALS,
        ProblemCode.NOT_JSON,
        ProblemCode.BODY_TOO_LARGE,
        ProblemCode.UNSUPPORTED_MEDIA_TYPE,
        status=201,
    ),
)
def create_upload(upload: UploadRequest) -> SignedUpload:
    """The options are signed into the link. The upload is on record as `waiting` before the file arrives."""
    db = database()
    accepted = check(db, upload, settings().max_file_bytes)
    bucket, seconds = settings().uploads_bucket, settings().presigned_seconds
    url, headers = presigned_put(bucket, accepted.key, accepted.as_signed(), seconds, upload.size_bytes)
    announced_uploads.announce(
        db,
        announced_uploads.Announcement(
            id=accepted.link.upload_id,
            bucket=bucket,
            key=accepted.key,
            file_name=upload.file_name,
            size_bytes=upload.size_bytes,
            uploader=caller(router.current_event.raw_event),
            options=accepted.as_stored(),
            token_hash=accepted.link.token_hash,
        ),
    )
    return SignedUpload(
        upload_id=accepted.link.upload_id,
        method="PUT",
        url=url,
        headers=headers,
        expires_at=datetime.now(UTC) + timedelta(seconds=seconds),
    )


@router.get(
    "/v1/import/uploads/<uploadId>",
    summary="State of an upload",
    tags=["Uploads"],
    operation_id="getUpload",
    security=needs(Right.IMPORTS_READ),
    responses=answers(UploadOutcome, ProblemCode.NO_SUCH_UPLOAD),
)
def upload(upload_id: UploadId) -> UploadOutcome:
    """Waiting for its file, accepted as a batch, or refused, and why."""
    found = lists.find_upload(database(), upload_id)
    if found is None:
        raise Problem(ProblemCode.NO_SUCH_UPLOAD, f"There is no upload {upload_id}.")
    return UploadOutcome.of(found)


@router.get(
    "/v1/import/uploads",
    summary="Uploads, newest first",
    tags=["Uploads"],
    operation_id="listUploads",
    security=needs(Right.IMPORTS_READ),
    responses=answers(Page[UploadEntry], ProblemCode.INVALID_CURSOR),
)
def uploads(
    state: Annotated[UploadState | None, Query(description="Only uploads in this state")] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[UploadEntry]:
    """Every file that arrived or is expected, accepted or refused."""
    key: Any = NEWEST_FIRST.after(cursor) or ()
    found = lists.uploads(database(), lists.NewestFirst(limit + 1, *key), state.value if state else None)
    return NEWEST_FIRST.page(found, limit, UploadEntry.of)
