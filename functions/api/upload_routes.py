"""Uploads: links to send files with, and the state of each file."""

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
from api.signed_uploads import announced, remaining_parts
from api.upload_requests import REFUSALS, UploadRequest, check
from api.upload_schemas import SignedParts, UploadEntry, UploadLinks, UploadOutcome
from ingestion.aws.s3 import NoSuchMultipartUpload
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
    summary="Create a link to upload a file",
    description=(
        "Send the file to `url` with `method`, exactly these `headers` and the right Content-Length. A file above 5 GB "
        "is sent in parts: the answer then has a link for each part, and one that completes the upload."
    ),
    tags=["Uploads"],
    operation_id="createUpload",
    security=needs(Right.IMPORTS_WRITE),
    status_code=201,
    responses=answers(
        UploadLinks,
        *REFUSALS,
        ProblemCode.NOT_JSON,
        ProblemCode.BODY_TOO_LARGE,
        ProblemCode.UNSUPPORTED_MEDIA_TYPE,
        status=201,
    ),
)
def create_upload(upload: UploadRequest) -> UploadLinks:
    """The options are signed into the link. The upload is on record as `waiting` before the file arrives."""
    db = database()
    accepted = check(db, upload, settings().max_file_bytes)
    return UploadLinks(announced(db, upload, accepted, caller(router.current_event.raw_event)))


@router.post(
    "/v1/import/uploads/<uploadId>/parts",
    summary="Continue an upload in parts",
    description=(
        "Links for the parts that are still to be sent, signed anew, and the parts that the storage has. Only the "
        "caller who began the upload may continue it, within two days."
    ),
    tags=["Uploads"],
    operation_id="continueUpload",
    security=needs(Right.IMPORTS_WRITE),
    responses=answers(SignedParts, ProblemCode.NO_SUCH_UPLOAD, ProblemCode.UPLOAD_NOT_RESUMABLE),
)
def continue_upload(upload_id: UploadId) -> SignedParts:
    """What is left to send; a part whose size is not the announced one is to be sent again."""
    db, actor = database(), caller(router.current_event.raw_event)
    unfinished = announced_uploads.find_unfinished(db, upload_id, actor)
    if unfinished is None and not announced_uploads.is_announced_by(db, upload_id, actor):
        raise Problem(ProblemCode.NO_SUCH_UPLOAD, f"You have no upload {upload_id}.")
    try:
        if unfinished is not None:
            return remaining_parts(upload_id, unfinished)
    except NoSuchMultipartUpload:
        pass
    raise Problem(
        ProblemCode.UPLOAD_NOT_RESUMABLE,
        f"Upload {upload_id} is waiting for no parts: its file has arrived, was never to be sent in parts, or was not "
        "completed within two days.",
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
