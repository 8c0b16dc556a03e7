"""Lineage: a batch's graph, a session with all its versions, and a form that finds either by its id."""

from typing import Annotated, Any, Final
from urllib.parse import quote
from uuid import UUID

from aws_lambda_powertools.event_handler import Response

from api.cursors import BY_VERSION
from api.lineage_graph import lineage_of_batch
from api.openapi import path_parameter
from api.problems import Problem
from api.routing import database, get_batch, new_router
from api.schemas import Page
from api.session_routes import get_versions
from dashboard.batch_pages import BatchId, id_of, is_roster
from dashboard.lineage_drawing import draw
from dashboard.page_parameters import query_of
from dashboard.rendering import page, redirect_to
from ingestion.records import PROGRAMMES, Field, RecordType

router = new_router()

VERSIONS: Final = 20
"""How many earlier versions are shown side by side."""

SessionId = Annotated[str, path_parameter("sessionId", "Our id of a session")]


@router.get("/lineage", include_in_schema=False, compress=True)
def find() -> Response[str]:
    """Find the page for the id of a batch, our id of a session, or `programme:id`."""
    event = router.current_event.raw_event
    asked_for = query_of(event, "id")
    if asked_for is None:
        return page(event, "lineage.html", asked_for="", is_unknown=False)
    try:
        return redirect_to(f"/batches/{get_batch(database(), UUID(asked_for))['id']}/lineage")
    except (ValueError, Problem):
        pass
    try:
        versions = get_versions(event, asked_for, 0)
    except Problem:
        return page(event, "lineage.html", 404, asked_for=asked_for, is_unknown=True)
    return redirect_to(f"/sessions/{quote(str(versions[0]['id']))}")


@router.get("/batches/<batchId>/lineage", include_in_schema=False, compress=True)
def of_batch(batch_id: BatchId) -> Response[str]:
    """The graph as a picture and as a list."""
    event = router.current_event.raw_event
    found = get_batch(database(), id_of(batch_id))
    graph = lineage_of_batch(found["id"])
    return page(event, "batch_lineage.html", batch=found, is_roster=is_roster(found), graph=graph, drawing=draw(graph))


@router.get("/sessions/<sessionId>", include_in_schema=False, compress=True)
def session(session_id: SessionId) -> Response[str]:
    """The row that a session came from, and its versions side by side."""
    event = router.current_event.raw_event
    cursor = query_of(event, "cursor")
    (before,) = BY_VERSION.after(cursor) or (None,)
    now, *earlier = get_versions(event, session_id, VERSIONS + 1, before)
    shown: Page[dict[str, Any]] = BY_VERSION.page(earlier, VERSIONS, dict)
    record = PROGRAMMES[now["program_type"]].record
    versions = [now, *shown.items] if cursor is None else shown.items
    following = earlier[len(shown.items) :]
    return page(
        event,
        "session.html",
        session=now,
        record=record,
        versions=versions,
        fields=_compared(record, versions, following[0] if following else None),
        next_cursor=shown.next_cursor,
        is_first=cursor is None,
    )


def _compared(
    record: RecordType, versions: list[dict[str, Any]], before_all: dict[str, Any] | None
) -> list[tuple[Field | None, list[tuple[Any, bool]]]]:
    """Each field that any version fills, with its value in each version and whether it differs from the version before.

    *before_all* is the version before the oldest of them. The programme instance has None as its field.
    """
    names = {"program_instance": None, **{field.name: field for field in record.stored}}
    befores = [*versions[1:], before_all]
    return [
        (
            field,
            [
                (now[name], before is not None and now[name] != before[name])
                for now, before in zip(versions, befores, strict=True)
            ],
        )
        for name, field in names.items()
        if any(version[name] is not None for version in versions)
    ]
