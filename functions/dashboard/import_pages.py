"""The timeline of uploads and their batches, and the page of an upload that has no batch, or not yet."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, Final
from uuid import UUID

from aws_lambda_powertools.event_handler import Response

from api.cursors import NEWEST_FIRST
from api.openapi import path_parameter
from api.problems import Problem, ProblemCode
from api.routing import database, new_router
from api.schemas import Page
from dashboard.page_parameters import query_of, uuid_of
from dashboard.rendering import address, page, redirect_to
from ingestion.database.queries import lists, timeline
from ingestion.uploads.identification import programme_of_alias

router = new_router()

ENTRIES: Final = 50
OF_UPLOADS: Final = ("waiting", "refused")
OF_BATCHES: Final = ("pending", "running", "completed", "failed", "archived", "undoing", "undone")
# An upload link is valid for minutes; a file that has not arrived by then will not come.
MAY_ARRIVE: Final = timedelta(minutes=20)

UploadId = Annotated[str, path_parameter("uploadId", "Id of an upload")]


@router.get("/", include_in_schema=False, compress=True)
def imports() -> Response[str]:
    """The whole page."""
    event = router.current_event.raw_event
    return page(event, "imports.html", **_timeline(event))


@router.get("/imports/list", include_in_schema=False, compress=True)
def imports_list() -> Response[str]:
    """The list alone, which the page polls while something on it is running."""
    event = router.current_event.raw_event
    return page(event, "_timeline.html", **_timeline(event))


def _timeline(event: dict[str, Any]) -> dict[str, Any]:
    show, named, slug, until = (query_of(event, name) for name in ("show", "programme", "instance", "until"))
    show = show if show in (*OF_UPLOADS, *OF_BATCHES) else None
    program_type = programme_of_alias(named) if named else None
    day = _day_of(until)
    cursor = query_of(event, "cursor")
    at, entry_id = NEWEST_FIRST.after(cursor) or _after(day)
    window = lists.NewestFirst(ENTRIES + 1, at, entry_id)
    if show in OF_UPLOADS or not (show or program_type or slug):
        found = timeline.of_uploads(database(), window, show)
    else:
        found = timeline.of_batches(database(), window, lists.BatchFilter(show, program_type, slug))
    entries: Page[dict[str, Any]] = NEWEST_FIRST.page(found, ENTRIES, dict)
    query = {"show": show, "programme": program_type, "instance": slug, "until": day.isoformat() if day else None}
    return {
        "entries": entries.items,
        "at_work": sum(_is_at_work(entry) for entry in entries.items),
        "filter": query,
        "is_filtered": any(query.values()),
        "states": (*OF_BATCHES, *OF_UPLOADS),
        "ignores_programme": show in OF_UPLOADS and bool(program_type or slug),
        "is_first": cursor is None,
        "newest": address("/", **query),
        "older": address("/", **query, cursor=entries.next_cursor) if entries.next_cursor else None,
        "again": address("/imports/list", **query, cursor=cursor),
    }


def _day_of(text: str | None) -> date | None:
    """The day from the form; anything that is not a day is ignored, like an unknown state."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None


def _after(day: date | None) -> tuple[datetime | None, UUID | None]:
    """Where a list starts whose newest entries are from this day, in UTC."""
    if day is None or day == date.max:
        return None, None
    return datetime.combine(day + timedelta(days=1), time(tzinfo=UTC)), UUID(int=0)


def _is_at_work(entry: dict[str, Any]) -> bool:
    if entry["batch_id"] is None:
        return bool(entry["state"] == "waiting" and datetime.now(UTC) - entry["created_at"] < MAY_ARRIVE)
    return entry["status"] in ("pending", "running", "undoing")


@router.get("/uploads/<uploadId>", include_in_schema=False, compress=True)
def upload(upload_id: UploadId) -> Response[str]:
    """The state of a file that has no batch yet; once it has one, redirects to the batch."""
    event = router.current_event.raw_event
    entry = _upload(upload_id)
    if entry["batch_id"] is not None:
        return redirect_to(f"/batches/{entry['batch_id']}")
    return page(event, "upload.html", entry=entry, may_arrive=_is_at_work(entry))


@router.get("/uploads/<uploadId>/outcome", include_in_schema=False, compress=True)
def outcome(upload_id: UploadId) -> Response[str]:
    """The part that the waiting page polls; it takes the reader on to the batch by itself."""
    entry = _upload(upload_id)
    answer = page(router.current_event.raw_event, "_upload_outcome.html", entry=entry, may_arrive=_is_at_work(entry))
    if entry["batch_id"] is not None:
        answer.headers["HX-Redirect"] = f"/batches/{entry['batch_id']}"
    return answer


def _upload(upload_id: str) -> dict[str, Any]:
    found = timeline.find(database(), uuid_of(upload_id, ProblemCode.NO_SUCH_UPLOAD, "upload"))
    if found is None:
        raise Problem(ProblemCode.NO_SUCH_UPLOAD, f"There is no upload {upload_id}.")
    return found
