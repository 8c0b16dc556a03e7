"""undos: requests to undo a batch, how far each has come, and plans of undos that take too long for one request."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from ingestion.database.connection import Connection, rows
from ingestion.database.publishing.undo_plan import UndoPlan
from ingestion.sign_in.actors import Actor, ActorKind

AT_ONCE = 500


class UndoState(StrEnum):
    """The state of an undo; the first two are of a plan only."""

    PLANNING = "planning"
    PLANNED = "planned"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"


class Undo(BaseModel):
    """An undo, or a plan of one."""

    model_config = ConfigDict(frozen=True)

    batch_id: UUID
    number: int
    state: UndoState
    requested_by: str | None
    requester_kind: ActorKind
    requester_issuer: str | None
    requester_subject: str | None
    reason: str | None
    plan_hash: str | None
    removes: int | None
    restores: int | None
    keeps: int | None
    next_row: int
    last_row: int | None
    removed_rows: int
    restored_rows: int
    kept_rows: int | None
    execution: str | None
    failure_reason: str | None
    created_at: datetime
    completed_at: datetime | None

    @property
    def requester(self) -> Actor:
        """Who asked for it."""
        return Actor(
            kind=self.requester_kind,
            name=self.requested_by or "",
            issuer=self.requester_issuer,
            subject=self.requester_subject,
        )

    @property
    def is_at_work(self) -> bool:
        """Whether a workflow has something left to do."""
        return self.state in (UndoState.PLANNING, UndoState.RUNNING)

    @property
    def has_changed_rows(self) -> bool:
        """Whether any row was undone."""
        return self.removed_rows + self.restored_rows > 0


class Request(BaseModel):
    """Who wants a batch undone, why, and what they were shown; of a plan only the first."""

    model_config = ConfigDict(frozen=True)

    actor: Actor
    plan_hash: str | None = None
    reason: str | None = None


def add(db: Connection, batch_id: UUID, state: UndoState, request: Request) -> int:
    """Add an undo and return its number. Lock the batch first."""
    added = db.run(
        """
        INSERT INTO undos (batch_id, number, state, requested_by, requester_kind, requester_issuer, requester_subject,
                           reason, plan_hash)
        SELECT :batch_id, 1 + coalesce(max(number), 0), :state, :requested_by, :kind, :issuer, :subject, :reason,
               :plan_hash
          FROM undos WHERE batch_id = :batch_id
     RETURNING number
        """,
        batch_id=batch_id,
        state=state.value,
        requested_by=request.actor.name,
        kind=request.actor.kind.value,
        issuer=request.actor.issuer,
        subject=request.actor.subject,
        reason=request.reason,
        plan_hash=request.plan_hash,
    )
    return int(added[0][0])


def find_newest(db: Connection, batch_id: UUID) -> Undo | None:
    """Find the batch's newest undo or plan of one."""
    return _find(db, "batch_id = :batch_id ORDER BY number DESC LIMIT 1", batch_id=batch_id)


def find_newest_carried_out(db: Connection, batch_id: UUID) -> Undo | None:
    """Find the batch's newest undo that is more than a plan."""
    condition = "batch_id = :batch_id AND removes IS NOT NULL AND state <> 'planned' ORDER BY number DESC LIMIT 1"
    return _find(db, condition, batch_id=batch_id)


def find(db: Connection, batch_id: UUID, number: int) -> Undo | None:
    """Find an undo of a batch by its number."""
    return _find(db, "batch_id = :batch_id AND number = :number", batch_id=batch_id, number=number)


def lock(db: Connection, batch_id: UUID, number: int) -> Undo:
    """Lock an undo until the transaction ends. Raises LookupError."""
    found = _find(db, "batch_id = :batch_id AND number = :number FOR UPDATE", batch_id=batch_id, number=number)
    if found is None:
        raise LookupError(f"there is no undo {number} of batch {batch_id}")
    return found


