"""Rows to test with: each function adds one, with whatever its test does not care about made up."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import pytest

from ingestion.batch import Tally
from ingestion.database.connection import Connection, DatabaseError, sqlstate

NOT_NULL, FOREIGN_KEY, UNIQUE, CHECK = "23502", "23503", "23505", "23514"
MENTORS, LANGUAGE = "mentors_ukraine", "language_ukraine"

_numbers = count(1)


@contextmanager
def refused(db: Connection, state: str, constraint: str | None = None) -> Iterator[None]:
    """What stands inside must be refused with this SQLSTATE; the transaction goes on."""
    db.run("SAVEPOINT before_refusal")
    with pytest.raises(DatabaseError) as raised:
        yield
    db.run("ROLLBACK TO SAVEPOINT before_refusal")
    assert sqlstate(raised.value) == state
    assert constraint in (None, raised.value.args[0].get("n"))


def insert(db: Connection, table: str, **columns: Any) -> Any:
    """Add one row; its first column."""
    names = ", ".join(columns)
    values = ", ".join(f":{name}" for name in columns)
    return db.run(f"INSERT INTO {table} ({names}) VALUES ({values}) RETURNING *", **columns)[0][0]


def a_hash() -> str:
    """A SHA-256 that no other file has."""
    return f"{next(_numbers):064x}"


def add_upload(db: Connection, **columns: Any) -> UUID:
    """An upload that waits to be decided on."""
    given = {"bucket": "uploads", "key": "incoming/a.csv", "version_id": uuid4().hex, "file_name": "a.csv"}
    upload_id: UUID = insert(db, "uploads", **{**given, **columns})
    return upload_id


def add_batch(db: Connection, status: str = "pending", **columns: Any) -> UUID:
    """A batch of ten rows, in a state; where it has ended, all of its rows were inserted, or skipped if it failed."""
    given: dict[str, Any] = {
        "upload_id": columns.get("upload_id") or add_upload(db),
        "program_type": MENTORS,
        "file_name": "a.csv",
        "file_hash": a_hash(),
        "file_size_bytes": 1,
        "status": status,
        "format": "{}",
        "csv_metadata": "{}",
        "total_rows": 10,
    }
    if status in ("completed", "archived", "undoing", "undone"):
        given |= {"inserted_rows": 10, "completed_at": "2024-12-01T12:00:00Z"}
        given |= {"undone_at": "2024-12-02T12:00:00Z"} if status == "undone" else {}
    elif status == "failed":
        given |= {"skipped_rows": 10, "completed_at": "2024-12-01T12:00:00Z", "failure_reason": "import_broke: x"}
    batch_id: UUID = insert(db, "ingestion_batches", **{**given, **columns})
    return batch_id


def account_for(db: Connection, batch_id: UUID, tally: Tally) -> None:
    """Ledgers in which each row of the batch has come to something, in one chunk and one shard."""
    for ledger in ("chunks", "shards"):
        db.run(f"DELETE FROM {ledger} WHERE batch_id = :id", id=batch_id)
    insert(
        db,
        "chunks",
        batch_id=batch_id,
        number=1,
        span="{}",
        first_row=1,
        state="reconciled",
        rows=tally.total,
        staged_rows=tally.total - tally.rejected,
        rejected_rows=tally.rejected,
        inserted_rows=tally.inserted,
        updated_rows=tally.updated,
        unchanged_rows=tally.unchanged,
    )
    merged = {"inserted_rows": tally.inserted, "updated_rows": tally.updated, "merged_at": "2024-12-01T12:00:00Z"}
    insert(db, "shards", batch_id=batch_id, number=0, **merged)


def batch_columns(db: Connection, batch_id: UUID, columns: str) -> list[Any]:
    """Some columns of a batch."""
    return db.run(f"SELECT {columns} FROM ingestion_batches WHERE id = :id", id=batch_id)[0]


def add_user(db: Connection, role: str = "participant") -> int:
    """Somebody."""
    return int(insert(db, "users", email=f"{role}{next(_numbers)}@example.org", role=role))


def add_instance(db: Connection, program_type: str = MENTORS) -> int:
    """A programme instance."""
    return int(insert(db, "program_instances", program_type=program_type, slug=f"run-{next(_numbers)}", name="A run"))


def session_id(db: Connection, batch_id: UUID, row_number: int) -> int:
    """The id of the session that this row of the batch inserts; of no batch, one that no session has."""
    return int(db.run("SELECT coalesce(first_session_id(:id), 0)", id=batch_id)[0][0]) + row_number


def a_session(db: Connection, **columns: Any) -> dict[str, Any]:
    """The columns of a session whose people, batch and instance are there."""
    program_type = columns.get("program_type", MENTORS)
    batch_id = columns.get("batch_id") or add_batch(db)
    row_number = columns.get("row_number") or next(_numbers)
    return {
        "id": session_id(db, batch_id, row_number),
        "participant_id": columns.get("participant_id") or add_user(db),
        "volunteer_id": columns.get("volunteer_id") or add_user(db, "volunteer"),
        "scheduled_at": "2024-11-05T17:00:00Z",
        "batch_id": batch_id,
        "row_number": row_number,
        "line": 2,
        "version": 1,
        "program_instance_id": columns.get("program_instance_id") or add_instance(db, program_type),
        "program_type": program_type,
        "external_session_id": f"MS-{next(_numbers)}",
        **columns,
    }


def add_session(db: Connection, **columns: Any) -> int:
    """A session."""
    return int(insert(db, "kintell_sessions", **a_session(db, **columns)))


def add_earlier_version(db: Connection, session_id: int, batch_id: UUID, row_number: int) -> None:
    """What a session was as this row of a batch left it: its first version, replaced by the row that it has now."""
    db.run(
        """
        INSERT INTO kintell_session_versions (session_id, version, program_instance_id, scheduled_at, batch_id,
                                              row_number, line, replaced_by_batch, replaced_by_row)
        SELECT id, 1, program_instance_id, scheduled_at, :batch_id, CAST(:row_number AS int),
               CAST(:row_number AS int) + 1, batch_id, row_number
          FROM kintell_sessions WHERE id = :id
        """,
        id=session_id,
        batch_id=batch_id,
        row_number=row_number,
    )


def backend(db: Connection) -> int:
    """Which of the server's processes serves the connection."""
    return int(db.run("SELECT pg_backend_pid()")[0][0])


def wait_until_blocked(observer: Connection, pid: int) -> None:
    """Come back once the other process waits for a lock; fails if it does not within seconds."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        found = observer.run("SELECT cardinality(pg_blocking_pids(:pid))", pid=pid)
        if found[0][0]:
            return
        time.sleep(0.01)
    raise AssertionError("it does not wait")
