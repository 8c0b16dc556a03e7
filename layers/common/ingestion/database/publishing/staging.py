"""The staging tables of a batch: its valid rows and what is to become of them, before anything is published.

Each batch has tables of its own, unlogged and dropped in one piece, so that staging costs no WAL, no index and no
vacuum. With several shards the rows are partitioned by shard, so that a merge reads only its own.
"""

import re
from collections.abc import Iterable, Sequence
from uuid import UUID

from ingestion.database.connection import Connection, DatabaseError, sqlstate
from ingestion.database.publishing.targets import Target

# Data exceptions and integrity violations: the row is at fault, not the statement.
_REFUSED_ROW = ("22", "23")
# Dropped before a vacuum would be of any use to them.
_NO_VACUUM = "WITH (autovacuum_enabled = false)"
_LINE = re.compile(r"COPY \S+, line (\d+)")


class RowRefused(Exception):
    """The database refused the row at `index`, counted from 0 among those of this COPY; none of them was taken."""

    def __init__(self, index: int, state: str) -> None:
        super().__init__(f"the database refused a row ({state})")
        self.index = index
        self.sqlstate = state


def rows_table(batch_id: UUID) -> str:
    """The table of the batch's staged rows."""
    return f"staging.rows_{batch_id.hex}"


def shard_tables(batch_id: UUID, shards: Sequence[int], shard_count: int) -> list[str]:
    """The tables of the staged rows of some shards: partitions, if there is more than one shard."""
    table = rows_table(batch_id)
    return [table] * bool(shards) if shard_count == 1 else [f"{table}_{shard}" for shard in shards]


def repeated_table(batch_id: UUID) -> str:
    """The table of the keys that stand more than once in the file, while it is being reconciled."""
    return f"staging.repeated_{batch_id.hex}"


def changes_table(batch_id: UUID) -> str:
    """The table of what becomes of those staged rows that are not simply new."""
    return f"staging.changes_{batch_id.hex}"


def exists(db: Connection, batch_id: UUID) -> bool:
    """Whether the batch has staging tables.

    Asked of pg_class itself: to_regclass may answer from what the connection remembers of its last look.
    """
    found = db.run(
        "SELECT FROM pg_class WHERE relnamespace = 'staging'::regnamespace AND relname = :name",
        name=rows_table(batch_id).removeprefix("staging."),
    )
    return bool(found)


def create(db: Connection, batch_id: UUID, target: Target, shard_count: int) -> None:
    """Create the batch's staging tables if it has none. Stages of the same batch wait for each other here."""
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
    """The batches that have staging tables."""
    found = db.run(
        """
        SELECT substr(relname, 6) FROM pg_class
         WHERE relnamespace = 'staging'::regnamespace AND relname ~ '^rows_[0-9a-f]{32}$'
        """
    )
    return [UUID(row[0]) for row in found]


def forget_chunk(db: Connection, batch_id: UUID, chunk: int) -> None:
    """Remove what an earlier try staged of the chunk."""
    db.run(f"DELETE FROM {rows_table(batch_id)} WHERE chunk = :chunk", chunk=chunk)


def copy(db: Connection, batch_id: UUID, columns: Iterable[str], blocks: Iterable[bytes]) -> None:
    """Add rows of these columns in COPY's text format, in blocks of about a mebibyte: all or nothing.

    Raises RowRefused. Uses the savepoint `before_copy`, so that the transaction goes on after a refused row.
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


def counts(db: Connection, batch_id: UUID) -> dict[int, int] | None:
    """How many rows of each chunk are really there; None if the batch has no staging tables."""
    if not exists(db, batch_id):
        return None
    found = db.run(f"SELECT chunk, count(*) FROM {rows_table(batch_id)} GROUP BY chunk")
    return {int(chunk): int(count) for chunk, count in found}


def analyze(db: Connection, table: str) -> None:
    """Let the planner know how many rows a staging table has; of what is in them, a glance is enough."""
    db.run("SET LOCAL default_statistics_target = 1")
    db.run(f"ANALYZE {table}")
    db.run("SET LOCAL default_statistics_target TO DEFAULT")


def shard_columns(numbers: Sequence[int]) -> str:
    """SQL list of shard numbers; of none, a list that no shard is in."""
    return ", ".join(str(int(number)) for number in numbers) or "NULL"
