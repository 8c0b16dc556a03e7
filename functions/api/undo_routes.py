"""Undo: its plan, its start, and how far it has come."""

from http import HTTPStatus
from typing import Annotated, Any, Self
from uuid import UUID

from aws_lambda_powertools.event_handler import Response
from pydantic import ConfigDict, Field, field_validator, model_validator

from api import undo_operations
from api.batch_schemas import BatchNamed
from api.caller import caller
from api.cursors import BY_ROW, DEFAULT_LIMIT, Cursor, Limit
from api.openapi import answers
from api.problems import ProblemCode
from api.route_rights import Right, needs
from api.routing import BatchId, database, get_batch, new_router
from api.schemas import Page, Shape, Utc, left_out
from api.undo_operations import KEPT_SHOWN
from ingestion.database.publishing.undo_plan import Kept
from ingestion.database.tables.undos import Request, UndoState
from ingestion.records import Kind, get_programme
from ingestion.uploads.upload_options import is_reason

router = new_router()

LONGEST_REASON = 500


class UndoRequest(Shape):
    """Either `dryRun`, which answers with the plan, or the `planHash` of the plan that was shown, and a `reason`."""

    model_config = ConfigDict(extra="forbid")

    dry_run: bool = False
    plan_hash: Annotated[str, Field(max_length=64)] | None = None
    reason: Annotated[str, Field(max_length=LONGEST_REASON)] | None = None

    @field_validator("reason")
    @classmethod
    def is_written(cls, text: str | None) -> str | None:
        """A reason must say something."""
        if text is not None and not is_reason(text):
            raise ValueError("write why the import is undone")
        return text

    @model_validator(mode="after")
    def names_what_was_shown(self) -> Self:
        """Only what was shown is carried out."""
        if not self.dry_run and (self.plan_hash is None or self.reason is None):
            raise ValueError("send dryRun, or planHash and reason")
        return self


class KeptRow(Shape):
    """A record that an undo keeps, since a later import has changed it. Of a roster, a person; the id is then null."""

    row_number: int
    external_session_id: str | None
    later_batch_id: UUID

    @classmethod
    def of(cls, row: dict[str, Any]) -> Self:
        """Build it from a row of `rows_of`."""
        return cls.model_validate(row)


class UndoPlanned(Shape):
    """What an undo would do now."""

    removes: int
    restores: int
    keeps: int
    kept: list[KeptRow]
    kept_left_out: int | None = left_out()
    plan_hash: str


class UndoStatus(Shape):
    """An undo, or a plan of one that is made outside the request: `planning`, then `planned` with its `planHash`."""

    state: UndoState
    removes: int | None
    restores: int | None
    keeps: int | None
    plan_hash: str | None
    removed_rows: int
    restored_rows: int
    kept_rows: int | None
    requested_by: str | None
    reason: str | None
    failure_reason: str | None
    started_at: Utc
    completed_at: Utc | None
    kept: Page[KeptRow]


def rows_of(kept: list[Kept], batch: dict[str, Any]) -> list[dict[str, Any]]:
    """Kept records as the API shows them: the address of a person is no id of a session."""
    are_people = get_programme(batch["program_type"]).kind is Kind.PEOPLE
    return [
        {"row_number": row, "external_session_id": None if are_people else key, "later_batch_id": later}
        for row, key, later in kept
    ]


@router.post(
    "/v1/import/batches/<batchId>/undo",
    summary="Undo an import, or plan to",
    description=(
        "With `dryRun`, answers what an undo would remove, restore and keep; of more than 50,000 rows the plan is made "
        "outside the request (202), and GET answers it. With the `planHash` of that plan and a `reason`, starts the "
        "undo (202), unless it would do something else by now."
    ),
    tags=["Imports"],
    operation_id="undoBatch",
    security=needs(Right.IMPORTS_WRITE),
    responses={
        **answers(
            UndoPlanned,
            ProblemCode.NO_SUCH_BATCH,
            ProblemCode.NOT_UNDOABLE,
            ProblemCode.PLAN_STALE,
            ProblemCode.NOT_JSON,
            ProblemCode.BODY_TOO_LARGE,
            ProblemCode.UNSUPPORTED_MEDIA_TYPE,
        ),
        202: {"description": "Under way", "content": {"application/json": {"model": BatchNamed}}},
    },
)
def undo(batch_id: BatchId, wanted: UndoRequest) -> Response[UndoPlanned | BatchNamed]:
    """Rows on which a later import builds are kept and named; they can be undone once that import is undone."""
    db = database()
    request = Request(actor=caller(router.current_event.raw_event), plan_hash=wanted.plan_hash, reason=wanted.reason)
    if not wanted.dry_run:
        undo_operations.request_undo(db, batch_id, request)
        return _answer(HTTPStatus.ACCEPTED, BatchNamed(batch_id=batch_id))
    shown = undo_operations.plan_undo(db, batch_id, Request(actor=request.actor))
    if shown is None:
        return _answer(HTTPStatus.ACCEPTED, BatchNamed(batch_id=batch_id))
    plan = shown.plan
    planned = UndoPlanned(
        removes=plan.removes.count,
        restores=plan.restores.count,
        keeps=plan.keeps.count,
        kept=[KeptRow.of(row) for row in rows_of(shown.kept, get_batch(db, batch_id))],
        kept_left_out=max(plan.keeps.count - KEPT_SHOWN, 0) or None,
        plan_hash=plan.hash,
    )
    return _answer(HTTPStatus.OK, planned)


def _answer(status: HTTPStatus, body: UndoPlanned | BatchNamed) -> Response[UndoPlanned | BatchNamed]:
    return Response(status_code=status.value, content_type="application/json", body=body)


@router.get(
    "/v1/import/batches/<batchId>/undo",
    summary="How far the undo of a batch has come",
    description="The newest undo, or the newest plan of one, with the rows that it keeps, by row.",
    tags=["Imports"],
    operation_id="getUndo",
    security=needs(Right.IMPORTS_READ),
    responses=answers(UndoStatus, ProblemCode.NO_SUCH_BATCH, ProblemCode.NO_UNDO, ProblemCode.INVALID_CURSOR),
)
def undo_status(batch_id: BatchId, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> UndoStatus:
    """A batch that was undone may be undone again, for rows that were kept."""
    db = database()
    (after,) = BY_ROW.after(cursor) or (0,)
    found = undo_operations.get_undo(db, batch_id)
    kept = rows_of(undo_operations.kept_rows(db, batch_id, limit + 1, after), get_batch(db, batch_id))
    return UndoStatus.model_validate(
        {**found.model_dump(), "started_at": found.created_at, "kept": BY_ROW.page(kept, limit, KeptRow.of)}
    )
