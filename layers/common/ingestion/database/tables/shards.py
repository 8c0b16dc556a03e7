"""shards: what must be merged and what has been, marked in the transaction that merges the rows."""

from collections.abc import Sequence
from uuid import UUID

from ingestion.database.connection import Connection


def plan(db: Connection, batch_id: UUID, counts: Sequence[tuple[int, int, int]]) -> None:
    """Record each shard to merge: its number, and how many rows it will insert and update."""
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


def lock_all(db: Connection, batch_id: UUID) -> list[int]:
    """Wait for all merges of the batch, and prevent others until the transaction ends.

    Returns the shards that have been merged.
    """
    found = db.run(
        "SELECT number, merged_at IS NOT NULL FROM shards WHERE batch_id = :batch_id ORDER BY number FOR UPDATE",
        batch_id=batch_id,
    )
    return [int(number) for number, is_merged in found if is_merged]


def lock(db: Connection, batch_id: UUID, number: int) -> tuple[int, int] | None:
    """Lock a shard and return its rows to insert and to update; None if it has been merged."""
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


def merged(db: Connection, batch_id: UUID, number: int) -> None:
    """Mark a shard as merged."""
    db.run(
        "UPDATE shards SET merged_at = now() WHERE batch_id = :batch_id AND number = :number",
        batch_id=batch_id,
        number=number,
    )


def forget(db: Connection, batch_id: UUID) -> None:
    """Delete the batch's shards, once none of its rows are published any more."""
    db.run("DELETE FROM shards WHERE batch_id = :batch_id", batch_id=batch_id)
