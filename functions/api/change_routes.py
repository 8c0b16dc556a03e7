"""What a batch changes, row by row: what a dry run planned, or what an import did."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Annotated, Any
from uuid import UUID

from aws_lambda_powertools.event_handler.openapi.params import Query

from api.change_schemas import Outcome, RowChange, of_record, of_reject
from api.cursors import BY_ROW, DEFAULT_LIMIT, Cursor, Limit
from api.openapi import answers
from api.problems import Problem, ProblemCode
from api.route_rights import Right, held, needs
from api.routing import BatchId, database, get_batch, new_router
from api.schemas import Page
from ingestion.aws import object_keys, s3
from ingestion.config import settings
from ingestion.database.connection import Connection
from ingestion.database.publishing import plans
from ingestion.database.publishing.plans import Planned
from ingestion.database.publishing.targets import target_of
from ingestion.database.queries import changes
from ingestion.database.queries.changes import RowsAfter
from ingestion.records import PROGRAMMES, Programme
from ingestion.rows.rejects import read_rejects

router = new_router()


@router.get(
    "/v1/import/batches/<batchId>/changes",
    summary="What a batch changes, row by row",
    description=(
        "Of a dry run: the outcome of each row, and what an import would change. Of an import: the rows that it "
        "inserted, updated, rejected or left out; unchanged rows have left no trace. Rejected rows are listed "
        "as long as the error file is kept."
    ),
    tags=["Imports"],
    operation_id="listChangesOfBatch",
    security=needs(Right.IMPORTS_READ),
    responses=answers(
        Page[RowChange],
        ProblemCode.NO_SUCH_BATCH,
        ProblemCode.INVALID_CURSOR,
        ProblemCode.PLAN_EXPIRED,
        ProblemCode.ERROR_FILE_EXPIRED,
    ),
)
def changes_of_batch(
    batch_id: BatchId,
    outcome: Annotated[Outcome | None, Query(description="Only rows with this outcome")] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[RowChange]:
    """In the order of the rows."""
    db = database()
    (after,) = BY_ROW.after(cursor) or (0,)
    wanted = RowsAfter(limit + 1, after, outcome.value if outcome else None)
    return BY_ROW.page(
        changes_after(db, get_batch(db, batch_id), wanted, router.current_event.raw_event), limit, RowChange.of
    )


def changes_after(
    db: Connection, batch: dict[str, Any], wanted: RowsAfter, event: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """The changes of a batch, which is its row in the database, as its reader may see them. Raises Problem."""
    programme = PROGRAMMES[batch["program_type"]]
    may_see_all = Right.ERRORS_READ in held(event)
    hidden = frozenset(field.name for field in programme.record.fields if field.is_confidential and not may_see_all)
    found: list[dict[str, Any]] = []
    if wanted.outcome in (None, Outcome.REJECTED) and batch["error_rows"]:
        found += _rejected(batch, wanted)
    if wanted.outcome != Outcome.REJECTED:
        recorded = _planned(db, batch, wanted) if batch["dry_run"] else _imported(db, batch, wanted)
        found += [of_record(row, programme, hidden) for row in recorded]
    if wanted.outcome in (None, Outcome.LEFT_OUT) and batch["planned_by_batch_id"]:
        found += _left_out(db, batch, wanted, hidden)
    return sorted(found, key=lambda row: int(row["row_number"]))[: wanted.limit]


def _planned(db: Connection, batch: dict[str, Any], wanted: RowsAfter) -> list[dict[str, Any]]:
    if batch["plan_hash"] is None:
        return []
    if not plans.exists(db, batch["id"]):
        raise Problem(ProblemCode.PLAN_EXPIRED, f"The plan of batch {batch['id']} has been deleted.")
    programme = PROGRAMMES[batch["program_type"]]
    return changes.of_plan(db, programme.record, planned_of(batch["id"], programme), wanted)


def planned_of(batch_id: UUID, programme: Programme) -> Planned:
    """The plan of a dry run."""
    return Planned(batch_id, target_of(programme.record), programme.program_type)


def _imported(db: Connection, batch: dict[str, Any], wanted: RowsAfter) -> list[dict[str, Any]]:
    if wanted.outcome not in (None, Outcome.INSERTED, Outcome.UPDATED):
        return []
    return changes.of_import(db, PROGRAMMES[batch["program_type"]].record, batch["id"], wanted)


def _left_out(db: Connection, batch: dict[str, Any], wanted: RowsAfter, hidden: frozenset[str]) -> list[dict[str, Any]]:
    """The rows that a commit left out, with what was planned of them as long as the plan is kept."""
    numbers = changes.left_out(db, batch["id"], wanted.limit, wanted.after)
    programme, dry_run = PROGRAMMES[batch["program_type"]], batch["planned_by_batch_id"]
    planned: dict[int, dict[str, Any]] = {}
    if numbers and plans.exists(db, dry_run):
        found = changes.of_plan_by_number(db, programme.record, planned_of(dry_run, programme), numbers)
        planned = {row["row_number"]: of_record(row, programme, hidden) for row in found}
    unknown: dict[str, Any] = {"line": None, "external_session_id": None, "session_id": None, "fields": []}
    return [{**planned.get(number, unknown), "row_number": number, "outcome": Outcome.LEFT_OUT} for number in numbers]


def _rejected(batch: dict[str, Any], wanted: RowsAfter) -> list[dict[str, Any]]:
    """The rejected rows. Once they are deleted, a request for these alone is a problem. Raises Problem."""
    try:
        return [of_reject(reject) for reject in islice(_rejects(batch["id"], wanted.after), wanted.limit)]
    except s3.NoSuchFile:
        if wanted.outcome is None:
            return []
        raise Problem(ProblemCode.ERROR_FILE_EXPIRED, "The rejected rows have been deleted.") from None


def _rejects(batch_id: UUID, after: int) -> Iterator[Any]:
    file = s3.blocks(settings().work_bucket, object_keys.reject_values(batch_id), None)
    return read_rejects(file, range(after + 1, 2**31))
