"""The staging tables of a batch: its valid rows and their outcomes, before anything is published.

Each batch has its own unlogged tables, which are dropped whole, so that staging costs no WAL, no index and no vacuum.
With several shards the rows are partitioned by shard, so that a merge reads only its own.
"""

import re
from collections.abc import Iterable, Sequence
from uuid import UUID

from ingestion.database.connection import Connection, DatabaseError, sqlstate
from ingestion.database.publishing.targets import Target

# Data exceptions and integrity violations: the row is at fault, not the statement.
_REFUSED_ROW = ("22", "23")
# Staging tables are dropped before a vacuum could help.
_NO_VACUUM = "WITH (autovacuum_enabled = false)"
_LINE = re.compile(r"COPY \S+, line (\d+)")


class RowRefused(Exception):
    """The database refused the row at `index`, counted from 0 in this COPY, and so stored none of its rows."""

    def __init__(self, index: int, state: str) -> None:
        super().__init__(f"the database refused a row ({state})")
        self.index = index
        self.sqlstate = state


def rows_table(batch_id: UUID) -> str:
    """Name the table of the batch's staged rows."""
    return f"staging.rows_{batch_id.hex}"


def shard_tables(batch_id: UUID, shards: Sequence[int], shard_count: int) -> list[str]:
    """Name the tables of some shards' staged rows: partitions, if there is more than one shard."""
    table = rows_table(batch_id)
    return [table] * bool(shards) if shard_count == 1 else [f"{table}_{shard}" for shard in shards]


def repeated_table(batch_id: UUID) -> str:
    """Name the table of the keys that are repeated in the file, which exists while it is reconciled."""
    return f"staging.repeated_{batch_id.hex}"


def changes_table(batch_id: UUID) -> str:
    """Name the table of the outcomes of staged rows that are not simply new."""
    return f"staging.changes_{batch_id.hex}"


def exists(db: Connection, batch_id: UUID) -> bool:
    """Whether the batch has staging tables.

    Asks pg_class itself, since to_regclass may answer from the connection's cache.
    """
    found = db.run(
        "SELECT FROM pg_class WHERE relnamespace = 'staging'::regnamespace AND relname = :name",
        name=rows_table(batch_id).removeprefix("staging."),
    )
    return bool(found)


def create(db: Connection, batch_id: UUID, target: Target, shard_count: int) -> None:
    """Create the batch's staging tables if it has none. Parallel stages of a batch wait for each other here."""
    db.run("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))", name=rows_table(batch_id))
    if exists(db, batch_id):
        return
    table, like = rows_table(batch_id), f"LIKE staging.{target.staged} INCLUDING CONSTRAINTS"
    if shard_count == 1:
        db.run(f"CREATE UNLOGGED TABLE {table} ({like}) {_NO_VACUUM}")
    else:
        db.run(f"CREATE TABLE {table} ({like}) PARTITION BY LIST (shard)")
        for shard in range(shard_count):
            db.run(f"CREATE UNLOGGED TABLE {table}_{shard} PARTITION OF {table} FOR VALUES IN ({shard}) {_NO_VACUUM}")


def drop(db: Connection, batch_id: UUID) -> None:
    """Drop the batch's staging tables, if it has any."""
    db.run(f"DROP TABLE IF EXISTS {rows_table(batch_id)}, {changes_table(batch_id)}")


def batches(db: Connection) -> list[UUID]:
    """Return the batches that have staging tables."""
    found = db.run(
        """
        SELECT substr(relname, 6) FROM pg_class
         WHERE relnamespace = 'staging'::regnamespace AND relname ~ '^rows_[0-9a-f]{32}$'
        """
    )
    return [UUID(row[0]) for row in found]


def forget_chunk(db: Connection, batch_id: UUID, chunk: int) -> None:
    """Delete what an earlier attempt staged of the chunk."""
    db.run(f"DELETE FROM {rows_table(batch_id)} WHERE chunk = :chunk", chunk=chunk)


def copy(db: Connection, batch_id: UUID, columns: Iterable[str], blocks: Iterable[bytes]) -> None:
    """Add rows of these columns in COPY's text format, in blocks of about a mebibyte: all or nothing.

    Raises RowRefused. The savepoint `before_copy` keeps the transaction usable after a refused row.
    """
    db.run("SAVEPOINT before_copy")
    try:
        db.run(f"COPY {rows_table(batch_id)} ({', '.join(columns)}) FROM STDIN", stream=iter(blocks))
    except DatabaseError as failed:
        line = _LINE.search(str(failed.args[0].get("W", ""))) if isinstance(failed.args[0], dict) else None
        if line is None or not sqlstate(failed).startswith(_REFUSED_ROW):
            raise
        db.run("ROLLBACK TO SAVEPOINT before_copy")
        raise RowRefused(int(line[1]) - 1, sqlstate(failed)) from failed
    db.run("RELEASE SAVEPOINT before_copy")


def analyze(db: Connection, table: str) -> None:
    """Let the planner know how many rows a staging table has; a small sample of their content is enough."""
    db.run("SET LOCAL default_statistics_target = 1")
    db.run(f"ANALYZE {table}")
    db.run("SET LOCAL default_statistics_target TO DEFAULT")


def shard_columns(numbers: Sequence[int]) -> str:
    """Return an SQL list of shard numbers, which matches nothing if there are none."""
    return ", ".join(str(int(number)) for number in numbers) or "NULL"
