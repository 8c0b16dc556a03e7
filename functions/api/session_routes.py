"""Sessions: those that a batch inserted or updated, and the lineage of each."""

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import unquote

from pydantic import SerializeAsAny

from api.confidential_fields import without_confidential
from api.cursors import BY_ROW, BY_VERSION, DEFAULT_LIMIT, Cursor, Limit
from api.openapi import answers, path_parameter
from api.problems import Problem, ProblemCode
from api.route_rights import Right, needs
from api.routing import BatchId, database, get_batch, new_router
from api.schemas import Page
from api.session_schemas import BatchRecord, BatchSession, EarlierVersion, Lineage, RecordVersion, SessionLineage
from ingestion.database.connection import Connection
from ingestion.database.queries import lineage
from ingestion.records import PROGRAMMES, RecordType
from ingestion.uploads.identification import programme_of_alias

router = new_router()

SessionId = Annotated[
    str,
    path_parameter(
        "sessionId", "The id in Kintell Ingest, or `programType:externalId`, URL-encoded; the programme may be an alias"
    ),
]
MAX_ID = 2**63 - 1

AnyBatchRecord = SerializeAsAny[BatchRecord]
AnyVersion = SerializeAsAny[RecordVersion]
"""With the fields of the record's own type; the OpenAPI document shows those of sessions."""


@router.get(
    "/v1/import/batches/<batchId>/sessions",
    summary="The sessions that a batch inserted or updated, in the order of its rows",
    tags=["Imports"],
    operation_id="listSessionsOfBatch",
    security=needs(Right.IMPORTS_READ),
    responses=answers(Page[BatchSession], ProblemCode.NO_SUCH_BATCH, ProblemCode.INVALID_CURSOR),
)
def sessions_of_batch(batch_id: BatchId, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> Page[AnyBatchRecord]:
    """One entry for each row that inserted or updated a session; a roster has none."""
    db = database()
    (after,) = BY_ROW.after(cursor) or (None,)
    record = PROGRAMMES[get_batch(db, batch_id)["program_type"]].record
    found = lineage.records_of_batch(db, record, batch_id, limit + 1, after)
    shown = without_confidential(found, record, router.current_event.raw_event)
    return BY_ROW.page(shown, limit, BatchRecord.of)


@router.get(
    "/v1/sessions/<sessionId>/lineage",
    summary="Which row of which file a session came from",
    tags=["Lineage"],
    operation_id="getSessionLineage",
    security=needs(Right.IMPORTS_READ),
    responses=answers(SessionLineage, ProblemCode.NO_SUCH_SESSION, ProblemCode.INVALID_CURSOR),
)
def session_lineage(session_id: SessionId, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> Lineage[AnyVersion]:
    """Includes earlier versions of the session; `nextCursor` is set if there are more of them."""
    (before,) = BY_VERSION.after(cursor) or (None,)
    now, *earlier = get_versions(router.current_event.raw_event, unquote(session_id), limit + 1, before)
    return Lineage[AnyVersion].of(now, BY_VERSION.page(earlier, limit, EarlierVersion[AnyVersion].of))


def get_versions(
    event: Mapping[str, Any], asked_for: str, limit: int, before: int | None = None
) -> list[dict[str, Any]]:
    """The session, found by our id or by programme and id, and at most *limit* of its versions, newest first, with the
    fields that the caller may see.

    Raises Problem.
    """
    db = database()
    found = _find(db, asked_for)
    versions = lineage.versions_of_record(db, *found, limit, before) if found is not None else []
    if found is None or not versions:
        raise Problem(
            ProblemCode.NO_SUCH_SESSION,
            f'There is no session "{asked_for}"; use its id, or programType:externalId such as mentors_ukraine:MS-1.',
        )
    return without_confidential(versions, found[0], event)


def _find(db: Connection, asked_for: str) -> tuple[RecordType, int] | None:
    if asked_for.isascii() and asked_for.isdecimal():
        if len(asked_for) >= 20 or int(asked_for) > MAX_ID:
            return None
        return lineage.record_type_of(db, int(asked_for)), int(asked_for)
    programme, _, key = asked_for.partition(":")
    program_type = programme_of_alias(programme)
    found = lineage.find_record(db, program_type, key) if program_type else None
    return (PROGRAMMES[program_type].record, found) if program_type and found is not None else None
