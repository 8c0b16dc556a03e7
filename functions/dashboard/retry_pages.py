"""Retry and corrections on pages: the buttons that try rejected rows again, and a form for the cells of one row."""

from typing import Annotated, Any, Final
from uuid import UUID

from aws_lambda_powertools.event_handler import Response

from api import corrections, rejected_rows, retries
from api.caller import caller
from api.correction_routes import correctable
from api.cursors import BY_ROW
from api.explanation_schemas import RowFault
from api.gateway_events import read_json
from api.openapi import path_parameter
from api.problems import Problem, ProblemCode
from api.route_rights import Right, needs
from api.routing import database, get_batch, new_router
from dashboard.batch_pages import BatchId, id_of
from dashboard.page_parameters import query_of
from dashboard.rendering import address, page, redirect_to
from ingestion.database.queries import retryable
from ingestion.database.tables import audit, batches
from ingestion.values.dates import NOTHING_DECLARED

router = new_router()

ROWS: Final = 25

RowNumber = Annotated[int, path_parameter("rowNumber", "Number of a row")]


@router.post("/batches/<batchId>/retry", include_in_schema=False, security=needs(Right.IMPORTS_WRITE))
def retry(batch_id: BatchId) -> Response[str]:
    """Show the child batch, or the batch itself if nobody left anything to retry."""
    found = id_of(batch_id)
    return redirect_to(f"/batches/{_retried(found) or found}")


@router.post("/retry", include_in_schema=False, security=needs(Right.IMPORTS_WRITE))
def retry_all() -> Response[str]:
    """Retry every batch with rows that would pass, and show the list of imports."""
    for batch in retryable.batches_to_retry(database()):
        _retried(batch["batch_id"])
    return redirect_to("/")


def _retried(batch_id: UUID) -> UUID | None:
    try:
        return retries.retry(database(), batch_id, NOTHING_DECLARED, caller(router.current_event.raw_event))
    except Problem as problem:
        if problem.shape.code != ProblemCode.NOTHING_TO_RETRY:
            raise
        return None


@router.get("/batches/<batchId>/rejects", include_in_schema=False, compress=True, security=needs(Right.ERRORS_READ))
def rejects(batch_id: BatchId) -> Response[str]:
    """The rejected rows, a page at a time; each page is recorded in the audit trail."""
    event = router.current_event.raw_event
    db = database()
    found = get_batch(db, id_of(batch_id))
    (after,) = BY_ROW.after(query_of(event, "cursor")) or (0,)
    some = rejected_rows.page_of(db, batches.get(db, found["id"]), found, ROWS + 1, after)
    shown = BY_ROW.page(some, ROWS, dict)
    _note_shown(found["id"], len(shown.items))
    more = address(f"/batches/{found['id']}/rejects", cursor=shown.next_cursor) if shown.next_cursor else None
    return page(event, "rejects.html", batch=found, rows=shown.items, more=more)


@router.get(
    "/batches/<batchId>/rejects/<rowNumber>", include_in_schema=False, compress=True, security=needs(Right.ERRORS_READ)
)
def reject(batch_id: BatchId, row_number: RowNumber) -> Response[str]:
    """The cells of a rejected row, in a form for whoever may import."""
    event = router.current_event.raw_event
    db = database()
    found = get_batch(db, id_of(batch_id))
    row = _row(found, row_number)
    _note_shown(found["id"], 1)
    return page(event, "reject.html", batch=found, row=row, cells=list(row["cells"].items()))


@router.post(
    "/batches/<batchId>/rejects/<rowNumber>",
    include_in_schema=False,
    compress=True,
    security=needs(Right.IMPORTS_WRITE, Right.ERRORS_READ),
)
def correct(batch_id: BatchId, row_number: RowNumber) -> Response[str]:
    """Import the row with the cells of the form; the form again if something would still be wrong with it."""
    event = router.current_event.raw_event
    db = database()
    batch = correctable(db, id_of(batch_id))
    found = get_batch(db, batch.id)
    given = read_json(event.get("body") or "{}")
    row = _row(found, row_number)
    cells = {
        header: str(given.get(f"cell{at}", text)).replace("\r\n", "\n")
        for at, (header, text) in enumerate(row["cells"].items())
    }
    changed = {header: text for header, text in cells.items() if text != row["cells"][header].replace("\r\n", "\n")}
    mended = corrections.corrected(db, batch, {row_number: changed})
    faults = corrections.judge(db, mended)[row_number]
    if faults:
        row = {**row, "faults": [RowFault.of(fault) for fault in faults]}
        return page(event, "_reject.html", batch=found, row=row, cells=list(cells.items()))
    child = corrections.import_rows(db, mended, caller(event))
    answer = page(event, "_reject.html", batch=found, row=row, cells=list(cells.items()))
    answer.headers["HX-Redirect"] = f"/batches/{child}"
    return answer


def _row(found: dict[str, Any], number: int) -> dict[str, Any]:
    db = database()
    some = rejected_rows.page_of(db, batches.get(db, found["id"]), found, 1, number - 1)
    if not some or some[0]["row_number"] != number:
        raise Problem(ProblemCode.NO_SUCH_ROW, f"Row {number:,} is no rejected row of batch {found['id']}.")
    return some[0]


def _note_shown(batch_id: UUID, rows: int) -> None:
    if rows:
        actor = caller(router.current_event.raw_event)
        audit.write(database(), actor=actor, action="rejected_rows_shown", batch_id=batch_id, details={"rows": rows})
