"""The link that downloads a batch's error file; the audit trail records each one."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from api.caller import caller
from api.code_words import in_english
from api.openapi import answers, redirect
from api.problems import Problem, ProblemCode
from api.route_rights import Right, needs
from api.routing import BatchId, database, get_batch, new_router
from api.schemas import Shape, Utc
from ingestion.aws.error_workbooks import MOST_ROWS, TooManyRows, make_workbook
from ingestion.aws.s3 import NoSuchFile, presigned_get
from ingestion.batch import BatchStatus
from ingestion.config import settings
from ingestion.database.connection import Connection
from ingestion.database.tables import audit, batches
from ingestion.limits import limits
from ingestion.uploads.identification import error_file_name

router = new_router()

Format = Annotated[
    Literal["csv", "xlsx"],
    Query(description="`xlsx`: a workbook of text cells, those at fault marked, of at most 100,000 rows"),
]


class ErrorFileLink(Shape):
    """Where the error file can be downloaded until `expiresAt`, without further authentication."""

    url: str
    expires_at: Utc
    file_name: str
    rows: int


@router.get(
    "/v1/import/backfill/<batchId>/errors",
    summary="The error file of a batch",
    description="A redirect to the file itself; with `Accept: application/json`, the link and details of the file.",
    tags=["Imports"],
    operation_id="getErrorFile",
    security=needs(Right.ERRORS_READ),
    responses={
        **answers(
            ErrorFileLink,
            ProblemCode.NO_SUCH_BATCH,
            ProblemCode.NO_ERRORS,
            ProblemCode.ERROR_FILE_EXPIRED,
            ProblemCode.TOO_MANY_ROWS,
        ),
        302: redirect("The file"),
    },
)
def errors(batch_id: BatchId, format: Format = "csv") -> Response[ErrorFileLink | None]:  # noqa: A002
    """Every link is recorded in the audit trail as a download, since S3 serves the file to anyone who has the link."""
    db = database()
    batch = get_batch(db, batch_id)
    key = error_file_key(batch_id, batch)
    if format == "xlsx":
        key = _workbook_key(db, batch_id)
    link = _link(key, batch)
    event = router.current_event.raw_event
    audit.write(
        db,
        actor=caller(event),
        action="error_file_downloaded",
        batch_id=batch_id,
        details={"rows": link.rows, "linkExpiresAt": link.expires_at.isoformat()},
    )
    if _prefers_json(router.current_event.headers.get("accept") or ""):
        return Response(status_code=200, content_type="application/json", body=link)
    return Response(status_code=302, headers={"Location": link.url}, body=None)


def error_file_key(batch_id: UUID, batch: dict[str, Any]) -> str:
    """The S3 key of the batch's error file. Raises Problem if there is none, or none any more."""
    if batch["error_file_deleted_at"] is not None:
        raise Problem(
            ProblemCode.ERROR_FILE_EXPIRED,
            f"The error file of batch {batch_id} was deleted on {batch['error_file_deleted_at']:%Y-%m-%d}: "
            f"error files are kept for {in_english(limits()['error_file_time'])}.",
        )
    if batch["error_file_key"] is None:
        is_running = batch["status"] in (BatchStatus.PENDING, BatchStatus.RUNNING)
        wait = "has not finished; its error file is written at the end" if is_running else "has no error file"
        raise Problem(ProblemCode.NO_ERRORS, f"Batch {batch_id} {wait}.")
    return str(batch["error_file_key"])


def _workbook_key(db: Connection, batch_id: UUID) -> str:
    """Make the workbook anew: rows may have been erased from the values since. Raises Problem."""
    batch = batches.get(db, batch_id)
    rows = get_batch(db, batch_id)["error_rows"]
    try:
        return make_workbook(settings().work_bucket, batch_id, rows, batch.error_file)
    except TooManyRows:
        detail = f"The error file has {rows:,} rows; a workbook is made of up to {MOST_ROWS:,} or 100 MB. Use the CSV."
        raise Problem(ProblemCode.TOO_MANY_ROWS, detail) from None
    except NoSuchFile:
        raise Problem(ProblemCode.ERROR_FILE_EXPIRED, f"The rejected rows of batch {batch_id} are gone.") from None


def _link(key: str, batch: dict[str, Any]) -> ErrorFileLink:
    seconds = settings().presigned_seconds
    name = error_file_name(batch["file_name"], ".xlsx" if key.endswith(".xlsx") else ".csv")
    return ErrorFileLink(
        url=presigned_get(settings().work_bucket, key, name, seconds),
        expires_at=datetime.now(UTC) + timedelta(seconds=seconds),
        file_name=name,
        rows=batch["error_rows"],
    )


def _prefers_json(accept: str) -> bool:
    """Whether the caller asks for JSON by name; `*/*`, as browsers and curl send it, means the file."""
    ranges = [part.replace(" ", "").lower().partition(";") for part in accept.split(",")]
    return any(name == "application/json" and quality not in ("q=0", "q=0.0") for name, _, quality in ranges)
