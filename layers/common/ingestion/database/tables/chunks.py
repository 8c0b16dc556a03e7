"""chunks: the plan of an import, and the result of staging each chunk, committed together with its rows."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from ingestion.batch import FaultCount
from ingestion.database.connection import Connection, rows, to_json
from ingestion.values.ratings import RatingFacts, Scale


class Chunk(BaseModel):
    """A chunk as the ledger records it."""

    model_config = ConfigDict(frozen=True)

    number: int
    span: dict[str, Any]
    state: str
    rating_scale: str | None
    staged_rows: int
    rejected_rows: int
    conflicts: frozenset[int]
    """The numbers of the rows whose key belongs to other people's record, once the file is reconciled."""


class Staged(BaseModel):
    """The result of staging a chunk."""

    model_config = ConfigDict(frozen=True)

    staged_rows: int
    rejected_rows: int
    rejects_sum: int = 0
    """See `rows.content_hashes`."""
    fault_counts: list[FaultCount]
    rating_scale: str | None
    rating_facts: RatingFacts
    warnings: list[dict[str, Any]] = []
    """Code and count of each warning."""


def plan(db: Connection, batch_id: UUID, spans: Sequence[dict[str, Any]]) -> None:
    """Record the chunks of a new batch, each by its span with `number`, `first_row` and `rows`."""
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
    """Read a chunk; with *lock*, nobody else stages it until the transaction ends. Raises LookupError."""
    found = rows(
        db,
        f"""
        SELECT number, span, state, rating_scale, staged_rows, rejected_rows, conflicting_rows AS conflicts
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
    """Record the result of staging a chunk, over that of an earlier attempt."""
    db.run(
        """
        UPDATE chunks
           SET state = 'staged', staged_rows = :staged_rows, rejected_rows = :rejected_rows,
               rejects_sum = CAST(:rejects_sum AS numeric),
               fault_counts = CAST(:fault_counts AS jsonb), rating_scale = :rating_scale,
               rating_facts = CAST(:rating_facts AS jsonb), warnings = CAST(:warnings AS jsonb), staged_at = now()
         WHERE batch_id = :batch_id AND number = :number
        """,
        batch_id=batch_id,
        number=number,
        staged_rows=staged.staged_rows,
        rejected_rows=staged.rejected_rows,
        rejects_sum=str(staged.rejects_sum),
        fault_counts=to_json(staged.fault_counts),
        rating_scale=staged.rating_scale,
        rating_facts=staged.rating_facts.model_dump_json(),
        warnings=to_json(staged.warnings),
    )


def plan_again(db: Connection, batch_id: UUID, numbers: Sequence[int], scale: Scale | None) -> None:
    """Mark chunks to be staged again, with the file's rating scale if that is the reason."""
    db.run(
        """
        UPDATE chunks SET state = 'planned', rating_scale = coalesce(:scale, rating_scale)
         WHERE batch_id = :batch_id AND number = ANY(CAST(:numbers AS int[]))
        """,
        batch_id=batch_id,
        numbers=list(numbers),
        scale=scale,
    )


def plan_all_again(db: Connection, batch_id: UUID) -> None:
    """Mark every chunk to be staged again, because the staging tables are gone or empty."""
    db.run("UPDATE chunks SET state = 'planned' WHERE batch_id = :batch_id", batch_id=batch_id)


def mark_reconciled(db: Connection, batch_id: UUID) -> None:
    """Mark all chunks as reconciled: they were before they had to be staged again."""
    db.run("UPDATE chunks SET state = 'reconciled' WHERE batch_id = :batch_id", batch_id=batch_id)


def find_span(db: Connection, batch_id: UUID, row: int) -> dict[str, Any] | None:
    """Find the span of the chunk that contains this row of the file."""
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


def spans(db: Connection, batch_id: UUID) -> list[dict[str, Any]]:
    """Return the spans of all chunks of a batch, in order."""
    found = db.run("SELECT span FROM chunks WHERE batch_id = :batch_id ORDER BY number", batch_id=batch_id)
    return [dict(span) for (span,) in found]
