"""Publish a shard of staged rows, and undo a batch; written once for sessions and people."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from ingestion.database.connection import Connection
from ingestion.database.publishing import memory
from ingestion.database.publishing.staging import changes_table, rows_table
from ingestion.database.publishing.targets import Target, staged_value
from ingestion.database.tables import people
from ingestion.values.ratings import Scale


@dataclass(frozen=True, slots=True)
class Merging:
    """One shard of a batch, and the target of its rows."""

    batch_id: UUID
    shard: int
    starts_at: int
    """The row to insert first; those before it come last."""
    target: Target
    scale: Scale | None
    present: frozenset[str]
    program_type: str
    program_instance_id: int | None

    @property
    def given(self) -> dict[str, object]:
        """The parameters that are the same for all rows."""
        scope = {"program_type": self.program_type, "program_instance_id": self.program_instance_id}
        return {"batch_id": self.batch_id, **{name: scope[name] for name in self.target.scope}}


def merge(db: Connection, merging: Merging) -> tuple[int, int]:
    """Publish the shard and return how many rows were inserted and updated. Updated rows leave a version.

    A row that a later row of the same file replaced counts too: it was inserted or updated, and is now a version.
    """
    memory.limit(db, memory.MERGE_KB)
    if not db.run(f"SELECT EXISTS (SELECT FROM {changes_table(merging.batch_id)})")[0][0]:
        return _insert_new(db, merging), 0
    inserted = _insert_new(db, merging) if _has_new(db, merging) else 0
    _insert_repeated(db, merging)
    _update(db, merging)
    _keep_passing(db, merging)
    counted = db.run(
        f"""
        SELECT count(*) FILTER (WHERE outcome = 'inserted'), count(*) FILTER (WHERE outcome = 'updated')
          FROM {changes_table(merging.batch_id)} WHERE shard = :shard
        """,
        shard=merging.shard,
    )[0]
    return inserted + int(counted[0]), int(counted[1])


def _has_new(db: Connection, merging: Merging) -> bool:
    """Whether the shard has rows that are not among the changes: their keys are new."""
    found = db.run(
        f"""
        SELECT (SELECT count(*) FROM {rows_table(merging.batch_id)} WHERE shard = :shard)
             > (SELECT count(*) FROM {changes_table(merging.batch_id)} WHERE shard = :shard)
        """,
        shard=merging.shard,
    )
    return bool(found[0][0])


def _insert_new(db: Connection, merging: Merging) -> int:
    """Insert the rows whose key is neither in the table nor repeated in the file."""
    target = merging.target
    # A column that the file lacks is null in the staging too.
    content = [staged_value(target, name, merging.scale) for name in target.content]
    columns = (target.key, *target.owners, *target.kept, *target.content)
    values = [f"r.{name}" for name in (target.key, *target.owners, *target.kept)] + content
    id_column, id_value = _id_of_row(target, "r.row_number")
    new = f"""
        SELECT {id_value}CAST(:batch_id AS uuid), r.row_number, r.line, 1, {_list([*_parameters(target), *values])}
          FROM {rows_table(merging.batch_id)} r
         WHERE r.shard = :shard
           AND NOT EXISTS (SELECT FROM {changes_table(merging.batch_id)} c WHERE c.row_number = r.row_number)"""
    at = int(merging.starts_at)
    in_turn = f"{new} AND r.row_number >= {at} UNION ALL {new} AND r.row_number < {at}" if at else new
    return _inserted(
        db,
        f"""
        INSERT INTO {target.table}
               ({id_column}batch_id, row_number, line, version, {_list((*target.scope, *columns))})
        {in_turn}
        """,
        merging,
    )


def _insert_repeated(db: Connection, merging: Merging) -> None:
    """Insert the last content of new keys that are repeated in the file."""
    target = merging.target
    columns = (target.key, *target.owners, *target.kept, *target.content)
    id_column, id_value = _id_of_row(target, "c.first_row")
    _inserted(
        db,
        f"""
        INSERT INTO {target.table}
               ({id_column}batch_id, row_number, line, version, {_list((*target.scope, *columns))})
        SELECT {id_value}:batch_id, c.row_number, c.line, c.version, {_list([*_parameters(target), *columns])}
          FROM {changes_table(merging.batch_id)} c
         WHERE c.shard = :shard AND c.target_id IS NULL AND c.next_row IS NULL AND c.outcome IN ('inserted', 'updated')
        """,
        merging,
    )


def _update(db: Connection, merging: Merging) -> None:
    """Give existing rows the content of their last change, and keep the content that the first one replaced.

    One statement reads the old content once, and writes a version only of a row that it holds locked, which the
    database insists on. Changes are in the order of the file; in the order of the ids, neighbours in the table and its
    index are written together: up to three times as fast.
    """
    target = merging.target
    changes, kept = changes_table(merging.batch_id), version_columns(target)
    content = (*target.kept, *target.content)
    of_shard = "c.shard = :shard AND c.outcome = 'updated'"
    db.run(
        f"""
        WITH replaced AS (
            UPDATE {target.table} s
               SET batch_id = :batch_id, row_number = c.row_number, line = c.line, version = c.version,
                   {_list(f"{name} = c.{name}" for name in content)}
              FROM (SELECT c.target_id, c.row_number, c.line, c.version, {_list(f"c.{name}" for name in content)},
                           coalesce(f.row_number, c.row_number) AS first_row,
                           {_list(f"o.{name} AS old_{name}" for name in kept)}
                      FROM {changes} c
                      JOIN {target.table} o ON o.id = c.target_id
                      -- The first change, where a key is repeated in the file.
                      LEFT JOIN (SELECT c.target_id, c.version, c.row_number
                                   FROM {changes} c WHERE {of_shard} AND c.next_row IS NOT NULL) f
                        ON f.target_id = c.target_id AND f.version = o.version + 1
                     WHERE {of_shard} AND c.next_row IS NULL
                  ORDER BY c.target_id) c
             WHERE s.id = c.target_id
         RETURNING s.id, c.first_row, {_list(f"c.old_{name}" for name in kept)}
        )
        INSERT INTO {target.versions} ({target.version_of}, {_list(kept)}, replaced_by_batch, replaced_by_row)
        SELECT id, {_list(f"old_{name}" for name in kept)}, :batch_id, first_row FROM replaced
        """,
        batch_id=merging.batch_id,
        shard=merging.shard,
    )


def _keep_passing(db: Connection, merging: Merging) -> None:
    """Keep, as a version that was never current, content that a later row of the same file replaced."""
    target = merging.target
    own = [name for name in version_columns(target) if name not in ("batch_id", "program_instance_id")]
    of_row = ["program_instance_id"] if "program_instance_id" in version_columns(target) else []
    scope = " AND s.program_type = :program_type" if target.scope else ""
    db.run(
        f"""
        INSERT INTO {target.versions}
               ({target.version_of}, batch_id, replaced_by_batch, replaced_by_row, {_list([*of_row, *own])})
        SELECT s.id, :batch_id, :batch_id, c.next_row, {_list([f"s.{n}" for n in of_row] + [f"c.{n}" for n in own])}
          FROM {changes_table(merging.batch_id)} c
          JOIN {target.table} s ON s.{target.key} = c.{target.key}{scope}
         WHERE c.shard = :shard AND c.next_row IS NOT NULL
        """,
        batch_id=merging.batch_id,
        shard=merging.shard,
        program_type=merging.program_type,
    )


def published(db: Connection, batch_id: UUID, target: Target) -> int:
    """Count the batch's rows in the table, including earlier versions."""
    found = db.run(
        f"""
        SELECT (SELECT count(*) FROM {target.table} s WHERE {target.of_batch("s")})
             + (SELECT count(*) FROM {target.versions} v WHERE {target.of_batch("v", target.version_of)})
        """,
        batch_id=batch_id,
    )
    return int(found[0][0])


