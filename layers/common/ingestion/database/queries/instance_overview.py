"""Read the overview of a programme instance: its files, its sessions, and whether the two agree.

Everything is read through an index on the instance; sessions are counted only up to a limit.
"""

from typing import Any
from uuid import UUID

from ingestion.database.connection import Connection, rows
from ingestion.records import RecordType


def instances(db: Connection, program_type: str | None, limit: int, before: int | None) -> list[dict[str, Any]]:
    """Return programme instances, newest first, each with its last batch."""
    return rows(
        db,
        """
        SELECT i.id, i.slug, i.name, i.program_type, i.starts_on, i.ends_on, i.owner, i.created_at,
               last.id AS last_batch_id, last.created_at AS last_batch_at, last.status AS last_batch_status
          FROM program_instances i
     LEFT JOIN LATERAL (SELECT b.id, b.created_at, b.status
                          FROM ingestion_batches b
                         WHERE b.program_instance_id = i.id
                      ORDER BY b.created_at DESC, b.id DESC
                         LIMIT 1) last ON true
         WHERE (CAST(:before AS bigint) IS NULL OR i.id < :before)
           AND (CAST(:program_type AS text) IS NULL OR i.program_type = :program_type)
      ORDER BY i.id DESC
         LIMIT CAST(:limit AS bigint)
        """,
        limit=limit,
        before=before,
        program_type=program_type,
    )


def find_instance(db: Connection, slug: str) -> dict[str, Any] | None:
    """Find the instance with this slug."""
    found = rows(
        db,
        """
        SELECT i.id, i.slug, i.name, i.program_type, i.starts_on, i.ends_on, i.owner, i.created_at
          FROM program_instances i
         WHERE i.slug = :slug
        """,
        slug=slug,
    )
    return found[0] if found else None


def slugs(db: Connection, limit: int) -> list[tuple[str, str]]:
    """Return programme and slug of the newest instances, to choose from."""
    found = db.run(
        "SELECT program_type, slug FROM program_instances ORDER BY id DESC LIMIT CAST(:limit AS bigint)", limit=limit
    )
    return [(str(program_type), str(slug)) for program_type, slug in found]


def months_of_batches(db: Connection, instance_id: int) -> list[dict[str, Any]]:
    """Sum up the instance's finished batches, without dry runs, by month of creation (UTC), oldest first."""
    return rows(
        db,
        """
        SELECT CAST(date_trunc('month', b.created_at AT TIME ZONE 'UTC') AS date) AS month,
               count(*) AS batches,
               CAST(sum(b.total_rows) AS bigint) AS total_rows,
               CAST(sum(b.inserted_rows) FILTER (WHERE b.status <> 'failed') AS bigint) AS inserted_rows,
               CAST(sum(b.updated_rows) FILTER (WHERE b.status <> 'failed') AS bigint) AS updated_rows,
               CAST(sum(b.skipped_rows) AS bigint) AS skipped_rows,
               CAST(sum(b.error_rows) AS bigint) AS error_rows,
               CAST(sum(b.open_rows) AS bigint) AS open_rows
          FROM batch_view b
         WHERE b.program_instance_id = :instance_id AND b.counts
      GROUP BY 1
      ORDER BY 1
        """,
        instance_id=instance_id,
    )


def counts_of_sessions(db: Connection, record: RecordType, instance_id: int, at_most: int) -> list[dict[str, Any]]:
    """Count the instance's records by month (UTC), and by the batch that gave their current content.

    Returns a row for each month, oldest first, then one for each batch, largest first; reads *at_most* records.
    """
    return rows(
        db,
        f"""
        SELECT CAST(date_trunc('month', s.{record.dated_by} AT TIME ZONE 'UTC') AS date) AS month, s.batch_id,
               count(*) AS sessions
          FROM (SELECT {record.dated_by}, batch_id
                  FROM {record.table}
                 WHERE program_instance_id = :instance_id
                 LIMIT CAST(:at_most AS bigint)) s
      GROUP BY GROUPING SETS ((1), (2))
      ORDER BY 1 NULLS LAST, 3 DESC, 2
        """,
        instance_id=instance_id,
        at_most=at_most,
    )


def kept_of_undone(db: Connection, record: RecordType, instance_id: int) -> int:
    """Count the records that undone batches of the instance had inserted, and that are kept."""
    found = db.run(
        f"""
        SELECT count(*)
          FROM ingestion_batches b
          JOIN {record.table} s ON s.id BETWEEN CAST(b.number AS bigint) << 30
                                            AND (CAST(b.number AS bigint) << 30) + 1073741823
         WHERE b.program_instance_id = :instance_id AND b.status IN ('undoing', 'undone')
        """,
        instance_id=instance_id,
    )
    return int(found[0][0])


def files_of_batches(db: Connection, batch_ids: list[UUID]) -> dict[UUID, dict[str, Any]]:
    """Return file name and time of each batch."""
    found = rows(
        db,
        "SELECT id, file_name, created_at FROM ingestion_batches WHERE id = ANY(CAST(:ids AS uuid[]))",
        ids=batch_ids,
    )
    return {row["id"]: row for row in found}
