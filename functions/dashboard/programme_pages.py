"""Programmes and their instances; for an instance its files, sessions by month and rejected rows over time."""

from collections.abc import Callable
from typing import Annotated, Any, Final
from urllib.parse import unquote

from aws_lambda_powertools.event_handler import Response

from api.cursors import BY_ID
from api.openapi import path_parameter
from api.problems import Problem, ProblemCode
from api.routing import database, new_router
from dashboard.charts import Chart, Column, by_month, months_to_draw
from dashboard.page_parameters import query_of
from dashboard.reader_language import Words, language_of
from dashboard.rendering import address, page
from ingestion.database.queries import instance_overview, lists, timeline
from ingestion.records import PROGRAMMES
from ingestion.uploads.identification import programme_of_alias

router = new_router()

INSTANCES: Final = 30
RECENT_FILES: Final = 10
FILES_SHOWN: Final = 10
MONTHS_LISTED: Final = 240
MAX_COUNTED_SESSIONS: Final = 200_000
"""Counting so many takes the database about 0.1 s; a larger instance is not drawn by month."""

_SUMS: Final = ("batches", "total_rows", "inserted_rows", "updated_rows", "skipped_rows", "error_rows", "open_rows")

Slug = Annotated[str, path_parameter("slug", "Slug of a programme instance")]


@router.get("/programmes", include_in_schema=False, compress=True)
def programmes() -> Response[str]:
    """All instances, or those of one programme."""
    event = router.current_event.raw_event
    named, cursor = query_of(event, "programme"), query_of(event, "cursor")
    program_type = programme_of_alias(named) if named else None
    (before,) = BY_ID.after(cursor) or (None,)
    shown = BY_ID.page(instance_overview.instances(database(), program_type, INSTANCES + 1, before), INSTANCES, dict)
    older = address("/programmes", programme=program_type, cursor=shown.next_cursor) if shown.next_cursor else None
    return page(event, "programmes.html", instances=shown.items, chosen=program_type, older=older)


@router.get("/programmes/<slug>", include_in_schema=False, compress=True)
def instance(slug: Slug) -> Response[str]:
    """Totals over the instance's files; another request counts its sessions afterwards."""
    event = router.current_event.raw_event
    found = _instance(slug)
    months = instance_overview.months_of_batches(database(), found["id"])
    recent = timeline.of_batches(database(), lists.NewestFirst(RECENT_FILES), lists.BatchFilter(slug=found["slug"]))
    words = Words(language_of(event))
    return page(
        event,
        "programme.html",
        instance=found,
        months=months,
        total=_total(months),
        entries=recent,
        chart=_rejected(months, words),
    )


@router.get("/programmes/<slug>/sessions", include_in_schema=False, compress=True)
def sessions(slug: Slug) -> Response[str]:
    """Sessions by month and by file, and whether their number matches what the files added."""
    event = router.current_event.raw_event
    db = database()
    found = _instance(slug)
    record = PROGRAMMES[found["program_type"]].record
    counts = instance_overview.counts_of_sessions(db, record, found["id"], MAX_COUNTED_SESSIONS + 1)
    months = [count for count in counts if count["month"] is not None]
    files = [count for count in counts if count["batch_id"] is not None]
    shown = files[:FILES_SHOWN]
    names = instance_overview.files_of_batches(db, [count["batch_id"] for count in shown])
    counted = sum(month["sessions"] for month in months)
    brought = _total(instance_overview.months_of_batches(db, found["id"]))["inserted_rows"]
    brought += instance_overview.kept_of_undone(db, record, found["id"])
    return page(
        event,
        "_sessions_by_month.html",
        months=months[-MONTHS_LISTED:],
        files=[{**names[count["batch_id"]], "sessions": count["sessions"]} for count in shown],
        other_files=len(files) - len(shown),
        other_sessions=counted - sum(count["sessions"] for count in shown),
        chart=_sessions(months, Words(language_of(event))),
        counted=counted,
        brought=brought,
        too_many=counted > MAX_COUNTED_SESSIONS,
        most_counted=MAX_COUNTED_SESSIONS,
    )


def _instance(slug: str) -> dict[str, Any]:
    name = unquote(slug)
    found = instance_overview.find_instance(database(), name)
    if found is None:
        raise Problem(ProblemCode.NO_SUCH_PROGRAM_INSTANCE, f'There is no programme instance "{name}".')
    return found


def _rejected(months: list[dict[str, Any]], words: Words) -> Chart | None:
    def column(month: dict[str, Any]) -> Column | None:
        errors, rows = month["error_rows"], month["total_rows"]
        if not rows:
            return None
        share = words.percent(errors, rows)
        said = words.t("chart.rejected_of", share=share, errors=words.number(errors), rows=words.n("rows", rows))
        return Column(errors / rows, share, f"{words.month(month['month'])}: {said}")

    return _chart(months, column, words, lambda share: words.percent(share, 1), least=0.01)


def _sessions(months: list[dict[str, Any]], words: Words) -> Chart | None:
    def column(month: dict[str, Any]) -> Column:
        said = words.n("sessions", month["sessions"])
        return Column(month["sessions"], words.number(month["sessions"]), f"{words.month(month['month'])}: {said}")

    return _chart(months, column, words, words.number, least=1)


def _chart(
    months: list[dict[str, Any]],
    column: Callable[[dict[str, Any]], Column | None],
    words: Words,
    write: Callable[[float], str],
    least: float,
) -> Chart | None:
    """The chart; None if there is no month at all."""
    if not months:
        return None
    found = {month["month"]: column(month) for month in months}
    days = months_to_draw(months[0]["month"], months[-1]["month"])
    return by_month([(day, found.get(day)) for day in days], words.months, write, least)


def _total(months: list[dict[str, Any]]) -> dict[str, int]:
    return {name: sum(month[name] or 0 for month in months) for name in _SUMS}