def remove_published(db: Connection, batch_id: UUID, target: Target) -> None:
    """Undo all that the batch published: delete what it inserted, and restore the content of what it updated.

    This is correct only while no later batch has changed the same rows, which the right to merge guarantees.
    """
    kept = version_columns(target)
    values = _list(f"{name} = v.{name}" for name in kept)
    db.run(
        f"""
        UPDATE {target.table} s
           SET {values}
          FROM {target.versions} v
         WHERE s.batch_id = :batch_id AND v.{target.version_of} = s.id AND v.replaced_by_batch = :batch_id
           AND v.batch_id IS DISTINCT FROM :batch_id
        """,
        batch_id=batch_id,
    )
    unless = ""
    if not target.owners:
        # People to whom sessions of other programmes refer by now are kept.
        unless = _UNLESS_REFERRED_TO
        people.wait_briefly(db)
    db.run(f"DELETE FROM {target.table} s WHERE {target.of_batch('s')}{unless}", batch_id=batch_id)
    db.run(f"DELETE FROM {target.versions} WHERE replaced_by_batch = :batch_id", batch_id=batch_id)


_UNLESS_REFERRED_TO = """
           AND NOT EXISTS (SELECT FROM batch_people p WHERE p.person_id = s.id)"""


def _inserted(db: Connection, sql: str, merging: Merging) -> int:
    db.run(sql, shard=merging.shard, **merging.given)
    return int(db.row_count)


def _id_of_row(target: Target, row_number: str) -> tuple[str, str]:
    """Return the id column and its value for a new row, if the table does not generate its ids."""
    return ("id, ", f"(SELECT first_session_id(:batch_id)) + {row_number}, ") if target.ids_name_rows else ("", "")


def _parameters(target: Target) -> list[str]:
    types = {"program_type": "text", "program_instance_id": "integer"}
    return [f"CAST(:{name} AS {types[name]})" for name in target.scope]


def version_columns(target: Target) -> list[str]:
    """Return the columns of a row that its versions keep."""
    instance = ["program_instance_id"] if target.scope else []
    return ["version", "batch_id", "row_number", "line", *instance, *target.kept, *target.content]


def _list(columns: Iterable[str]) -> str:
    return ", ".join(columns)
