"""The pages to undo an import: what it would do, a reason, and how far it has come."""

from typing import Any, Final

from aws_lambda_powertools.event_handler import Response

from api import undo_operations
from api.caller import caller
from api.problems import Problem, ProblemCode
from api.route_rights import Right, needs
from api.routing import database, get_batch, new_router
from api.undo_operations import MOST_ROWS
from api.undo_routes import LONGEST_REASON, rows_of
from dashboard.batch_pages import BatchId, id_of, is_roster
from dashboard.page_parameters import form_of
from dashboard.rendering import page, redirect_to
from ingestion.batch import FailureCode
from ingestion.database.connection import Connection
from ingestion.database.queries import instance_overview
from ingestion.database.tables import undos
from ingestion.database.tables.undos import Request, UndoState
from ingestion.uploads.upload_options import is_reason

router = new_router()

KEPT_LISTED: Final = 50


@router.get("/batches/<batchId>/undo", include_in_schema=False, compress=True, security=needs(Right.IMPORTS_WRITE))
def ask_before_undoing(batch_id: BatchId) -> Response[str]:
    """What an undo would do, and the form that asks for it; a batch that can't be undone is shown instead."""
    return _asking("undo.html", batch_id)


@router.get("/batches/<batchId>/undo/plan", include_in_schema=False, compress=True, security=needs(Right.IMPORTS_WRITE))
def plan_alone(batch_id: BatchId) -> Response[str]:
    """The part that the page polls while the plan of a large undo is made."""
    return _asking("_undo.html", batch_id)


@router.post("/batches/<batchId>/undo/plan", include_in_schema=False, security=needs(Right.IMPORTS_WRITE))
def plan(batch_id: BatchId) -> Response[str]:
    """Have the undo of a large import planned."""
    found = id_of(batch_id)
    undo_operations.plan_undo(database(), found, Request(actor=caller(router.current_event.raw_event)))
    return redirect_to(f"/batches/{found}/undo")


@router.post("/batches/<batchId>/undo", include_in_schema=False, security=needs(Right.IMPORTS_WRITE))
def undo(batch_id: BatchId) -> Response[str]:
    """Back to the batch, whose page shows how far it has come."""
    event = router.current_event.raw_event
    found, form = id_of(batch_id), form_of(event)
    reason = form.get("reason", "").strip()
    if not is_reason(reason) or len(reason) > LONGEST_REASON:
        raise Problem(
            ProblemCode.INVALID_REQUEST, f"Write why the import is undone, in at most {LONGEST_REASON} characters."
        )
    request = Request(actor=caller(event), plan_hash=form.get("planHash"), reason=reason)
    try:
        undo_operations.request_undo(database(), found, request)
    except Problem as problem:
        if problem.shape.code != FailureCode.PLAN_STALE:
            raise
        return _asking("undo.html", batch_id, reason=reason, status=int(problem.status))
    return redirect_to(f"/batches/{found}")


def _asking(template: str, batch_id: str, *, reason: str = "", status: int = 200) -> Response[str]:
    """The plan as it is now; with the *reason* of somebody who was shown another one, a note says so."""
    event, db = router.current_event.raw_event, database()
    batch = get_batch(db, id_of(batch_id))
    if not undo_operations.is_undoable(batch):
        return redirect_to(f"/batches/{batch['id']}")
    values = {"batch": batch, "is_roster": is_roster(batch), "most": LONGEST_REASON, "reason": reason}
    return page(event, template, status, **values, **_plan(db, batch))


def _plan(db: Connection, batch: dict[str, Any]) -> dict[str, Any]:
    """What would be removed, restored and kept; of a large import, what the workflow found."""
    if batch["success_rows"] <= MOST_ROWS:
        shown = undo_operations.plan_undo(db, batch["id"], Request(actor=caller(router.current_event.raw_event)))
        assert shown is not None
        found = shown.plan
        counts = {"removes": found.removes.count, "restores": found.restores.count, "keeps": found.keeps.count}
        plan, kept = {**counts, "hash": found.hash}, shown.kept[:KEPT_LISTED]
        return {"plan": plan, "is_planning": False, **_listed(db, batch, kept)}
    newest = undos.find_newest(db, batch["id"])
    if newest is None or newest.state is not UndoState.PLANNED:
        return {"plan": None, "is_planning": newest is not None and newest.is_at_work, "kept": [], "later": {}}
    plan = {"removes": newest.removes, "restores": newest.restores, "keeps": newest.keeps, "hash": newest.plan_hash}
    kept = undo_operations.kept_rows(db, batch["id"], KEPT_LISTED, 0)
    return {"plan": plan, "is_planning": False, **_listed(db, batch, kept)}


def _listed(db: Connection, batch: dict[str, Any], kept: list[Any]) -> dict[str, Any]:
    """The kept records, and the files of the imports that build on them."""
    rows = rows_of(kept, batch)
    return {
        "kept": rows,
        "later": instance_overview.files_of_batches(db, list({row["later_batch_id"] for row in rows})),
    }
