"""Read the progress of a batch, step by step, as sums over all of its chunks."""

from typing import Any
from uuid import UUID

from ingestion.database.connection import Connection, rows


def of_batch(db: Connection, batch_id: UUID) -> dict[str, Any]:
    """Sum up the ledgers of its chunks and shards; `shards` is 0 before the batch is reconciled."""
    return rows(
        db,
        """
        SELECT c.chunks, c.staged_chunks, c.staged_rows, c.last_staged_at,
               s.shards, s.merged_shards, s.merged_rows, s.rows_to_merge, s.last_merged_at, clock_timestamp() AS now
          FROM (SELECT count(*) AS chunks,
                       count(*) FILTER (WHERE state <> 'planned') AS staged_chunks,
                       CAST(coalesce(sum(rows) FILTER (WHERE state <> 'planned'), 0) AS bigint) AS staged_rows,
                       max(staged_at) AS last_staged_at
                  FROM chunks
                 WHERE batch_id = :batch_id) c,
               (SELECT count(*) AS shards,
                       count(merged_at) AS merged_shards,
                       CAST(coalesce(sum(inserted_rows + updated_rows) FILTER (WHERE merged_at IS NOT NULL), 0)
                            AS bigint) AS merged_rows,
                       CAST(coalesce(sum(inserted_rows + updated_rows), 0) AS bigint) AS rows_to_merge,
                       max(merged_at) AS last_merged_at
                  FROM shards
                 WHERE batch_id = :batch_id) s
        """,
        batch_id=batch_id,
    )[0]
