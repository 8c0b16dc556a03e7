"""What a batch changes, row by row, and the button that imports what a dry run planned."""

from datetime import datetime
from typing import Any, Final, NamedTuple

from aws_lambda_powertools.event_handler import Response

from api import commits
from api.caller import caller
from api.change_routes import changes_after
from api.change_schemas import Outcome, RowChange
from api.commits import PlanStale, Wanted
from api.cursors import BY_ROW
from api.problems import Problem, ProblemCode
from api.route_rights import Right, needs
from api.routing import database, get_batch, new_router
from dashboard.batch_pages import BatchId, id_of, is_roster
from dashboard.page_parameters import query_of
from dashboard.rendering import page, redirect_to
from ingestion.database.queries.changes import RowsAfter
from ingestion.records import PROGRAMMES, Field, Programme
from ingestion.records.record_type import Type

router = new_router()

ROWS: Final = 50


class ShownChange(NamedTuple):
    """A field that a row changes, with its values as the page formats them."""

    field: Field
    before: Any
    after: Any


@router.get("/batches/<batchId>/changes", include_in_schema=False, compress=True)
def changes(batch_id: BatchId) -> Response[str]:
    """A page of rows, of one outcome if the address names one."""
    event = router.current_event.raw_event
    db = database()
    found = get_batch(db, id_of(batch_id))
    cursor, outcome = query_of(event, "cursor"), _outcome(query_of(event, "outcome"))
    (after,) = BY_ROW.after(cursor) or (0,)
    rows = changes_after(db, found, RowsAfter(ROWS + 1, after, outcome), event)
    shown = BY_ROW.page(rows, ROWS, RowChange.of)
    programme = PROGRAMMES[found["program_type"]]
    return page(
        event,
        "changes.html",
        batch=found,
        is_roster=is_roster(found),
        outcome=outcome,
        counts=_counts(found),
        rows=[(row, [_shown(change, programme) for change in row.fields]) for row in shown.items],
        next_cursor=shown.next_cursor,
        is_first=cursor is None,
    )


def _outcome(text: str | None) -> str | None:
    if text is None or text in [outcome.value for outcome in Outcome]:
        return text
    raise Problem(ProblemCode.INVALID_REQUEST, f"{text} is no outcome of a row.")


def _counts(batch: dict[str, Any]) -> dict[str, int]:
    """How many rows a batch has of each outcome that is listed."""
    counts = {
        Outcome.INSERTED.value: batch["inserted_rows"],
        Outcome.UPDATED.value: batch["updated_rows"],
        Outcome.UNCHANGED.value: batch["unchanged_rows"] if batch["dry_run"] else 0,
        Outcome.REJECTED.value: batch["error_rows"],
        Outcome.LEFT_OUT.value: batch["unpublished_rows"] if batch["planned_by_batch_id"] else 0,
    }
    return {outcome: count for outcome, count in counts.items() if count}


def _shown(change: Any, programme: Programme) -> ShownChange:
    fills = {column.name: column.fills for column in programme.columns}.get(change.field)
    field = programme.record.staged_as(fills) if fills else programme.record.field(change.field)
    before, after = (_value(field, value) for value in (change.before, change.after))
    return ShownChange(field, before, after)


def _value(field: Field, value: Any) -> Any:
    return datetime.fromisoformat(value) if field.type is Type.MOMENT and value is not None else value


@router.post("/batches/<batchId>/commit", include_in_schema=False, compress=True, security=needs(Right.IMPORTS_WRITE))
def commit(batch_id: BatchId) -> Response[str]:
    """To the batch that imports the rows; if some have changed since, a page says which, and offers the others."""
    event = router.current_event.raw_event
    found = id_of(batch_id)
    wanted = Wanted(found, query_of(event, "plan") or "", query_of(event, "changed") == "skip")
    try:
        committed = commits.commit(database(), wanted, caller(event))
    except PlanStale as stale:
        batch = get_batch(database(), found)
        return page(event, "stale.html", int(stale.status), batch=batch, stale=stale.shape)
    return redirect_to(f"/batches/{committed.batch_id}")
