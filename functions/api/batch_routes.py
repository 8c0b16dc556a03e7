"""Batches: their status, list, whole record and audit trail."""

from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from api import batch_operations, commits
from api.batch_schemas import MOST_CHUNKS, AuditEntry, BatchNamed, BatchRecord, BatchSummary
from api.caller import caller
from api.change_schemas import CommitRequest
from api.cursors import BY_ID, DEFAULT_LIMIT, NEWEST_FIRST, Cursor, Limit
from api.openapi import answers
from api.problems import ProblemCode
from api.route_rights import Right, needs
from api.routing import BatchId, database, get_batch, must_exist, new_router
from api.schemas import Page
from api.stage_progress import stages_of
from ingestion.batch import BatchStatus, FailureCode
from ingestion.database.queries import batch_record, lists, progress
from ingestion.uploads.identification import get_programme_of_alias

router = new_router()


def batch_page(only: lists.BatchFilter, limit: int, cursor: str | None) -> Page[BatchSummary]:
    """A page of the batches that pass the filter, newest first. Raises Problem."""
    at, batch_id = NEWEST_FIRST.after(cursor) or (None, None)
    found = lists.batches(database(), lists.NewestFirst(limit + 1, at, batch_id), only)
    return NEWEST_FIRST.page(found, limit, BatchSummary.of)


@router.get(
    "/v1/import/backfill/<batchId>/status",
    summary="Status of a batch",
    tags=["Imports"],
    operation_id="getBatchStatus",
    security=needs(Right.IMPORTS_READ),
    responses=answers(BatchSummary, ProblemCode.NO_SUCH_BATCH),
)
def batch_status(batch_id: BatchId) -> BatchSummary:
    """How far the batch has come, and how many rows had which outcome."""
    return BatchSummary.of(get_batch(database(), batch_id))


@router.get(
    "/v1/import/batches",
    summary="Batches, newest first",
    tags=["Imports"],
    operation_id="listBatches",
    security=needs(Right.IMPORTS_READ),
    responses=answers(Page[BatchSummary], ProblemCode.INVALID_CURSOR),
)
def batches(
    status: Annotated[BatchStatus | None, Query(description="Only batches in this state")] = None,
    program_type: Annotated[
        str | None, Query(alias="programType", description="The programme, by its name or an alias")
    ] = None,
    program_instance: Annotated[
        str | None, Query(alias="programInstance", description="Slug of the programme instance")
    ] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[BatchSummary]:
    """An unknown instance has no batches and gives an empty list; an unknown programme is an error."""
    named = get_programme_of_alias(program_type) if program_type is not None else None
    only = lists.BatchFilter(status.value if status else None, named, program_instance)
    return batch_page(only, limit, cursor)


@router.get(
    "/v1/import/batches/<batchId>",
    summary="The whole record of a batch",
    tags=["Imports"],
    operation_id="getBatch",
    security=needs(Right.IMPORTS_READ),
    responses=answers(BatchRecord, ProblemCode.NO_SUCH_BATCH),
)
def batch(batch_id: BatchId) -> BatchRecord:
    """Includes how its file was read, its chunks and, while it runs, its stages."""
    db = database()
    found = get_batch(db, batch_id)
    ledger = progress.of_batch(db, batch_id)
    return BatchRecord.of(
        found,
        chunks=batch_record.chunks(db, batch_id, MOST_CHUNKS),
        chunks_left_out=max(ledger["chunks"] - MOST_CHUNKS, 0) or None,
        stages=stages_of(found, ledger),
    )


@router.post(
    "/v1/import/batches/<batchId>/cancel",
    summary="Cancel an import that is under way",
    description="The batch ends as `failed`, with a `failureReason` that begins with `cancelled`; nothing of it stays.",
    tags=["Imports"],
    operation_id="cancelBatch",
    security=needs(Right.IMPORTS_WRITE),
    status_code=202,
    responses=answers(BatchNamed, ProblemCode.NO_SUCH_BATCH, ProblemCode.ALREADY_ENDED, status=202),
)
def cancel(batch_id: BatchId) -> BatchNamed:
    """Its status shows when it has ended, usually within a second."""
    batch_operations.cancel(database(), batch_id, caller(router.current_event.raw_event))
    return BatchNamed(batch_id=batch_id)


@router.post(
    "/v1/import/batches/<batchId>/commit",
    summary="Import what a dry run planned",
    description=(
        "Starts a batch that imports the file of the dry run, and answers 202 with its id; asked again, 200 with the "
        "same id. If a stored version is another than was planned upon, `refuse` answers `plan_stale` with "
        "`changedRows` and a `sample`, and `skip` leaves these rows out: `GET …/changes?outcome=left_out` lists "
        "them. If the same bytes were imported meanwhile, the answer is 409 `already_imported`."
    ),
    tags=["Imports"],
    operation_id="commitBatch",
    security=needs(Right.IMPORTS_WRITE),
    status_code=202,
    responses={
        **answers(
            BatchNamed,
            *(ProblemCode.NO_SUCH_BATCH, ProblemCode.NOT_A_DRY_RUN, ProblemCode.NOTHING_TO_COMMIT),
            *(FailureCode.PLAN_STALE, ProblemCode.PLAN_EXPIRED, ProblemCode.ORIGINAL_GONE, ProblemCode.NOT_JSON),
            *(ProblemCode.BODY_TOO_LARGE, ProblemCode.UNSUPPORTED_MEDIA_TYPE),
            status=202,
        ),
        200: {"description": "Started before", "content": {"application/json": {"model": BatchNamed}}},
    },
)
def commit(batch_id: BatchId, request: CommitRequest) -> Response[BatchNamed]:
    """Rows that the plan rejected stay rejected."""
    wanted = commits.Wanted(batch_id, request.plan_hash, request.on_change == "skip")
    committed = commits.commit(database(), wanted, caller(router.current_event.raw_event))
    return Response(
        status_code=202 if committed.is_new else 200,
        content_type="application/json",
        body=BatchNamed(batch_id=committed.batch_id),
    )


@router.get(
    "/v1/import/batches/<batchId>/audit",
    summary="The audit trail of a batch and its upload, oldest first",
    tags=["Imports"],
    operation_id="listAuditOfBatch",
    security=needs(Right.IMPORTS_READ),
    responses=answers(Page[AuditEntry], ProblemCode.NO_SUCH_BATCH, ProblemCode.INVALID_CURSOR),
)
def audit(batch_id: BatchId, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> Page[AuditEntry]:
    """Who did what, and when."""
    db = database()
    (after,) = BY_ID.after(cursor) or (None,)
    must_exist(db, batch_id)
    return BY_ID.page(lists.audit_trail(db, batch_id, limit + 1, after), limit, AuditEntry.of)
