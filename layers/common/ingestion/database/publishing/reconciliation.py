"""Reconcile staged rows with stored ones: inserted, updated, unchanged, or conflicting (other people's record).

The outcome is that of applying the rows one at a time in file order. Most rows are simply new, and nothing is written
about them; all others get a row in the batch's table of changes, with the content that they will have once applied.

A key belongs to one shard, so PostgreSQL can process shards in parallel. It does so when a statement creates its table,
not when it inserts into one, and never for a temporary table.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from ingestion.database.connection import Connection
from ingestion.database.publishing import memory
from ingestion.database.publishing.staging import (
    analyze,
    changes_table,
    repeated_table,
    rows_table,
    shard_columns,
    shard_tables,
)
from ingestion.database.publishing.targets import Target, staged_value
from ingestion.values.ratings import Scale


@dataclass(frozen=True, slots=True)
class Reconciling:
    """What to reconcile: the rows of some shards of a batch."""

    batch_id: UUID
    target: Target
    program_type: str
    scale: Scale | None
    present: frozenset[str]
    """The target's columns that the file has; the others keep their content."""
    shards: Sequence[int]
    shard_count: int

    @property
    def scope(self) -> str:
        """SQL: the target's row `s` belongs to the programme."""
        return "s.program_type = :program_type" if self.target.scope else "true"

    def content(self, existing: str) -> list[str]:
        """Return SQL for the content of a staged row `r` after the row *existing*, if there is one."""
        return [
            staged_value(self.target, name, self.scale) if name in self.present else f"{existing}.{name}"
            for name in self.target.content
        ]


def reconcile(db: Connection, reconciling: Reconciling) -> bool:
    """Write the table of changes of these shards again; returns whether any key is repeated in the file.

    The target must not change until they are merged.
    """
    memory.limit(db, memory.RECONCILE_KB)
    analyze(db, rows_table(reconciling.batch_id))
    repeats = _find_repeated(db, reconciling)
    _reconcile_single_rows(db, reconciling, repeats)
    if repeats:
        _reconcile_repeated_rows(db, reconciling)
    db.run(f"DROP TABLE IF EXISTS {repeated_table(reconciling.batch_id)}")
    analyze(db, changes_table(reconciling.batch_id))
    return repeats


def _find_repeated(db: Connection, reconciling: Reconciling) -> bool:
    """Store the keys that are repeated in the file; False if there are none."""
    repeated, key = repeated_table(reconciling.batch_id), reconciling.target.key
    of_a_shard = [
        f"SELECT {key} FROM {rows} GROUP BY {key} HAVING count(*) > 1"
        for rows in shard_tables(reconciling.batch_id, reconciling.shards, reconciling.shard_count)
    ]
    # For a small file, creating a table costs more than checking whether it would be empty, as it usually is.
    if of_a_shard and reconciling.shard_count == 1 and not db.run(f"{of_a_shard[0]} LIMIT 1"):
        return False
    nothing = f"SELECT {key} FROM {rows_table(reconciling.batch_id)} LIMIT 0"
    db.run(f"DROP TABLE IF EXISTS {repeated}")
    db.run(f"CREATE UNLOGGED TABLE {repeated} AS {' UNION ALL '.join(of_a_shard) or nothing}")
    if not db.run(f"SELECT EXISTS (SELECT FROM {repeated})")[0][0]:
        return False
    analyze(db, repeated)
    return True


def _columns(target: Target) -> str:
    return ", ".join((target.key, *target.owners, *target.kept, *target.content))


