"""Undoes batches as the API and the state machine do."""

import json
from typing import Any
from uuid import UUID

import finalize.app
import undo.app
from api import undo_operations
from ingestion.database.connection import rows
from ingestion.database.tables.undos import Request
from ingestion.sign_in.actors import LOCAL
from tests.stages.conftest import CONTEXT, Pipeline


def ask(pipeline: Pipeline, batch_id: UUID, plan_hash: str | None = None) -> int:
    """Ask for a batch to be undone, by its plan if no other is given; the number of the undo."""
    if plan_hash is None:
        plan_hash = shown(pipeline, batch_id).plan.hash
    undo_operations.request_undo(
        pipeline.db, batch_id, Request(actor=LOCAL, plan_hash=plan_hash, reason="the wrong file")
    )
    return int(newest(pipeline, batch_id)["number"])


def shown(pipeline: Pipeline, batch_id: UUID) -> undo_operations.ShownPlan:
    """What an undo would do now."""
    found = undo_operations.plan_undo(pipeline.db, batch_id, Request(actor=LOCAL))
    assert found is not None
    return found


def carry_out(batch_id: UUID, number: int, execution: str = "undoing") -> None:
    """Go on with an undo until it is done, or fails as the state machine lets it."""
    task = {"batchId": str(batch_id), "undo": number, "execution": execution}
    try:
        while not undo.app.handler(task, CONTEXT)["isDone"]:
            pass
    except Exception as broke:
        error = {"Error": type(broke).__name__, "Cause": json.dumps({"errorMessage": str(broke)})}
        finalize.app.handler({**task, "error": error}, CONTEXT)


def undone(pipeline: Pipeline, batch_id: UUID) -> dict[str, Any]:
    """Undo a batch; its newest undo."""
    carry_out(batch_id, ask(pipeline, batch_id))
    return newest(pipeline, batch_id)


def newest(pipeline: Pipeline, batch_id: UUID) -> dict[str, Any]:
    """The newest undo of a batch."""
    sql = "SELECT * FROM undos WHERE batch_id = :id ORDER BY number DESC LIMIT 1"
    return rows(pipeline.db, sql, id=batch_id)[0]


def contents(pipeline: Pipeline) -> list[list[Any]]:
    """Whatever imports write, in the order of its keys; not the ids of sessions, which name batch and row."""
    db = pipeline.db
    return [
        db.run(
            """
            SELECT s.external_session_id, p.email, v.email, s.batch_id, s.row_number, s.line, s.version,
                   s.feedback_text, s.rating, s.scheduled_at, s.program_instance_id
              FROM kintell_sessions s JOIN users p ON p.id = s.participant_id JOIN users v ON v.id = s.volunteer_id
          ORDER BY 1
            """
        ),
        db.run(
            """
            SELECT s.external_session_id, v.version, v.batch_id, v.row_number, v.replaced_by_batch, v.replaced_by_row,
                   v.feedback_text
              FROM kintell_session_versions v JOIN kintell_sessions s ON s.id = v.session_id ORDER BY 1, 2
            """
        ),
        db.run("SELECT email, name, role, batch_id, row_number, version FROM users ORDER BY 1"),
        db.run(
            """
            SELECT u.email, v.version, v.name, v.role, v.batch_id, v.row_number, v.replaced_by_batch
              FROM user_versions v JOIN users u ON u.id = v.user_id ORDER BY 1, 2
            """
        ),
        db.run(
            "SELECT DISTINCT u.email, b.batch_id FROM batch_people b JOIN users u ON u.id = b.person_id ORDER BY 1, 2"
        ),
    ]
