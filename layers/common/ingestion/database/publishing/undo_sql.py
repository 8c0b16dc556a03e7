"""Undo a batch by ranges of its rows: remove what they inserted, restore what they updated, keep what a later batch has
changed since.

A record belongs to one range: one that the batch inserted to that of the first row about it, any other to that of the
last. The programme must not change meanwhile, which the right to merge guarantees.
"""

from dataclasses import dataclass
from uuid import UUID

from ingestion.database.connection import Connection, DatabaseError, sqlstate
from ingestion.database.publishing import memory
from ingestion.database.publishing.merge_sql import version_columns
from ingestion.database.publishing.targets import Target
from ingestion.database.publishing.undo_plan import undoable
from ingestion.database.tables import people
from ingestion.errors import Unavailable


@dataclass(frozen=True, slots=True)
class RowRange:
    """Rows of a batch, both ends included."""

    batch_id: UUID
    first: int
    last: int


def last_row(db: Connection, batch_id: UUID, target: Target) -> int:
    """Return the last row of the batch whose outcome can be undone; 0 if there is none."""
    of_batch = undoable(target)
    inserted = "s.id - (SELECT first_session_id(:batch_id))" if target.ids_name_rows else "s.row_number"
    found = db.run(
        f"""
        SELECT greatest((SELECT max({inserted}) FROM {target.table} s WHERE {of_batch.removed}),
                        (SELECT max(s.row_number) FROM {target.table} s WHERE {of_batch.restored}), 0)
        """,
        batch_id=batch_id,
    )
    return int(found[0][0])


_FEW_ROWS = 1_000


def undo_rows(db: Connection, rows: RowRange, target: Target) -> tuple[int, int]:
    """Undo a range of rows; returns how many records were removed and restored.

    Raises Unavailable if a person may not be removed, since somebody writes sessions of theirs at the moment.
    """
    memory.limit(db, memory.MERGE_KB)
    is_large = rows.last - rows.first > _FEW_ROWS
    if is_large:
        # Nobody has counted the versions yet that a new batch wrote: taken for few, they would be read for each row.
        db.run("SET LOCAL enable_nestloop = off")
    restored = _restore(db, rows, target)
    if is_large:
        db.run("SET LOCAL enable_nestloop TO DEFAULT")
    if target.owners:
        return _remove(db, rows, target), restored
    people.wait_briefly(db)
    try:
        return _remove(db, rows, target), restored
    except DatabaseError as failed:
        if sqlstate(failed) != people.FOREIGN_KEY_VIOLATION:
            raise
        raise Unavailable("A session of a person was imported while they were being removed.") from failed


def _restore(db: Connection, rows: RowRange, target: Target) -> int:
    """Give records the content that they had before the batch, and forget the versions that it had replaced."""
    values = ", ".join(f"{name} = v.{name}" for name in version_columns(target))
    restored = db.run(
        f"""
        WITH restored AS (
            UPDATE {target.table} s
               SET {values}
              FROM {target.versions} v
             WHERE {undoable(target).restored} AND s.row_number BETWEEN :first AND :last
               AND v.{target.version_of} = s.id AND v.replaced_by_batch = :batch_id
               AND v.batch_id IS DISTINCT FROM :batch_id
         RETURNING s.id
        ), forgotten AS (
            DELETE FROM {target.versions} v USING restored r
             WHERE v.{target.version_of} = r.id AND v.replaced_by_batch = :batch_id
        )
        SELECT count(*) FROM restored
        """,
        batch_id=rows.batch_id,
        first=rows.first,
        last=rows.last,
    )
    return int(restored[0][0])


def _remove(db: Connection, rows: RowRange, target: Target) -> int:
    """Remove records that the batch inserted; their versions go with them."""
    start = "(SELECT first_session_id(:batch_id))"
    place = (
        f"s.id BETWEEN {start} + CAST(:first AS bigint) AND {start} + CAST(:last AS bigint)"
        if target.ids_name_rows
        else "s.row_number BETWEEN :first AND :last"
    )
    db.run(
        f"DELETE FROM {target.table} s WHERE {undoable(target).removed} AND {place}",
        batch_id=rows.batch_id,
        first=rows.first,
        last=rows.last,
    )
    return int(db.row_count)
