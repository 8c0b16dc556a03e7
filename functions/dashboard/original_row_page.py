"""The row behind a version of a session, as it stands in its file. It may hold other people's personal data, so only
those who may read error files can see it, only on request, and the audit trail records it."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response

from api import original_rows
from api.caller import caller
from api.explanations import ExplainedCell, explain_version
from api.openapi import path_parameter
from api.original_rows import CHARACTERS_OF_MARKUP, get_cells
from api.problems import Problem, ProblemCode
from api.route_rights import Right, needs
from api.routing import database, new_router
from api.session_routes import get_versions
from dashboard.lineage_pages import SessionId
from dashboard.rendering import page
from ingestion.aws.s3 import InColdStorage, NoSuchFile
from ingestion.database.tables import audit
from ingestion.errors import Refused
from ingestion.original_text import TooFar

router = new_router()

Version = Annotated[str, path_parameter("version", "Number of one of its versions")]


@router.get(
    "/sessions/<sessionId>/rows/<version>", include_in_schema=False, compress=True, security=needs(Right.ERRORS_READ)
)
def row(session_id: SessionId, version: Version) -> Response[str]:
    """The row's cells, or why they can't be shown."""
    number = int(version) if version.isascii() and version.isdecimal() and len(version) < 10 else 0
    event = router.current_event.raw_event
    versions = get_versions(event, session_id, 1, number + 1)
    chosen = next((one for one in versions if one["version"] == number), None)
    if chosen is None:
        raise Problem(ProblemCode.NO_SUCH_SESSION, f"Session {session_id} has no version {version}.")
    shown = _cells(chosen)
    if shown["cells"]:
        audit.write(
            database(),
            actor=caller(event),
            action="original_row_shown",
            batch_id=chosen["batch_id"],
            details={"sessionId": str(chosen["id"]), "version": number, "rowNumber": chosen["row_number"]},
        )
    explained = _explained(chosen) if shown["cells"] else []
    return page(event, "_original_row.html", version=chosen, explained=explained, **shown)


def _explained(version: dict[str, Any]) -> list[ExplainedCell]:
    """Where each value comes from; nothing if that would make the page too long."""
    try:
        fields = explain_version(database(), version).fields
    except (Problem, Refused):
        return []
    size = sum(len(field.text or "") + CHARACTERS_OF_MARKUP for field in fields)
    return fields if size <= original_rows.MOST_SHOWN_CHARACTERS // 2 else []


def _cells(version: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"cells": get_cells(database(), version["batch_id"], version["row_number"]), "why": None}
    except NoSuchFile:
        return {"cells": [], "why": "gone"}
    except InColdStorage:
        return {"cells": [], "why": "cold"}
    except TooFar:
        return {"cells": [], "why": "far"}
