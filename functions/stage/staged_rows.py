"""Writes valid rows into the staging table in COPY's text format."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from typing import Any
from uuid import UUID
from zlib import crc32

from ingestion.database import copy_text
from ingestion.database.connection import Connection
from ingestion.database.copy_text import NULL, moments, texts
from ingestion.database.publishing import staging
from ingestion.database.publishing.staging import RowRefused
from ingestion.database.publishing.targets import PLACE_OF_STAGED, target_of
from ingestion.faults import Fault
from ingestion.records.record_type import Type
from ingestion.rows.columns import ColumnPlan
from ingestion.rows.validation import Validated
from ingestion.values import dates

LINES_PER_BLOCK = 4_000
"""About 1 MiB of ordinary rows; smaller blocks make COPY slower."""
LINES_AFTER_REFUSAL = 500
"""After the database refuses a row, blocks are smaller, since the rows around a refused one are sent again."""

Written = Iterable[str]


def columns_to_stage(plan: ColumnPlan, *, creates_people: bool) -> list[str]:
    """The columns that the file has; one that would be NULL in every row is not sent."""
    said = {column.fills for column in plan.programme.columns if column.name in plan.indexes}
    record = plan.programme.record
    # A field that is never empty, such as a role, is sent even if the file has no column for it.
    said |= {field.staged for field in record.fields if field.default}
    said |= {*PLACE_OF_STAGED, *(field.id_name for field in record.people)}
    if not creates_people:
        said -= {field.staged for field in record.people}
    return [name for name in target_of(record).staged_columns if name in said]


class StagedRows:
    """The rows of a chunk as lines of COPY, in file order."""

    def __init__(self, chunk: int, shard_count: int, columns: Sequence[str]) -> None:
        self._chunk = str(chunk)
        self._shard_names = list(map(str, range(shard_count)))
        self.columns = columns
        self.lines: list[str] = []
        self.numbers: list[int] = []

    def __len__(self) -> int:
        return len(self.lines)

    def add(self, valid: Validated, ids: Mapping[str, str]) -> None:
        """Add rows. People without an id are staged by email; Reconcile creates them."""
        record = valid.record
        known: dict[str, Written] = {}
        for person in record.people:
            emails = valid.columns[person.staged]
            found = list(map(ids.get, emails, repeat(NULL)))
            known[person.id_name], known[person.staged] = found, _unknown(emails, found)
        place: dict[str, Written] = {
            "chunk": repeat(self._chunk),
            "shard": self._shards(valid.columns[record.key.staged]),
            "row_number": map(str, valid.columns["row_number"]),
            "line": map(str, valid.columns["line"]),
            **known,
        }
        types = {field.staged: field.type for field in record.fields}
        written = (place[name] if name in place else _WRITERS[types[name]](valid, name) for name in self.columns)
        self.numbers += valid.columns["row_number"]
        self.lines += copy_text.lines(*written)

    def _shards(self, keys: Sequence[str]) -> Written:
        """The shard of each key, the same in every chunk, so that a key lives in one shard."""
        names = self._shard_names
        if len(names) == 1:
            return repeat("0")
        count = len(names)
        return [names[crc32(key.encode()) % count] for key in keys]


def _unknown(emails: Sequence[str], ids: Sequence[str]) -> Written:
    """The emails of people who have no id."""
    if NULL not in ids:
        return repeat(NULL)
    return texts([email if user_id == NULL else None for email, user_id in zip(emails, ids, strict=True)])


def _each(valid: Validated, field: str) -> Written:
    """Write a column whose texts are rarely repeated."""
    return texts(valid.columns[field])


def _moments(valid: Validated, field: str) -> Written:
    if not valid.readings[field]:
        # Sent as they are, since PostgreSQL reads all of them as they are written.
        return valid.cells[field]
    return moments(valid.columns[field], dates.as_written(valid.cells[field]))


def _repeated(write: Callable[[Any], str]) -> Callable[[Validated, str], Written]:
    """A writer for a column whose texts are often repeated: it converts each text once."""

    def written(valid: Validated, field: str) -> Written:
        if field not in valid.cells:
            return map(write, valid.columns[field])
        by_cell = {text: write(value) for text, value in valid.readings[field].items() if not isinstance(value, Fault)}
        return map(by_cell.__getitem__, valid.cells[field])

    return written


_WRITERS: dict[Type, Callable[[Validated, str], Written]] = {
    Type.TEXT: _each,
    Type.LABEL: _repeated(copy_text.text),
    Type.WORD: _repeated(copy_text.plain),
    Type.INTEGER: _repeated(copy_text.plain),
    Type.DECIMAL: _repeated(copy_text.plain),
    Type.MOMENT: _moments,
    Type.TEXTS: _repeated(copy_text.array),
    Type.JSON: _each,
}


def copy_rows(db: Connection, batch_id: UUID, rows: StagedRows) -> dict[int, str]:
    """Copy the rows into the staging table; returns the SQLSTATE of each row that the database refused, by row number.

    A refused row doesn't cost the others: the rows before it are copied, then the rows after it.
    """
    refused: dict[int, str] = {}
    start, at_once = 0, len(rows)
    while start < len(rows):
        end = min(start + at_once, len(rows))
        try:
            staging.copy(db, batch_id, rows.columns, _blocks(rows.lines[start:end]))
        except RowRefused as refusal:
            at_once = LINES_AFTER_REFUSAL
            bad = start + refusal.index
            staging.copy(db, batch_id, rows.columns, _blocks(rows.lines[start:bad]))
            refused[rows.numbers[bad]] = refusal.sqlstate
            start = bad + 1
        else:
            start = end
    return refused


def _blocks(lines: Sequence[str]) -> Iterator[bytes]:
    for start in range(0, len(lines), LINES_PER_BLOCK):
        yield ("\n".join(lines[start : start + LINES_PER_BLOCK]) + "\n").encode()
