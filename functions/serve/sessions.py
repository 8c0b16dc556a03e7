"""Sessions: those that a batch inserted or updated, and where one came from."""

from typing import Annotated, Any
from urllib.parse import unquote

from ingestion.db import Connection
from ingestion.naming import programme_of_alias
from ingestion.tables import lineage
from serve.documents import answers, path_parameter
from serve.pages import BY_ROW, DEFAULT_LIMIT, Cursor, Limit
from serve.problems import Problem, ProblemCode
from serve.rights import Right, needs
from serve.routing import BatchId, database, must_exist, new_router
from serve.session_shapes import BatchSession, SessionLineage
from serve.shapes import Page

router = new_router()

SessionId = Annotated[
    str, path_parameter("sessionId", "Our id, or `programType:externalId`, URL-encoded; the programme also by an alias")
]
MAX_ID = 2**63 - 1


@router.get(
    "/v1/import/batches/<batchId>/sessions",
    summary="The sessions that a batch inserted or updated, in the order of its rows",
    tags=["Imports"],
    operation_id="listSessionsOfBatch",
    security=needs(Right.IMPORTS_READ),
    responses=answers(Page[BatchSession], ProblemCode.NO_SUCH_BATCH, ProblemCode.INVALID_CURSOR),
)
def sessions_of_batch(batch_id: BatchId, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> Page[BatchSession]:
    """One entry for each of its rows that inserted or updated; a roster has none."""
    db = database()
    (after,) = BY_ROW.after(cursor) or (None,)
    must_exist(db, batch_id)
    return BY_ROW.page(lineage.sessions_of_batch(db, batch_id, limit + 1, after), limit, BatchSession.of)


@router.get(
    "/v1/sessions/<sessionId>/lineage",
    summary="Which row of which file a session came from",
    tags=["Lineage"],
    operation_id="getSessionLineage",
    security=needs(Right.IMPORTS_READ),
    responses=answers(SessionLineage, ProblemCode.NO_SUCH_SESSION),
)
def session_lineage(session_id: SessionId) -> SessionLineage:
    """And what it was before later files updated it."""
    return SessionLineage.of(get_versions(database(), unquote(session_id)))


def get_versions(db: Connection, asked_for: str) -> list[dict[str, Any]]:
    """All versions of the session that is asked for by our id or by programme and id, newest first. Raises Problem."""
    found = _find(db, asked_for)
    versions = lineage.versions_of_session(db, found) if found is not None else []
    if not versions:
        raise Problem(
            ProblemCode.NO_SUCH_SESSION,
            f'There is no session "{asked_for}"; give our id, or programType:externalId such as mentors_ukraine:MS-1.',
        )
    return versions


def _find(db: Connection, session_id: str) -> int | None:
    if session_id.isascii() and session_id.isdecimal():
        return int(session_id) if len(session_id) < 20 and int(session_id) <= MAX_ID else None
    programme, _, external_id = session_id.partition(":")
    program_type = programme_of_alias(programme)
    return lineage.find_session(db, program_type, external_id) if program_type else None
