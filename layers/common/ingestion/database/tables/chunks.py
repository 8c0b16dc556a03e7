"""chunks and shards: the ledgers of an import. What stands in them is committed together with the rows it counts."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from ingestion.batch import FaultCount, FaultCounts, Tally
from ingestion.database.connection import Connection, rows, to_json
from ingestion.values.ratings import RatingFacts, Scale


class Chunk(BaseModel):
    """One chunk's line in the ledger."""

    model_config = ConfigDict(frozen=True)

    number: int
    span: dict[str, Any]
    state: str
    rating_scale: str | None
    staged_rows: int
    rejected_rows: int
    conflict_rows: int


class Staged(BaseModel):
    """What came of reading a chunk."""

    model_config = ConfigDict(frozen=True)

    staged_rows: int
    rejected_rows: int
    fault_counts: list[FaultCount]
    rating_scale: str | None
    rating_facts: RatingFacts
    warnings: list[dict[str, Any]] = []
    """Code and count of what was tolerated."""


def plan(db: Connection, batch_id: UUID, spans: Sequence[dict[str, Any]]) -> None:
    """Write down the chunks of a new batch, each by its span with `number`, `first_row` and `rows`."""
    db.run(
        """
        INSERT INTO chunks (batch_id, number, span, first_row, rows)
        SELECT :batch_id, (span->>'number')::int, span, (span->>'first_row')::bigint, (span->>'rows')::bigint
          FROM jsonb_array_elements(CAST(:spans AS jsonb)) span
        """,
        batch_id=batch_id,
        spans=to_json(list(spans)),
    )


def get(db: Connection, batch_id: UUID, number: int, *, lock: bool = False) -> Chunk:
    """The chunk; with *lock* nobody else stages it until the transaction ends. Raises LookupError."""
    found = rows(
        db,
        f"""
        SELECT number, span, state, rating_scale, staged_rows, rejected_rows, conflict_rows
          FROM chunks
         WHERE batch_id = :batch_id AND number = :number
         {"FOR UPDATE" if lock else ""}
        """,
        batch_id=batch_id,
        number=number,
    )
    if not found:
        raise LookupError(f"there is no chunk {number} of batch {batch_id}")
    return Chunk.model_validate(found[0])


def stage(db: Connection, batch_id: UUID, number: int, staged: Staged) -> None:
    """Write down what came of reading a chunk, over what an earlier try wrote."""
    db.run(
        """
        UPDATE chunks
           SET state = 'staged', staged_rows = :staged_rows, rejected_rows = :rejected_rows,
               fault_counts = CAST(:fault_counts AS jsonb), rating_scale = :rating_scale,
               rating_facts = CAST(:rating_facts AS jsonb), warnings = CAST(:warnings AS jsonb), staged_at = now()
         WHERE batch_id = :batch_id AND number = :number
        """,
        batch_id=batch_id,
        number=number,
        staged_rows=staged.staged_rows,
        rejected_rows=staged.rejected_rows,
        fault_counts=to_json(staged.fault_counts),
        rating_scale=staged.rating_scale,
        rating_facts=staged.rating_facts.model_dump_json(),
        warnings=to_json(staged.warnings),
    )


def plan_again(db: Connection, batch_id: UUID, numbers: Sequence[int], scale: Scale | None) -> None:
    """These chunks must be staged again, with the file's rating scale if that is why."""
    db.run(
        """
        UPDATE chunks SET state = 'planned', rating_scale = coalesce(:scale, rating_scale)
         WHERE batch_id = :batch_id AND number = ANY(CAST(:numbers AS int[]))
        """,
        batch_id=batch_id,
        numbers=list(numbers),
        scale=scale,
    )


def mark_reconciled(db: Connection, batch_id: UUID) -> None:
    """The chunks' rows are those that were reconciled before they were staged again."""
    db.run("UPDATE chunks SET state = 'reconciled' WHERE batch_id = :batch_id", batch_id=batch_id)


def plan_all_again(db: Connection, batch_id: UUID) -> None:
    """Every chunk must be staged again: the staging tables are gone or empty."""
    db.run("UPDATE chunks SET state = 'planned' WHERE batch_id = :batch_id", batch_id=batch_id)


