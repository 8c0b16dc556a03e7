"""The rejected rows of a batch, and their correction without a file."""

from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from aws_lambda_powertools.event_handler import Response
from pydantic import ConfigDict, Field

from api import corrections, rejected_rows
from api.caller import caller
from api.cursors import BY_ROW, DEFAULT_LIMIT, Cursor, Limit
from api.error_file_routes import error_file_key
from api.explanation_schemas import RowFault
from api.openapi import answers
from api.problems import Problem, ProblemCode
from api.rejected_rows import RejectedRow
from api.route_rights import Right, needs
from api.routing import BatchId, database, get_batch, new_router
from api.schemas import Page, Shape, left_out
from ingestion.batch import BatchStatus
from ingestion.database.connection import Connection
from ingestion.database.tables import audit, batches
from ingestion.database.tables.batches import Batch

router = new_router()

MOST_ROWS = 5_000


class CorrectedRow(Shape):
    """A rejected row and its mended cells by header; those that are left out stay as they were handed out."""

    model_config = ConfigDict(extra="forbid")

    row_number: Annotated[int, Field(ge=1, lt=2**31)]
    cells: dict[str, str] = Field(description="Texts by header")


class CorrectionRequest(Shape):
    """Rejected rows that somebody has mended."""

    model_config = ConfigDict(extra="forbid")

    rows: Annotated[list[CorrectedRow], Field(min_length=1, max_length=MOST_ROWS)]
    dry_run: bool = False


class JudgedRow(Shape):
    """What would be wrong with a row if it were imported now; nothing if it would pass."""

    row_number: int
    faults: list[RowFault] = Field(description="All that would be wrong with the row")


class CorrectionAnswer(Shape):
    """The child batch that imports the rows, or, of a dry run, what would be wrong with each."""

    batch_id: UUID | None = left_out()
    rows: list[JudgedRow] | None = left_out()


@router.get(
    "/v1/import/batches/<batchId>/rejects",
    summary="The rejected rows of a batch, in file order",
    tags=["Imports"],
    operation_id="listRejects",
    security=needs(Right.ERRORS_READ),
    responses=answers(
        Page[RejectedRow],
        ProblemCode.NO_SUCH_BATCH,
        ProblemCode.NO_ERRORS,
        ProblemCode.ERROR_FILE_EXPIRED,
        ProblemCode.INVALID_CURSOR,
    ),
)
def rejects(batch_id: BatchId, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> Page[RejectedRow]:
    """Each page is recorded in the audit trail."""
    db = database()
    found = get_batch(db, batch_id)
    (after,) = BY_ROW.after(cursor) or (0,)
    some = rejected_rows.page_of(db, batches.get(db, batch_id), found, limit + 1, after)
    page = BY_ROW.page(some, limit, RejectedRow.model_validate)
    if page.items:
        details = {"rows": len(page.items)}
        actor = caller(router.current_event.raw_event)
        audit.write(db, actor=actor, action="rejected_rows_shown", batch_id=batch_id, details=details)
    return page


@router.post(
    "/v1/import/batches/<batchId>/corrections",
    summary="Correct rejected rows",
    description=(
        "Starts a child batch of these rows, as if the mended error file had been uploaded. With `dryRun` nothing is "
        "imported, and the answer says what is wrong with each row. A row that was not rejected, or that a later batch "
        "has imported, is a mistake: then nothing is imported."
    ),
    tags=["Imports"],
    operation_id="correctBatch",
    security=needs(Right.IMPORTS_WRITE, Right.ERRORS_READ),
    responses={
        **answers(
            CorrectionAnswer,
            ProblemCode.NO_SUCH_BATCH,
            ProblemCode.NO_ERRORS,
            ProblemCode.ERROR_FILE_EXPIRED,
            ProblemCode.NOT_JSON,
            ProblemCode.BODY_TOO_LARGE,
            ProblemCode.UNSUPPORTED_MEDIA_TYPE,
        ),
        **answers(CorrectionAnswer, status=202),
    },
)
def correct(batch_id: BatchId, request: CorrectionRequest) -> Response[CorrectionAnswer]:
    """200 for a dry run, 202 with the child batch otherwise."""
    db, event = database(), router.current_event.raw_event
    batch = correctable(db, batch_id)
    cells = {row.row_number: row.cells for row in request.rows}
    if len(cells) < len(request.rows):
        raise Problem(ProblemCode.INVALID_REQUEST, "The same row is there twice.")
    mended = corrections.corrected(db, batch, cells)
    if request.dry_run:
        judged = corrections.judge(db, mended)
        answer = CorrectionAnswer(
            rows=[
                JudgedRow(row_number=number, faults=[RowFault.of(fault) for fault in faults])
                for number, faults in judged.items()
            ]
        )
        return _answer(HTTPStatus.OK, answer)
    return _answer(HTTPStatus.ACCEPTED, CorrectionAnswer(batch_id=corrections.import_rows(db, mended, caller(event))))


def correctable(db: Connection, batch_id: UUID) -> Batch:
    """The batch, if it has rejected rows to correct. Raises Problem."""
    found: dict[str, Any] = get_batch(db, batch_id)
    if found["status"] == BatchStatus.ARCHIVED or found["error_file_deleted_at"] or not found["error_file_key"]:
        error_file_key(batch_id, found)
    return batches.get(db, batch_id)


def _answer(status: HTTPStatus, answer: CorrectionAnswer) -> Response[CorrectionAnswer]:
    return Response(status_code=status.value, content_type="application/json", body=answer)
