"""Find the rejected rows that would pass now: their people are known, and their ids are nobody else's.

All rows are held against the people and records at once, so that it costs two joins and not a look-up for each row.
"""

from typing import Any
from uuid import UUID

from ingestion.database.connection import Connection, rows
from ingestion.database.publishing.targets import Target, target_of
from ingestion.records import PROGRAMMES

MOST_BATCHES = 200


def batches_to_retry(db: Connection) -> list[dict[str, Any]]:
    """Return the batches with rows that would pass now, newest first: how many may be retried, how many would pass."""
    found: list[dict[str, Any]] = []
    for target, program_types in _targets():
        found += rows(
            db,
            f"""
            {_judged(target)}
            SELECT j.batch_id, b.file_name, b.program_type, b.created_at, count(*) AS rows,
                   count(*) FILTER (WHERE j.passes) AS would_pass
              FROM judged j
              JOIN ingestion_batches b ON b.id = j.batch_id
          GROUP BY j.batch_id, b.file_name, b.program_type, b.created_at
            HAVING bool_or(j.passes)
          ORDER BY b.created_at DESC
             LIMIT {MOST_BATCHES}
            """,
            program_types=program_types,
            batch_id=None,
        )
    return sorted(found, key=lambda batch: batch["created_at"], reverse=True)[:MOST_BATCHES]


def rows_that_pass(db: Connection, batch_id: UUID) -> list[int]:
    """Return the numbers of a batch's rows that would pass now, in file order."""
    found: list[int] = []
    for target, program_types in _targets():
        sql = f"{_judged(target)} SELECT row_number FROM judged WHERE passes ORDER BY row_number"
        found += [number for (number,) in db.run(sql, program_types=program_types, batch_id=batch_id)]
    return found


def _targets() -> list[tuple[Target, list[str]]]:
    """Where the records go whose rows name people, each with its programmes."""
    found: dict[str, tuple[Target, list[str]]] = {}
    for programme in PROGRAMMES.values():
        target = target_of(programme.record)
        if target.people:
            found.setdefault(target.table, (target, []))[1].append(programme.program_type)
    return list(found.values())


def _judged(target: Target) -> str:
    """SQL: for each row, whether it passes. Of rows with one new id, the people of the first decide."""
    people = range(len(target.owners))
    known = "\n".join(
        f"          LEFT JOIN users u{at} ON u{at}.email = split_part(t.people, ' ', {at + 1})" for at in people
    )
    ids = ", ".join(f"u{at}.id" for at in people)
    owners = ", ".join(f"s.{name}" for name in target.owners)
    scope = " AND s.program_type = n.program_type" if target.scope else ""
    return f"""
        WITH named AS MATERIALIZED (
            SELECT t.batch_id, t.program_type, t.row_number, t.key, ARRAY[{ids}] AS ids
              FROM retryable t
{known}
             WHERE t.program_type = ANY(CAST(:program_types AS text[]))
               AND (CAST(:batch_id AS uuid) IS NULL OR t.batch_id = :batch_id)
        ), judged AS (
            SELECT n.batch_id, n.row_number,
                   array_position(n.ids, NULL) IS NULL
                   AND n.ids = CASE WHEN s.id IS NOT NULL THEN ARRAY[{owners}]
                                    ELSE first_value(n.ids) OVER in_order END AS passes
              FROM named n
              LEFT JOIN {target.table} s ON s.{target.key} = n.key{scope}
            WINDOW in_order AS (PARTITION BY n.batch_id, n.key, array_position(n.ids, NULL) IS NULL
                                    ORDER BY n.row_number)
        )"""
