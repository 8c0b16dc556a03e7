"""A batch's pages: its stages while it runs, its result afterwards, and its sessions, a page at a time."""

from typing import Annotated, Any, Final
from uuid import UUID

from aws_lambda_powertools.event_handler import Response

from api.confidential_fields import without_confidential
from api.cursors import BY_ROW
from api.openapi import path_parameter
from api.problems import ProblemCode
from api.routing import database, get_batch, new_router
from api.session_schemas import BatchRecord
from api.stage_progress import stages_of
from api.undo_operations import is_undoable
from dashboard.page_parameters import query_of, uuid_of
from dashboard.rendering import page
from ingestion.batch import Failure
from ingestion.database.queries import batch_record, earlier_files, lineage, lists, progress, retryable
from ingestion.database.tables import undos
from ingestion.records import PROGRAMMES, Kind

router = new_router()

SESSIONS: Final = 50
AUDIT_ENTRIES: Final = 100
EARLIER_FILES: Final = 5

NOTED: Final = (
    "delimiter",
    "encoding",
    "encodingChosenBy",
    "sheet",
    "headers",
    "unknownHeaders",
    "nearestNames",
    "dateOrder",
    "timeZone",
    "detectedSchemaVersion",
    "hasHeaderRow",
    "ratingScale",
    "ratingScaleAssumed",
    "programChosenBy",
    "programInstanceChosenBy",
    "warnings",
)
"""The keys of csvMetadata that the page shows."""

BatchId = Annotated[str, path_parameter("batchId", "Id of a batch")]


@router.get("/batches/<batchId>", include_in_schema=False, compress=True)
def batch(batch_id: BatchId) -> Response[str]:
    """The whole page."""
    return page(router.current_event.raw_event, "batch.html", **_batch(id_of(batch_id)))


@router.get("/batches/<batchId>/live", include_in_schema=False, compress=True)
def live(batch_id: BatchId) -> Response[str]:
    """Everything below the heading, which the page polls until the batch has ended."""
    return page(router.current_event.raw_event, "_batch.html", **_batch(id_of(batch_id)))


def id_of(batch_id: str) -> UUID:
    """The id in a path. Raises Problem."""
    return uuid_of(batch_id, ProblemCode.NO_SUCH_BATCH, "batch")


def is_roster(batch: dict[str, Any]) -> bool:
    """Whether its rows are people."""
    programme = PROGRAMMES.get(batch["program_type"])
    return programme is not None and programme.kind is Kind.PEOPLE


def _batch(batch_id: UUID) -> dict[str, Any]:
    db = database()
    found = get_batch(db, batch_id)
    is_running = found["status"] in ("pending", "running")
    undo = undos.find_newest_carried_out(db, batch_id)
    reason = found["failure_reason"]
    relatives = batch_record.relatives(db, batch_id)
    is_roster_done = is_roster(found) and found["status"] == "completed" and not found["dry_run"]
    return {
        "batch": found,
        "passing_rows": len(retryable.rows_that_pass(db, batch_id)) if found["retryable_rows"] else 0,
        "to_retry": retryable.batches_to_retry(db) if is_roster_done else [],
        "is_running": is_running,
        "is_live": is_running or found["status"] == "undoing",
        "undo": undo,
        "is_undoable": is_undoable(found),
        "failure_sentence": Failure.sentence_of(reason, found["failure_code"]) if reason else None,
        "is_roster": is_roster(found),
        "stages": stages_of(found, progress.of_batch(db, batch_id)) if is_running else [],
        "overlaps": [] if is_running else earlier_files.overlaps(db, batch_id, EARLIER_FILES),
        "record": PROGRAMMES[found["program_type"]].record,
        "audit": lists.audit_trail(db, batch_id, AUDIT_ENTRIES, None),
        "parent": next((other for other in relatives if not other["is_child"]), None),
        "children": [other for other in relatives if other["is_child"]],
        # What intake did not record about a file is not shown.
        "file": {**dict.fromkeys(NOTED), **found["csv_metadata"], "rating_scale": found["rating_scale"]},
        "took": found["completed_at"] - found["started_at"] if found["completed_at"] and found["started_at"] else None,
    }


@router.get("/batches/<batchId>/sessions", include_in_schema=False, compress=True)
def sessions(batch_id: BatchId) -> Response[str]:
    """The sessions that its rows inserted or updated, in the order of the rows."""
    event = router.current_event.raw_event
    db = database()
    found = get_batch(db, id_of(batch_id))
    cursor = query_of(event, "cursor")
    (after,) = BY_ROW.after(cursor) or (None,)
    record = PROGRAMMES[found["program_type"]].record
    rows = lineage.records_of_batch(db, record, found["id"], SESSIONS + 1, after)
    shown = BY_ROW.page(without_confidential(rows, record, event), SESSIONS, BatchRecord.of)
    return page(
        event,
        "sessions.html",
        batch=found,
        is_roster=is_roster(found),
        record=record,
        sessions=shown.items,
        next_cursor=shown.next_cursor,
        is_first=cursor is None,
    )