def _reconcile_single_rows(db: Connection, reconciling: Reconciling, has_repeats: bool) -> None:
    """Reconcile the rows whose key occurs once in the file and is already stored."""
    target, changes = reconciling.target, changes_table(reconciling.batch_id)
    names = (*target.kept, *target.content)
    new = [*(f"coalesce(s.{name}, r.{name})" for name in target.kept), *reconciling.content("s")]
    old = [f"s.{name}" for name in names]
    owners = [f"s.{name}" for name in target.owners]
    claimed = [f"r.{name}" for name in target.owners]
    updated = [
        f"CASE judged.outcome WHEN 'updated' THEN {value} END AS {name}" for name, value in zip(names, new, strict=True)
    ]
    not_repeated = f"""
           AND NOT EXISTS (SELECT FROM {repeated_table(reconciling.batch_id)} d
                            WHERE d.{target.key} = r.{target.key})"""
    db.run(f"DROP TABLE IF EXISTS {changes}")
    db.run(
        f"""
        CREATE UNLOGGED TABLE {changes} AS
        SELECT r.row_number, r.chunk, r.shard, r.line, judged.outcome, s.id AS target_id, s.version + 1 AS version,
               s.batch_id AS held_by, s.version AS held_version,
               CAST(NULL AS integer) AS first_row, CAST(NULL AS integer) AS next_row, r.{target.key},
               {"".join(f"r.{name}, " for name in target.owners)}
               {", ".join(updated)}
          FROM {rows_table(reconciling.batch_id)} r
          JOIN {target.table} s ON s.{target.key} = r.{target.key} AND {reconciling.scope}
         CROSS JOIN LATERAL (
               SELECT CASE WHEN {_row(owners)} IS DISTINCT FROM {_row(claimed)} THEN 'conflict'
                           WHEN {_row(new)} IS DISTINCT FROM {_row(old)} THEN 'updated'
                           ELSE 'unchanged' END AS outcome
                -- Not to be asked again for every column.
                OFFSET 0) judged
         WHERE r.shard IN ({shard_columns(reconciling.shards)}){not_repeated if has_repeats else ""}
        """,
        program_type=reconciling.program_type,
    )


def _row(values: Iterable[str]) -> str:
    return f"ROW({', '.join(values)})"


def _reconcile_repeated_rows(db: Connection, reconciling: Reconciling) -> None:
    """Reconcile the rows whose key is repeated in the file: each is compared with the result of the one before."""
    target = reconciling.target
    content = [f"{value} AS {name}" for name, value in zip(target.content, reconciling.content("s"), strict=True)]
    # The stored value, or else the first in file order.
    kept = [
        f"coalesce(s.{name}, (array_agg(r.{name}) FILTER (WHERE r.{name} IS NOT NULL) OVER in_order)[1]) AS {name}"
        for name in target.kept
    ]
    owned = " AND ".join(
        f"r.{name} = coalesce(s.{name}, first_value(r.{name}) OVER in_order)" for name in target.owners
    )
    all_content = (*target.kept, *target.content)
    now, before = (_row(f"{alias}{name}" for name in all_content) for alias in ("a.", "a.old_"))
    lagged = ", ".join(f"lag({name}, 1, old_{name}) OVER in_order AS old_{name}" for name in all_content)
    unlagged = ", ".join(
        ("target_id", "held_by", "base", "row_number", "chunk", "shard", "line", target.key, *target.owners)
    )
    old = ", ".join(f"s.{name} AS old_{name}" for name in all_content)
    place = "row_number, chunk, shard, line, target_id, held_by"
    db.run(
        f"""
        WITH chain AS (
            SELECT r.row_number, r.chunk, r.shard, r.line, r.{target.key},
                   {"".join(f"r.{name}, " for name in target.owners)}
                   s.id AS target_id, s.batch_id AS held_by, coalesce(s.version, 0) AS base, {owned or "true"} AS owned,
                   {", ".join([*kept, *content])}, {old}
              FROM {rows_table(reconciling.batch_id)} r
              JOIN {repeated_table(reconciling.batch_id)} d ON d.{target.key} = r.{target.key}
              LEFT JOIN {target.table} s ON s.{target.key} = r.{target.key} AND {reconciling.scope}
             WHERE r.shard IN ({shard_columns(reconciling.shards)})
            WINDOW in_order AS (PARTITION BY r.{target.key} ORDER BY r.row_number)
        ), accepted AS (
            SELECT {unlagged}, {", ".join(all_content)}, {lagged},
                   row_number() OVER in_order = 1 AND target_id IS NULL AS is_first
              FROM chain WHERE owned
            WINDOW in_order AS (PARTITION BY {target.key} ORDER BY row_number)
        ), judged AS (
            SELECT a.*, CASE WHEN a.is_first THEN 'inserted'
                             WHEN {now} IS DISTINCT FROM {before} THEN 'updated'
                             ELSE 'unchanged' END AS outcome
              FROM accepted a
        ), applied AS (
            SELECT j.*, base + row_number() OVER in_order AS version,
                   first_value(row_number) OVER in_order AS first_row, lead(row_number) OVER in_order AS next_row
              FROM judged j WHERE outcome <> 'unchanged'
            WINDOW in_order AS (PARTITION BY {target.key} ORDER BY row_number)
        )
        INSERT INTO {changes_table(reconciling.batch_id)}
               ({place}, outcome, version, first_row, next_row, held_version, {_columns(target)})
        SELECT {place}, outcome, version, first_row, next_row, base, {_columns(target)}
          FROM applied
     UNION ALL
        SELECT {place}, 'unchanged', NULL, NULL, NULL, base, {_columns(target)}
          FROM judged WHERE outcome = 'unchanged'
     UNION ALL
        SELECT {place}, 'conflict', NULL, NULL, NULL, base, {_columns(target)}
          FROM chain WHERE NOT owned
        """,
        program_type=reconciling.program_type,
    )


