"""Programmes: their instances, and what one of these has come to: files, sessions by month, rejected rows over time."""

from datetime import date
from typing import Annotated, Any, Final
from urllib.parse import unquote

from aws_lambda_powertools.event_handler import Response

from ingestion.naming import programme_of_alias
from ingestion.tables import listing, overview, timeline
from serve.dashboard.asking import query_of
from serve.dashboard.drawing import Bar, bars, every_month
from serve.dashboard.rendering import address, page
from serve.dashboard.wording import Words, language_of
from serve.documents import path_parameter
from serve.pages import BY_ID
from serve.problems import Problem, ProblemCode
from serve.routing import database, new_router

router = new_router()

INSTANCES: Final = 30
RECENT_FILES: Final = 10
MONTHS_DRAWN: Final = 36
MAX_COUNTED_SESSIONS: Final = 200_000
"""About 0.1 s of the database's time; an instance of more is not drawn by month."""

_SUMS: Final = ("batches", "total_rows", "inserted_rows", "updated_rows", "skipped_rows", "error_rows")

Slug = Annotated[str, path_parameter("slug", "Slug of a programme instance")]


@router.get("/programmes", include_in_schema=False, compress=True)
def programmes() -> Response[str]:
    """All instances, or those of one programme."""
    event = router.current_event.raw_event
    named, cursor = query_of(event, "programme"), query_of(event, "cursor")
    program_type = programme_of_alias(named) if named else None
    (before,) = BY_ID.after(cursor) or (None,)
    shown = BY_ID.page(overview.instances(database(), program_type, INSTANCES + 1, before), INSTANCES, dict)
    older = address("/programmes", programme=program_type, cursor=shown.next_cursor) if shown.next_cursor else None
    return page(event, "programmes.html", instances=shown.items, chosen=program_type, older=older)


@router.get("/programmes/<slug>", include_in_schema=False, compress=True)
def instance(slug: Slug) -> Response[str]:
    """Totals over its files; its sessions are counted afterwards, by a request of their own."""
    event = router.current_event.raw_event
    found = _instance(slug)
    months = overview.months_of_batches(database(), found["id"])
    recent = timeline.of_batches(database(), listing.NewestFirst(RECENT_FILES), listing.BatchFilter(slug=found["slug"]))
    words = Words(language_of(event))
    return page(
        event,
        "programme.html",
        instance=found,
        months=months,
        total=_total(months),
        entries=recent,
        rejected_bars=_rejected(months, words),
    )


@router.get("/programmes/<slug>/sessions", include_in_schema=False, compress=True)
def sessions(slug: Slug) -> Response[str]:
    """Sessions by month, and whether they are as many as the files brought."""
    event = router.current_event.raw_event
    found = _instance(slug)
    months = overview.months_of_sessions(database(), found["id"], MAX_COUNTED_SESSIONS + 1)
    counted = sum(month["sessions"] for month in months)
    brought = _total(overview.months_of_batches(database(), found["id"]))["inserted_rows"]
    return page(
        event,
        "_sessions_by_month.html",
        months=months,
        bars=_sessions(months, Words(language_of(event))),
        counted=counted,
        brought=brought,
        too_many=counted > MAX_COUNTED_SESSIONS,
    )


def _instance(slug: str) -> dict[str, Any]:
    name = unquote(slug)
    found = overview.find_instance(database(), name)
    if found is None:
        raise Problem(ProblemCode.NO_SUCH_PROGRAM_INSTANCE, f'There is no programme instance "{name}".')
    return found


def _rejected(months: list[dict[str, Any]], words: Words) -> list[Bar]:
    columns = []
    for day, month in _drawn(months):
        errors, rows = (month["error_rows"], month["total_rows"]) if month else (0, 0)
        columns.append((words.month(day), words.percent(errors, rows) if rows else "", errors / rows if rows else 0.0))
    return bars(columns, highest=1.0)


def _sessions(months: list[dict[str, Any]], words: Words) -> list[Bar]:
    counts = [(day, month["sessions"] if month else 0) for day, month in _drawn(months)]
    return bars([(words.month(day), words.number(count), count) for day, count in counts])


def _drawn(months: list[dict[str, Any]]) -> list[tuple[date, dict[str, Any] | None]]:
    """The last months, those between in which nothing happened too."""
    if not months:
        return []
    found = {month["month"]: month for month in months}
    days = every_month(months[0]["month"], months[-1]["month"])
    return [(day, found.get(day)) for day in days[-MONTHS_DRAWN:]]


def _total(months: list[dict[str, Any]]) -> dict[str, int]:
    return {name: sum(month[name] or 0 for month in months) for name in _SUMS}
