"""Plan the undo of a batch: count and list what it would remove, restore and keep.

The rows of a batch can be undone while they gave a record its current content. Where a later batch has changed the
record since, it is kept; so is a person to whom sessions refer.
"""

from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

from ingestion.database.connection import Connection
from ingestion.database.publishing import memory
from ingestion.database.publishing.targets import Target, inserted_by_batch


class Kept(NamedTuple):
    """A record that an undo keeps: the last row that gave it content, its key, and the batch that builds on it."""

    row_number: int
    key: str
    later_batch_id: UUID


@dataclass(frozen=True, slots=True)
class Found:
    """How many records there are of a kind, and a sum over their versions that changes with each of them."""

    count: int
    sum: int


@dataclass(frozen=True)
class UndoPlan:
    """What an undo would do to the records of a batch."""

    batch_id: UUID
    removes: Found
    restores: Found
    keeps: Found

    @cached_property
    def hash(self) -> str:
        """The same for the same plan: for the same records, at the same versions."""
        found = (self.removes, self.restores, self.keeps)
        return sha256(" ".join([str(self.batch_id), *(f"{one.count}:{one.sum}" for one in found)]).encode()).hexdigest()

    @property
    def is_empty(self) -> bool:
        """Whether it would change nothing."""
        return not (self.removes.count or self.restores.count)


@dataclass(frozen=True, slots=True)
class Undoable:
    """SQL: conditions on a row `s` of the table with content of the batch :batch_id."""

    removed: str
    restored: str
    kept: str | None
    """Of people only: sessions refer to them."""


class Replaced(NamedTuple):
    """SQL: a condition on a version `v` of the batch :batch_id that a later batch replaced, which an index serves."""

    condition: str
    after: str
    """Its row comes after row :after."""
    order: str


def undoable(target: Target) -> Undoable:
    """Return the conditions for a table."""
    mine = "s.batch_id = :batch_id"
    if target.ids_name_rows:
        inserted = inserted_by_batch("s.id")
        return Undoable(f"{mine} AND {inserted}", f"{mine} AND s.version > 1 AND NOT ({inserted})", None)
    updated = f"""EXISTS (SELECT FROM {target.versions} e
                          WHERE e.{target.version_of} = s.id AND e.batch_id IS DISTINCT FROM :batch_id)"""
    referred = "EXISTS (SELECT FROM batch_people p WHERE p.person_id = s.id)"
    return Undoable(
        f"{mine} AND NOT {updated} AND NOT {referred}",
        f"{mine} AND {updated}",
        f"{mine} AND NOT {updated} AND {referred}",
    )


def _replaced(target: Target) -> list[Replaced]:
    later = "v.batch_id = :batch_id AND v.replaced_by_batch <> :batch_id"
    by_row = ("v.row_number > CAST(:after AS bigint)", "v.row_number")
    if not target.ids_name_rows:
        return [Replaced(later, *by_row)]
    first = f"{later} AND v.version = 1 AND {inserted_by_batch('v.session_id')}"
    by_id = ("v.session_id > (SELECT first_session_id(:batch_id)) + CAST(:after AS bigint)", "v.session_id")
    return [Replaced(first, *by_id), Replaced(f"{later} AND v.version > 1", *by_row)]


def plan(db: Connection, batch_id: UUID, target: Target) -> UndoPlan:
    """Plan the undo of a batch. The plan holds until another batch, or an undo, changes the same records."""
    memory.limit(db, memory.RECONCILE_KB)
    of_batch = undoable(target)
    kept = [
        f"SELECT v.{target.version_of}, v.version FROM {target.versions} v WHERE {part.condition}"
        for part in _replaced(target)
    ]
    if of_batch.kept:
        kept.append(f"SELECT s.id, s.version FROM {target.table} s WHERE {of_batch.kept}")
    return UndoPlan(
        batch_id,
        removes=_found(db, f"SELECT s.id, s.version FROM {target.table} s WHERE {of_batch.removed}", batch_id),
        restores=_found(db, f"SELECT s.id, s.version FROM {target.table} s WHERE {of_batch.restored}", batch_id),
        keeps=_found(db, " UNION ALL ".join(kept), batch_id),
    )


def _found(db: Connection, records: str, batch_id: UUID) -> Found:
    counted = db.run(
        f"""
        SELECT count(*), CAST(coalesce(sum(CAST(hashint8extended(f.id, f.version) AS numeric)), 0) AS text)
          FROM ({records}) f (id, version)
        """,
        batch_id=batch_id,
    )[0]
    return Found(int(counted[0]), int(counted[1]))


def kept(db: Connection, batch_id: UUID, target: Target, *, limit: int, after_row: int = 0) -> list[Kept]:
    """Return the records that an undo of the batch would keep, or has kept, by the batch's rows."""
    parts = [
        f"""SELECT v.row_number, s.{target.key}, v.replaced_by_batch
              FROM {target.versions} v JOIN {target.table} s ON s.id = v.{target.version_of}
             WHERE {part.condition} AND {part.after}
          ORDER BY {part.order} LIMIT CAST(:limit AS bigint)"""
        for part in _replaced(target)
    ]
    if condition := undoable(target).kept:
        referring = "(SELECT p.batch_id FROM batch_people p WHERE p.person_id = s.id LIMIT 1)"
        parts.append(
            f"""SELECT s.row_number, s.{target.key}, {referring}
              FROM {target.table} s
             WHERE {condition} AND s.row_number > CAST(:after AS bigint)
          ORDER BY s.row_number LIMIT CAST(:limit AS bigint)"""
        )
    found = db.run(
        f"""
        SELECT row_number, key, later_batch_id
          FROM ({" UNION ALL ".join(f"({part})" for part in parts)}) f (row_number, key, later_batch_id)
      ORDER BY row_number
         LIMIT CAST(:limit AS bigint)
        """,
        batch_id=batch_id,
        limit=limit,
        after=after_row,
    )
    return [Kept(int(row), str(key), later) for row, key, later in found]
