"""Count and hash the staged rows of a batch, in one pass over them.

The hash of a row is PostgreSQL's own for values of their types, so `4.0` is `4` and a moment is the same in each zone.
"""

from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from ingestion.database.connection import Connection, transaction
from ingestion.database.publishing import memory
from ingestion.database.publishing.staging import exists, rows_table
from ingestion.records import Field, RecordType
from ingestion.rows.content_hashes import Sums


class StagedContent(NamedTuple):
    """The staged rows of a batch."""

    rows: dict[int, int]
    """How many of each chunk."""
    sums: Sums


class Hashed(NamedTuple):
    """What of a staged row is hashed: the fields that the file has."""

    record: RecordType
    fields: frozenset[str]
    by_address: bool
    """Whether people are told apart by their addresses: some have no id before they are created."""


def read(db: Connection, batch_id: UUID, hashed: Hashed) -> StagedContent | None:
    """Count and hash; None if the batch has no staging tables."""
    if not exists(db, batch_id):
        return None
    values = ", ".join(_values(hashed))
    with transaction(db):
        memory.limit(db, memory.RECONCILE_KB)
        found = db.run(
            f"""
            SELECT r.chunk, count(*), sum(hash_record_extended(ROW({values}), 0))
              FROM {rows_table(batch_id)} r
              {" ".join(_joins(hashed))}
             GROUP BY r.chunk
            """
        )
    rows = {int(chunk): int(count) for chunk, count, _ in found}
    return StagedContent(rows, Sums(sum(rows.values()), sum(int(hashes) for _, _, hashes in found)))


def _values(hashed: Hashed) -> Iterable[str]:
    for field in hashed.record.fields:
        if field.name in hashed.fields:
            yield _person(field, hashed) if field in hashed.record.people else f"r.{field.staged}"


def _person(field: Field, hashed: Hashed) -> str:
    return f"coalesce(r.{field.staged}, {field.alias}.email)" if hashed.by_address else f"r.{field.id_name}"


def _joins(hashed: Hashed) -> Iterable[str]:
    for field in hashed.record.people if hashed.by_address else ():
        yield f"LEFT JOIN users {field.alias} ON {field.alias}.id = r.{field.id_name}"
