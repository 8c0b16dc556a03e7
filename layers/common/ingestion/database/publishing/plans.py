"""Plans: what a dry run found for each valid row, kept in a table of its own until Retention drops it.

A planned row has its outcome, the stored version that it builds on, what it would store, and a digest of all of that. A
commit makes the same rows of its own staging and holds their digests against these: a row with another digest has
changed. See docs/decisions/0030-plans.md.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from ingestion.database.connection import Connection
from ingestion.database.publishing import memory
from ingestion.database.publishing.reconciliation import Reconciling
from ingestion.database.publishing.staging import changes_table, rows_table, shard_columns
from ingestion.database.publishing.targets import Target, staged_value

BASE = ("target_id", "base_version", "base_batch_id", "base_row")
"""The columns with the stored version that a planned row builds on: all null for a new one."""
LEFT_OUT = "left_out"
"""The outcome of a row that a commit leaves out, in its table of changes."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A dry run, and where its rows would go."""

    batch_id: UUID
    target: Target
    program_type: str

    @property
    def table(self) -> str:
        """The table of its plan."""
        return plan_table(self.batch_id)


class Found(NamedTuple):
    """A plan as it stands now: the sum of its digests, and how many of its rows have changed."""

    digest: str
    changed_rows: int


def plan_table(batch_id: UUID) -> str:
    """Name the table of the plan of a dry run."""
    return f"staging.plan_{batch_id.hex}"


def old(name: str) -> str:
    """Name the column with the value that a row replaces."""
    return f"old_{name}"


def exists(db: Connection, batch_id: UUID) -> bool:
    """Whether the dry run still has its plan."""
    found = db.run(
        "SELECT FROM pg_class WHERE relnamespace = 'staging'::regnamespace AND relname = :name",
        name=plan_table(batch_id).removeprefix("staging."),
    )
    return bool(found)


def batches(db: Connection) -> list[UUID]:
    """Return the batches that have a plan."""
    found = db.run(
        """
        SELECT substr(relname, 6) FROM pg_class
         WHERE relnamespace = 'staging'::regnamespace AND relkind = 'r' AND relname ~ '^plan_[0-9a-f]{32}$'
        """
    )
    return [UUID(row[0]) for row in found]


def drop(db: Connection, batch_id: UUID) -> None:
    """Drop the plan, if there is one."""
    db.run(f"DROP TABLE IF EXISTS {plan_table(batch_id)}")


def keep(db: Connection, reconciling: Reconciling) -> None:
    """Keep the plan of a dry run, whose rows are reconciled. Unlike staging, it outlives a crash."""
    table = plan_table(reconciling.batch_id)
    drop(db, reconciling.batch_id)
    db.run(f"CREATE TABLE {table} WITH (autovacuum_enabled = false) AS {planned_rows_sql(reconciling)}")
    db.run(f"CREATE UNIQUE INDEX ON {table} (row_number)")
    db.run(f"CREATE INDEX ON {table} (outcome, row_number)")
    db.run(f"ANALYZE {table} (row_number, outcome, target_id)")


def planned_rows_sql(reconciling: Reconciling) -> str:
    """Return SQL for the planned rows of reconciled ones; conflicts are rejected, and not among them."""
    target = reconciling.target
    stored = (*target.kept, *target.content)
    people = [name for field in target.people for name in (field.id_name, field.name)]
    base = ("s.id", "s.version", "s.batch_id", "s.row_number")
    after = [f"{_after(reconciling, name)} AS {name}" for name in stored]
    before = [f"{_before(name)} AS {old(name)}" for name in stored]
    key = f"r.{target.key}"
    facts = ["r.row_number", "coalesce(c.outcome, 'inserted')", *base, key]
    digest = f"md5(CAST(ROW({_list([*facts, *(_after(reconciling, name) for name in stored)])}) AS text))"
    return f"""
        SELECT r.row_number, r.line, r.shard, coalesce(c.outcome, 'inserted') AS outcome,
               {_list(f"{value} AS {name}" for value, name in zip(base, BASE, strict=True))},
               {_list([key, *(f"r.{name}" for name in people), *after, *before])},
               CAST({digest} AS uuid) AS digest
          FROM {rows_table(reconciling.batch_id)} r
          LEFT JOIN {changes_table(reconciling.batch_id)} c ON c.row_number = r.row_number
          LEFT JOIN {target.table} s ON s.id = c.target_id
          LEFT JOIN {changes_table(reconciling.batch_id)} p ON p.next_row = c.row_number
         WHERE r.shard IN ({shard_columns(reconciling.shards)}) AND c.outcome IS DISTINCT FROM 'conflict'"""


def _after(reconciling: Reconciling, name: str) -> str:
    """SQL: what the row stores; null if it changes nothing."""
    new = f"r.{name}" if name in reconciling.target.kept else staged_value(reconciling.target, name, reconciling.scale)
    return f"CASE WHEN c.outcome IS NULL THEN {new} WHEN c.outcome <> 'unchanged' THEN c.{name} END"


def _before(name: str) -> str:
    """SQL: what an updated row replaces: the stored value, or that of an earlier row of the file."""
    return f"CASE WHEN c.outcome = 'updated' THEN CASE WHEN p.row_number IS NULL THEN s.{name} ELSE p.{name} END END"