def not_staged(db: Connection, batch_id: UUID) -> list[int]:
    """The chunks that nobody has staged."""
    found = db.run(
        "SELECT number FROM chunks WHERE batch_id = :batch_id AND state = 'planned' ORDER BY number", batch_id=batch_id
    )
    return [int(row[0]) for row in found]


def staged_counts(db: Connection, batch_id: UUID) -> dict[int, int]:
    """How many rows each chunk says that it staged."""
    found = db.run("SELECT number, staged_rows FROM chunks WHERE batch_id = :batch_id", batch_id=batch_id)
    return {int(number): int(count) for number, count in found}


def rating_facts(db: Connection, batch_id: UUID) -> list[tuple[int, str | None, RatingFacts]]:
    """Each chunk's number, the scale it was read with, and what its ratings say."""
    found = db.run(
        "SELECT number, rating_scale, rating_facts FROM chunks WHERE batch_id = :batch_id ORDER BY number",
        batch_id=batch_id,
    )
    return [(int(number), scale, RatingFacts.model_validate(facts)) for number, scale, facts in found]


def with_conflicts(db: Connection, batch_id: UUID) -> list[int]:
    """The chunks in which the whole file rejected rows."""
    found = db.run(
        "SELECT number FROM chunks WHERE batch_id = :batch_id AND conflict_rows > 0 ORDER BY number", batch_id=batch_id
    )
    return [int(row[0]) for row in found]


def conflict_rows(db: Connection, batch_id: UUID, number: int) -> set[int]:
    """The rows of a chunk whose key belongs to a row of other owners."""
    found = db.run(
        "SELECT unnest(conflicting_rows) FROM chunks WHERE batch_id = :batch_id AND number = :number",
        batch_id=batch_id,
        number=number,
    )
    return {int(row[0]) for row in found}


def conflict_count(db: Connection, batch_id: UUID) -> int:
    """How many rows the whole file rejected."""
    found = db.run(
        "SELECT coalesce(sum(conflict_rows), 0)::bigint FROM chunks WHERE batch_id = :batch_id", batch_id=batch_id
    )
    return int(found[0][0])


def with_rejects(db: Connection, batch_id: UUID) -> list[int]:
    """The chunks that have a part of the error file."""
    found = db.run(
        """
        SELECT number FROM chunks
         WHERE batch_id = :batch_id AND state <> 'planned' AND rejected_rows + conflict_rows > 0
      ORDER BY number
        """,
        batch_id=batch_id,
    )
    return [int(row[0]) for row in found]


def tally(db: Connection, batch_id: UUID) -> Tally:
    """The ledger's sums, of the chunks that were reconciled."""
    found = rows(
        db,
        """
        SELECT coalesce(sum(rows), 0)::bigint AS total, coalesce(sum(inserted_rows), 0)::bigint AS inserted,
               coalesce(sum(updated_rows), 0)::bigint AS updated,
               coalesce(sum(unchanged_rows), 0)::bigint AS unchanged,
               coalesce(sum(rejected_rows + conflict_rows), 0)::bigint AS rejected
          FROM chunks
         WHERE batch_id = :batch_id AND state = 'reconciled'
        """,
        batch_id=batch_id,
    )
    return Tally.model_validate(found[0])


def rejected_so_far(db: Connection, batch_id: UUID) -> int:
    """Rows known to be rejected, whether or not the file was reconciled."""
    found = db.run(
        """
        SELECT coalesce(sum(rejected_rows + conflict_rows), 0)::bigint
          FROM chunks WHERE batch_id = :batch_id AND state <> 'planned'
        """,
        batch_id=batch_id,
    )
    return int(found[0][0])


