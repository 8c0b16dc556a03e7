"""Measures PostgreSQL alone with the same rows: the yardstick and the floor.

The yardstick: COPY of the rows, already clean and resolved, in 1 MB blocks, one connection, into the reference table.
The floor: COPY of the raw file into a bare table of its columns.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pg8000.native

from bench.data import HEADER
from bench.resources import Meter

BLOCK_BYTES = 1_000_000

_COLUMNS = (
    "program_type, external_session_id, participant_id, volunteer_id, scheduled_at, completed_at, duration_minutes, "
    "rating, language_level, focus_area, topics, feedback_text, metadata, batch_id, row_number, line, version, "
    "program_instance_id"
)
_REFERENCE = """
    CREATE TABLE bench_reference (
        id                   uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        program_type         text COLLATE "C" NOT NULL,
        external_session_id  text COLLATE "C" NOT NULL,
        participant_id       bigint NOT NULL REFERENCES users,
        volunteer_id         bigint NOT NULL REFERENCES users,
        scheduled_at         timestamptz NOT NULL,
        completed_at         timestamptz,
        duration_minutes     smallint,
        rating               numeric,
        language_level       text COLLATE "C",
        focus_area           text,
        topics               text[],
        feedback_text        text,
        metadata             jsonb,
        batch_id             uuid NOT NULL REFERENCES ingestion_batches,
        row_number           integer NOT NULL,
        line                 integer NOT NULL,
        version              integer NOT NULL,
        program_instance_id  integer NOT NULL REFERENCES program_instances
    )
"""
_INDEXED = (
    "batch_id",
    "program_instance_id",
    "external_session_id",
    "participant_id",
    "volunteer_id",
    "completed_at",
)


@dataclass(frozen=True, slots=True)
class Copied:
    """The time of a COPY and the database's CPU seconds."""

    seconds: float = 0.0
    database_seconds: float = 0.0


def yardstick(db: pg8000.native.Connection, batch_id: str, folder: Path, meter: Meter) -> Copied:
    """Copy the rows of an imported batch into the reference table."""
    clean = folder / "clean-rows.txt"
    with clean.open("wb") as out:
        db.run(
            f"COPY (SELECT {_COLUMNS} FROM kintell_sessions WHERE batch_id = '{batch_id}' ORDER BY row_number) "
            "TO STDOUT",
            stream=out,
        )
    db.run("DROP TABLE IF EXISTS bench_reference")
    db.run(_REFERENCE)
    for column in _INDEXED:
        db.run(f"CREATE INDEX ON bench_reference ({column})")
    try:
        return _copied(db, f"COPY bench_reference ({_COLUMNS}) FROM STDIN", clean, meter)
    finally:
        db.run("DROP TABLE bench_reference")
        clean.unlink()


def floor(db: pg8000.native.Connection, file: Path, meter: Meter) -> Copied:
    """Copy the raw file into a table of text columns without an index."""
    columns = ", ".join(f"{name} text" for name in HEADER.strip().split(","))
    db.run("DROP TABLE IF EXISTS bench_floor")
    db.run(f"CREATE TABLE bench_floor ({columns})")
    try:
        return _copied(db, "COPY bench_floor FROM STDIN (FORMAT csv, HEADER)", file, meter)
    finally:
        db.run("DROP TABLE bench_floor")


def _copied(db: pg8000.native.Connection, sql: str, file: Path, meter: Meter) -> Copied:
    db.run("CHECKPOINT")
    meter.start()
    begun = time.perf_counter()
    db.run(sql, stream=_blocks(file))
    return Copied(time.perf_counter() - begun, meter.read().database_seconds)


def _blocks(file: Path) -> Iterator[bytes]:
    """The file in blocks of 1 MB."""
    with file.open("rb") as text:
        while block := text.read(BLOCK_BYTES):
            yield block