def find(db: Connection, planned: Planned) -> Found:
    """Add up the digests of the plan, and count the rows whose stored version is another one by now.

    A sum does not depend on the order of the rows, and needs no memory. A digest includes the number of its row.
    """
    memory.limit(db, memory.RECONCILE_KB)
    halves = [f"CAST(CAST('x' || substr(replace(CAST(p.digest AS text), '-', ''), {at}, 15) AS bit(60)) AS bigint)"
              for at in (1, 16)]  # fmt: skip
    (found,) = db.run(
        f"""
        SELECT concat_ws('-', count(*), {_list(f"coalesce(sum({half}), 0)" for half in halves)}),
               count(*) FILTER (WHERE {_is_changed(planned.target)})
          FROM {planned.table} p {_as_stored(planned.target)}
        """,
        **_scope(planned),
    )
    return Found(str(found[0]), int(found[1]))


def changed_sample(db: Connection, planned: Planned, limit: int) -> list[tuple[int, str]]:
    """Return the number and the key of the first rows that have changed."""
    found = db.run(
        f"""
        SELECT p.row_number, p.{planned.target.key}
          FROM {planned.table} p {_as_stored(planned.target)}
         WHERE {_is_changed(planned.target)}
      ORDER BY p.row_number
         LIMIT CAST(:limit AS bigint)
        """,
        limit=limit,
        **_scope(planned),
    )
    return [(int(number), str(key)) for number, key in found]


def _scope(planned: Planned) -> dict[str, object]:
    return {"program_type": planned.program_type} if planned.target.scope else {}


def _as_stored(target: Target) -> str:
    scope = " AND s.program_type = :program_type" if target.scope else ""
    return f"LEFT JOIN {target.table} s ON s.{target.key} = p.{target.key}{scope}"


def _is_changed(target: Target) -> str:
    """SQL: the planned row `p` builds on another version than the one stored, or names somebody who is gone."""
    gone = [f" OR (p.{name} > 0 AND NOT EXISTS (SELECT FROM users u WHERE u.id = p.{name}))" for name in target.owners]
    return f"""(ROW(s.id, s.version, s.batch_id, s.row_number)
                 IS DISTINCT FROM ROW({_list(f"p.{name}" for name in BASE)}){"".join(gone)})"""


def _changed_table(batch_id: UUID) -> str:
    return f"staging.changed_{batch_id.hex}"


def count_changed(db: Connection, reconciling: Reconciling, plan_of: UUID) -> int:
    """Count the rows of a commit, which is reconciled, that are not as they were planned, and keep their keys.

    A row that conflicts is among them: those that conflicted when they were planned are not staged. A planned row that
    is not staged is rejected now, as one whose person was erased is.
    """
    table, plan, key = _changed_table(reconciling.batch_id), plan_table(plan_of), reconciling.target.key
    db.run(f"DROP TABLE IF EXISTS {table}")
    db.run(
        f"""
        CREATE UNLOGGED TABLE {table} AS
        SELECT n.{key}
          FROM ({planned_rows_sql(reconciling)}) n
          LEFT JOIN {plan} p ON p.row_number = n.row_number
         WHERE p.digest IS DISTINCT FROM n.digest
         UNION ALL
        SELECT c.{key} FROM {changes_table(reconciling.batch_id)} c WHERE c.outcome = 'conflict'
        """
    )
    found = db.run(
        f"""
        SELECT (SELECT count(*) FROM {table})
             + (SELECT count(*)
                  FROM {plan} p
                 WHERE p.shard IN ({shard_columns(reconciling.shards)})
                   AND NOT EXISTS (SELECT FROM {rows_table(reconciling.batch_id)} r WHERE r.row_number = p.row_number))
        """
    )
    return int(found[0][0])


def leave_out_changed(db: Connection, reconciling: Reconciling) -> None:
    """Leave out all rows of the keys that `count_changed` kept: rows of one key build on each other."""
    target, changes = reconciling.target, changes_table(reconciling.batch_id)
    keys = f"SELECT {target.key} FROM {_changed_table(reconciling.batch_id)}"
    columns = ("row_number", "chunk", "shard", "line", target.key, *target.owners)
    db.run(f"UPDATE {changes} SET outcome = '{LEFT_OUT}', next_row = NULL WHERE {target.key} IN ({keys})")
    db.run(
        f"""
        INSERT INTO {changes} ({_list(columns)}, outcome)
        SELECT {_list(f"r.{name}" for name in columns)}, '{LEFT_OUT}'
          FROM {rows_table(reconciling.batch_id)} r
         WHERE r.{target.key} IN ({keys}) AND r.shard IN ({shard_columns(reconciling.shards)})
           AND NOT EXISTS (SELECT FROM {changes} c WHERE c.row_number = r.row_number)
        """
    )


def forget_changed(db: Connection, batch_id: UUID) -> None:
    """Drop what `count_changed` kept."""
    db.run(f"DROP TABLE IF EXISTS {_changed_table(batch_id)}")


def _list(columns: Iterable[str] | Sequence[str]) -> str:
    return ", ".join(columns)