def fault_counts(db: Connection, batch_id: UUID) -> FaultCounts:
    """All faults of the batch's rows that reading found, by code and field."""
    found = rows(
        db,
        """
        SELECT fault->>'code' AS code, min(fault->>'category') AS category, fault->>'field' AS field,
               sum((fault->>'count')::bigint)::bigint AS count
          FROM chunks, jsonb_array_elements(fault_counts) fault
         WHERE batch_id = :batch_id AND state <> 'planned'
      GROUP BY fault->>'code', fault->>'field'
        """,
        batch_id=batch_id,
    )
    return FaultCounts.from_summary(found)  # type: ignore[arg-type]


def warnings(db: Connection, batch_id: UUID) -> list[dict[str, Any]]:
    """What was tolerated in the batch's rows, by code, with how often."""
    return rows(
        db,
        """
        SELECT warning->>'code' AS code, sum((warning->>'count')::bigint)::bigint AS count
          FROM chunks, jsonb_array_elements(warnings) warning
         WHERE batch_id = :batch_id AND state <> 'planned'
      GROUP BY warning->>'code'
      ORDER BY warning->>'code'
        """,
        batch_id=batch_id,
    )


def plan_shards(db: Connection, batch_id: UUID, counts: Sequence[tuple[int, int, int]]) -> None:
    """Write down each shard to be merged: its number, and how many rows it will insert and update."""
    db.run("DELETE FROM shards WHERE batch_id = :batch_id", batch_id=batch_id)
    db.run(
        """
        INSERT INTO shards (batch_id, number, inserted_rows, updated_rows)
        SELECT :batch_id, *
          FROM unnest(CAST(:numbers AS int[]), CAST(:inserted AS bigint[]), CAST(:updated AS bigint[]))
        """,
        batch_id=batch_id,
        numbers=[number for number, _, _ in counts],
        inserted=[inserted for _, inserted, _ in counts],
        updated=[updated for _, _, updated in counts],
    )


def shards_to_merge(db: Connection, batch_id: UUID) -> list[int]:
    """The shards that are not merged yet."""
    found = db.run(
        "SELECT number FROM shards WHERE batch_id = :batch_id AND merged_at IS NULL ORDER BY number", batch_id=batch_id
    )
    return [int(row[0]) for row in found]


def merged_shards(db: Connection, batch_id: UUID) -> list[int]:
    """The shards whose rows are in the sessions."""
    found = db.run(
        "SELECT number FROM shards WHERE batch_id = :batch_id AND merged_at IS NOT NULL ORDER BY number",
        batch_id=batch_id,
    )
    return [int(row[0]) for row in found]


def find_span(db: Connection, batch_id: UUID, row: int) -> dict[str, Any] | None:
    """Where the chunk is that holds this row of the file."""
    found = db.run(
        """
        SELECT span FROM chunks
         WHERE batch_id = :batch_id AND first_row <= CAST(:row AS bigint)
      ORDER BY number DESC
         LIMIT 1
        """,
        batch_id=batch_id,
        row=row,
    )
    return dict(found[0][0]) if found else None


def lock_shards(db: Connection, batch_id: UUID) -> None:
    """Wait until nobody merges a shard of the batch; nobody does from then on, until the transaction ends."""
    db.run("SELECT number FROM shards WHERE batch_id = :batch_id ORDER BY number FOR UPDATE", batch_id=batch_id)


def lock_shard(db: Connection, batch_id: UUID, number: int) -> tuple[int, int] | None:
    """Rows to insert and to update, if the shard is still to be merged; nobody else merges it meanwhile."""
    found = db.run(
        """
        SELECT inserted_rows, updated_rows FROM shards
         WHERE batch_id = :batch_id AND number = :number AND merged_at IS NULL
           FOR UPDATE
        """,
        batch_id=batch_id,
        number=number,
    )
    return (int(found[0][0]), int(found[0][1])) if found else None


def shard_merged(db: Connection, batch_id: UUID, number: int) -> None:
    """The shard's rows are in the sessions."""
    db.run(
        "UPDATE shards SET merged_at = now() WHERE batch_id = :batch_id AND number = :number",
        batch_id=batch_id,
        number=number,
    )


def forget_shards(db: Connection, batch_id: UUID) -> None:
    """Nothing of the batch is in the sessions any more."""
    db.run("DELETE FROM shards WHERE batch_id = :batch_id", batch_id=batch_id)
