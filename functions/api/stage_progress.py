"""The progress of a running batch, stage by stage: how many rows of how many, and how fast."""

from datetime import timedelta
from typing import Any, Literal

from api.schemas import Shape

State = Literal["done", "now", "later"]


class Stage(Shape):
    """One stage of an import. `ofRows` is 0 for a stage that does not go row by row."""

    name: Literal["intake", "stage", "reconcile", "merge", "finalize"]
    state: State
    rows: int = 0
    of_rows: int = 0
    rows_per_second: float | None = None


def stages_of(batch: dict[str, Any], ledger: dict[str, Any]) -> list[Stage]:
    """The stages in order, from a running batch's record and the sums over its ledgers; empty once it has ended."""
    if batch["status"] not in ("pending", "running"):
        return []
    rows = batch["total_rows"]
    started, reconciled = batch["started_at"], batch["reconciled_at"]
    all_staged = ledger["staged_chunks"] == ledger["chunks"] and started is not None
    all_merged = ledger["shards"] > 0 and ledger["merged_shards"] == ledger["shards"]
    stage_ended = ledger["last_staged_at"] if all_staged else ledger["now"]
    merge_ended = ledger["last_merged_at"] if all_merged else ledger["now"]
    return [
        Stage(name="intake", state="done", rows=rows, of_rows=rows),
        Stage(
            name="stage",
            state=_state(started is not None, all_staged),
            rows=ledger["staged_rows"],
            of_rows=rows,
            rows_per_second=_rate(ledger["staged_rows"], stage_ended - started if started and stage_ended else None),
        ),
        Stage(name="reconcile", state=_state(all_staged, reconciled is not None)),
        Stage(
            name="merge",
            state=_state(reconciled is not None, all_merged),
            rows=ledger["merged_rows"],
            of_rows=ledger["rows_to_merge"],
            rows_per_second=_rate(
                ledger["merged_rows"], merge_ended - reconciled if reconciled and merge_ended else None
            ),
        ),
        Stage(name="finalize", state=_state(all_merged, False)),
    ]


def _state(is_begun: bool, is_done: bool) -> State:
    if is_done:
        return "done"
    return "now" if is_begun else "later"


def _rate(rows: int, span: timedelta | None) -> float | None:
    seconds = span.total_seconds() if span else 0.0
    return rows / seconds if rows and seconds > 0 else None
