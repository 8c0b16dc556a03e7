"""Undo an import: what it would do is planned and shown, then somebody asks for exactly that."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from api.problems import Problem, ProblemCode
from api.routing import get_batch
from ingestion.aws.wake_dispatch import wake_dispatch
from ingestion.batch import FailureCode
from ingestion.config import settings
from ingestion.contracts import ImportToStart, UndoInput
from ingestion.database.connection import Connection, transaction
from ingestion.database.publishing import undo_plan
from ingestion.database.publishing.targets import target_of
from ingestion.database.publishing.undo_plan import Kept, UndoPlan
from ingestion.database.tables import batch_states, batches, outbox, undos
from ingestion.database.tables.undos import Request, Undo, UndoState
from ingestion.records import get_programme

MOST_ROWS: Final = 50_000
"""An undo of more rows is planned by the workflow."""
KEPT_SHOWN: Final = 1_000


@dataclass(frozen=True, slots=True)
class ShownPlan:
    """A plan as it is shown: with some of what it keeps."""

    plan: UndoPlan
    kept: list[Kept]


def plan_undo(db: Connection, batch_id: UUID, request: Request) -> ShownPlan | None:
    """Plan an undo, or have it planned (None) if that takes too long for one request. Raises Problem."""
    batch = _get_undoable(db, batch_id)
    if batch["success_rows"] > MOST_ROWS:
        _have_planned(db, batch_id, request)
        return None
    target = target_of(get_programme(batch["program_type"]).record)
    with transaction(db):
        found = undo_plan.plan(db, batch_id, target)
    if found.is_empty and batch["status"] == "undone":
        raise _nothing_left(batch_id)
    return ShownPlan(found, undo_plan.kept(db, batch_id, target, limit=KEPT_SHOWN))


def request_undo(db: Connection, batch_id: UUID, request: Request) -> None:
    """Start the undo that was shown, if it is still what an undo would do. Raises Problem."""
    _get_undoable(db, batch_id)
    with transaction(db):
        batches.get(db, batch_id, lock=True)
        batch = _get_undoable(db, batch_id)
        if request.plan_hash is None or _planned_hash(batch, db) != request.plan_hash:
            raise Problem(FailureCode.PLAN_STALE, f"The undo of batch {batch_id} would not do what was shown any more.")
        number = undos.add(db, batch_id, UndoState.RUNNING, request)
        batch_states.start_undo(db, batch_id)
        _start(db, batch_id, number)
    wake_dispatch(settings().work_bucket)


def _planned_hash(batch: dict[str, Any], db: Connection) -> str | None:
    """The hash of what an undo would do now, or did when the workflow planned it: it is checked again as it begins."""
    if batch["success_rows"] > MOST_ROWS:
        newest = undos.find_newest(db, batch["id"])
        return newest.plan_hash if newest and newest.state is UndoState.PLANNED else None
    found = undo_plan.plan(db, batch["id"], target_of(get_programme(batch["program_type"]).record))
    if found.is_empty and batch["status"] == "undone":
        raise _nothing_left(batch["id"])
    return found.hash


def _have_planned(db: Connection, batch_id: UUID, request: Request) -> None:
    with transaction(db):
        batches.get(db, batch_id, lock=True)
        newest = undos.find_newest(db, batch_id)
        if newest is None or not newest.is_at_work:
            _start(db, batch_id, undos.add(db, batch_id, UndoState.PLANNING, request))
    wake_dispatch(settings().work_bucket)


def _start(db: Connection, batch_id: UUID, number: int) -> None:
    given = UndoInput(batch_id=batch_id, undo=number)
    outbox.add(db, batch_id, ImportToStart(name=f"{batch_id}-undo-{number}", input=given))


def get_undo(db: Connection, batch_id: UUID) -> Undo:
    """The batch's newest undo, or plan of one. Raises Problem."""
    get_batch(db, batch_id)
    found = undos.find_newest(db, batch_id)
    if found is None:
        raise Problem(ProblemCode.NO_UNDO, f"Nobody has asked to undo batch {batch_id}.")
    return found


def kept_rows(db: Connection, batch_id: UUID, limit: int, after_row: int) -> list[Kept]:
    """The records that an undo of the batch keeps, by row."""
    record = get_programme(get_batch(db, batch_id)["program_type"]).record
    return undo_plan.kept(db, batch_id, target_of(record), limit=limit, after_row=after_row)


def is_undoable(batch: dict[str, Any]) -> bool:
    """Whether the batch is in a state from which it can be undone."""
    return batch["status"] in ("completed", "undone") and not batch["dry_run"] and batch["archived_at"] is None


def _get_undoable(db: Connection, batch_id: UUID) -> dict[str, Any]:
    batch = get_batch(db, batch_id)
    if batch["dry_run"]:
        raise Problem(ProblemCode.NOT_UNDOABLE, f"Batch {batch_id} was a dry run, which imported nothing.")
    if not is_undoable(batch):
        state = "archived" if batch["archived_at"] else batch["status"]
        raise Problem(ProblemCode.NOT_UNDOABLE, f"Batch {batch_id} is {state}; only a completed import can be undone.")
    return batch


def _nothing_left(batch_id: UUID) -> Problem:
    return Problem(
        ProblemCode.NOT_UNDOABLE, f"Batch {batch_id} is undone, and nothing of it is left that could be undone now."
    )
