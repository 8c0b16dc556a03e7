"""Explanations: for a session or a row of a batch, the cell that each value comes from. Each look is audited."""

from typing import Annotated
from urllib.parse import unquote

from aws_lambda_powertools.event_handler.openapi.params import Query

from api.caller import caller
from api.explanation_schemas import (
    AnyExplanation,
    ExplainedField,
    RowExplanation,
    RowFault,
    SessionExplanation,
    SessionOfRow,
)
from api.explanations import explain_row, explain_version, get_version
from api.openapi import answers, path_parameter
from api.problems import Problem, ProblemCode
from api.route_rights import Right, needs
from api.routing import BatchId, database, get_batch, new_router
from api.row_outcomes import outcome_of
from api.session_routes import SessionId
from api.session_schemas import SourceBatch, SourceFile, SourceRow
from ingestion.database.tables import audit, batches

router = new_router()

MOST_DIGITS = 9

Version = Annotated[int | None, Query(description="An earlier version of the session", ge=1, le=10**MOST_DIGITS)]
RowNumber = Annotated[str, path_parameter("rowNumber", "Number of the row among the file's data rows, from 1")]

UNREADABLE = (ProblemCode.ORIGINAL_GONE, ProblemCode.ORIGINAL_IN_COLD_STORAGE, ProblemCode.TOO_MUCH_TO_READ)


@router.get(
    "/v1/sessions/<sessionId>/explain",
    summary="The cell that each value of a session comes from, and the rule that turned one into the other",
    tags=["Lineage"],
    operation_id="explainSession",
    security=needs(Right.ERRORS_READ),
    responses=answers(SessionExplanation, ProblemCode.NO_SUCH_SESSION, *UNREADABLE),
)
def explain_session(session_id: SessionId, version: Version = None) -> AnyExplanation:
    """The file is read again, as the import read it."""
    db = database()
    chosen = get_version(db, unquote(session_id), version)
    explained = explain_version(db, chosen)
    audit.write(
        db,
        actor=caller(router.current_event.raw_event),
        action="original_row_shown",
        batch_id=chosen["batch_id"],
        details={
            "sessionId": str(chosen["id"]),
            "version": chosen["version"],
            "rowNumber": chosen["row_number"],
        },
    )
    return AnyExplanation.of(chosen, explained)


@router.get(
    "/v1/import/batches/<batchId>/rows/<rowNumber>/explain",
    summary="The outcome of a row of a batch, and how each of its cells was read",
    tags=["Lineage"],
    operation_id="explainRow",
    security=needs(Right.ERRORS_READ),
    responses=answers(RowExplanation, ProblemCode.NO_SUCH_BATCH, ProblemCode.NO_SUCH_ROW, *UNREADABLE),
)
def explain_row_of_batch(batch_id: BatchId, row_number: RowNumber) -> RowExplanation:
    """Of a rejected row, the faults; of an unchanged one, the session that already had its content."""
    db = database()
    batch = get_batch(db, batch_id)
    number = int(row_number) if row_number.isascii() and row_number.isdecimal() else 0
    if not 1 <= number <= batch["total_rows"]:
        raise Problem(ProblemCode.NO_SUCH_ROW, f"Batch {batch_id} has no row {row_number}.")
    explained = explain_row(db, batch_id, number)
    outcome = outcome_of(db, batch, explained)
    audit.write(
        db,
        actor=caller(router.current_event.raw_event),
        action="original_row_shown",
        batch_id=batch_id,
        details={"rowNumber": number},
    )
    raw, source = explained.original.raw, batches.get(db, batch_id)
    return RowExplanation(
        batch=SourceBatch(batch_id=batch_id, status=batch["status"], created_at=batch["created_at"]),
        row=SourceRow(number=raw.number, line=raw.line),
        file=SourceFile(
            name=batch["file_name"], key=source.key, version_id=source.version_id, sha256=batch["file_hash"]
        ),
        outcome=outcome.outcome,
        faults=list(map(RowFault.of, outcome.faults)),
        session=SessionOfRow(id=str(outcome.session[0]), version=outcome.session[1]) if outcome.session else None,
        fields=[ExplainedField.of(field, raw) for field in explained.fields],
        cells=None if explained.original.is_whole else raw.cells,
    )