def leave_corrected(db: Connection, batch_id: UUID, target: Target) -> None:
    """Leave alone the rows of a retry that another batch has imported since, with all others of their keys.

    Somebody may have mended them, even their key: stored again as they were, they would undo that or stand twice. The
    right to merge keeps other batches from importing them until this one has ended.
    """
    rows, changes, owners = (
        rows_table(batch_id),
        changes_table(batch_id),
        "".join(f", {name}" for name in target.owners),
    )
    corrected = f"""
        SELECT k.{target.key}
          FROM {rows} k
          JOIN returned_rows r ON r.batch_id = :batch_id AND r.row_number = k.row_number
         WHERE EXISTS (SELECT FROM corrected_rows c
                        WHERE c.batch_id = r.first_batch_id AND c.row_number = r.first_row
                          AND c.corrected_by <> r.batch_id)"""
    db.run(f"DELETE FROM {changes} WHERE {target.key} IN ({corrected})", batch_id=batch_id)
    db.run(
        f"""
        INSERT INTO {changes} (row_number, chunk, shard, line, outcome, {target.key}{owners})
        SELECT row_number, chunk, shard, line, 'unchanged', {target.key}{owners}
          FROM {rows} WHERE {target.key} IN ({corrected})
        """,
        batch_id=batch_id,
    )


def record(db: Connection, batch_id: UUID) -> None:
    """Record the outcomes of each staged chunk's rows in the ledger."""
    db.run(
        f"""
        WITH changed AS (
            SELECT chunk,
                   count(*) FILTER (WHERE outcome = 'inserted') AS inserted,
                   count(*) FILTER (WHERE outcome = 'updated') AS updated,
                   count(*) FILTER (WHERE outcome = 'unchanged') AS unchanged,
                   count(*) AS rows
              FROM {changes_table(batch_id)} GROUP BY chunk
        ), refused AS (
            -- By itself: to gather in order, all changes would be sorted.
            SELECT chunk, array_agg(row_number ORDER BY row_number) AS row_numbers
              FROM {changes_table(batch_id)} WHERE outcome = 'conflict' GROUP BY chunk
        )
        UPDATE chunks c
           SET state = 'reconciled',
               inserted_rows = c.staged_rows - coalesce(f.rows, 0) + coalesce(f.inserted, 0),
               updated_rows = coalesce(f.updated, 0), unchanged_rows = coalesce(f.unchanged, 0),
               conflict_rows = coalesce(cardinality(t.row_numbers), 0),
               conflicting_rows = coalesce(t.row_numbers, CAST(ARRAY[] AS integer[]))
          FROM chunks e LEFT JOIN changed f ON f.chunk = e.number LEFT JOIN refused t ON t.chunk = e.number
         WHERE e.batch_id = :batch_id AND c.batch_id = e.batch_id AND c.number = e.number
        """,
        batch_id=batch_id,
    )


def shard_counts(db: Connection, batch_id: UUID) -> list[tuple[int, int, int]]:
    """Return, for each shard with anything to merge, its number, rows to insert and rows to update."""
    found = db.run(
        f"""
        WITH changed AS (
            SELECT shard, count(*) FILTER (WHERE outcome = 'inserted') AS inserted,
                   count(*) FILTER (WHERE outcome = 'updated') AS updated, count(*) AS rows
              FROM {changes_table(batch_id)} GROUP BY shard
        ), staged AS (
            SELECT shard, count(*) AS rows FROM {rows_table(batch_id)} GROUP BY shard
        )
        SELECT s.shard, s.rows - coalesce(f.rows, 0) + coalesce(f.inserted, 0), coalesce(f.updated, 0)
          FROM staged s LEFT JOIN changed f ON f.shard = s.shard
      ORDER BY s.shard
        """
    )
    return [(int(shard), int(inserted), int(updated)) for shard, inserted, updated in found if inserted or updated]