def _find(db: Connection, condition: str, **params: Any) -> Undo | None:
    found = rows(db, f"SELECT * FROM undos WHERE {condition}", **params)
    return Undo.model_validate(found[0]) if found else None


def take_over(db: Connection, undo: Undo, execution: str) -> None:
    """Record which execution works on it now; an older one may not fail it."""
    db.run(
        """
        UPDATE undos SET execution = :execution, updated_at = now()
         WHERE batch_id = :batch_id AND number = :number AND execution IS DISTINCT FROM :execution
        """,
        execution=execution,
        batch_id=undo.batch_id,
        number=undo.number,
    )


def planned(db: Connection, undo: Undo, found: UndoPlan) -> None:
    """Record the plan, which is all that was asked for."""
    db.run(
        """
        UPDATE undos
           SET state = 'planned', plan_hash = :plan_hash, removes = :removes, restores = :restores, keeps = :keeps,
               completed_at = now(), updated_at = now()
         WHERE batch_id = :batch_id AND number = :number
        """,
        plan_hash=found.hash,
        **_counts(undo, found),
    )


def begin(db: Connection, undo: Undo, found: UndoPlan, last_row: int) -> None:
    """Record what is going to be done, and up to which row."""
    db.run(
        """
        UPDATE undos
           SET removes = :removes, restores = :restores, keeps = :keeps, next_row = 1, last_row = :last_row,
               updated_at = now()
         WHERE batch_id = :batch_id AND number = :number
        """,
        last_row=last_row,
        **_counts(undo, found),
    )


def _counts(undo: Undo, found: UndoPlan) -> dict[str, Any]:
    return {
        "batch_id": undo.batch_id,
        "number": undo.number,
        "removes": found.removes.count,
        "restores": found.restores.count,
        "keeps": found.keeps.count,
    }


def advance(db: Connection, undo: Undo, next_row: int, removed: int, restored: int) -> None:
    """Record that the rows before *next_row* are undone, in the transaction that undid them."""
    db.run(
        """
        UPDATE undos
           SET next_row = :next_row, removed_rows = removed_rows + :removed, restored_rows = restored_rows + :restored,
               updated_at = now()
         WHERE batch_id = :batch_id AND number = :number
        """,
        next_row=next_row,
        removed=removed,
        restored=restored,
        batch_id=undo.batch_id,
        number=undo.number,
    )


def complete(db: Connection, undo: Undo, kept_rows: int) -> None:
    """Record that nothing is left to do."""
    db.run(
        """
        UPDATE undos SET state = 'completed', kept_rows = :kept_rows, completed_at = now(), updated_at = now()
         WHERE batch_id = :batch_id AND number = :number
        """,
        kept_rows=kept_rows,
        batch_id=undo.batch_id,
        number=undo.number,
    )


def fail(db: Connection, undo: Undo, reason: str) -> None:
    """Record that it can't go on, and why."""
    db.run(
        """
        UPDATE undos SET state = 'failed', failure_reason = :reason, completed_at = now(), updated_at = now()
         WHERE batch_id = :batch_id AND number = :number
        """,
        reason=reason,
        batch_id=undo.batch_id,
        number=undo.number,
    )


def forget_requesters(db: Connection, batch_id: UUID) -> None:
    """Remove who asked for the batch's undos, and why."""
    db.run(
        """
        UPDATE undos
           SET requested_by = NULL, requester_issuer = NULL, requester_subject = NULL, reason = NULL, updated_at = now()
         WHERE batch_id = :batch_id
        """,
        batch_id=batch_id,
    )


def stuck(db: Connection, hours: int) -> list[tuple[UUID, int]]:
    """Return batch and number of undos that have not ended and have not changed for *hours*."""
    found = db.run(
        """
        SELECT batch_id, number FROM undos
         WHERE state IN ('planning', 'running') AND updated_at < now() - make_interval(hours => CAST(:hours AS int))
      ORDER BY updated_at
         LIMIT :at_once
        """,
        hours=hours,
        at_once=AT_ONCE,
    )
    return [(batch_id, int(number)) for batch_id, number in found]
