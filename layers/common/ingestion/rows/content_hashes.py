"""The hash of a file's rows as they are understood: the same however the file is saved.

Rows are a multiset: each has a hash of its values, and the sum of all hashes depends neither on the order of the rows
nor on where the file was cut into chunks. (With an exclusive or, two equal rows would cancel each other out.)
PostgreSQL hashes valid rows, as they are staged, and this module rejected ones: see
docs/decisions/0029-files-compared-by-their-rows.md.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from operator import itemgetter
from typing import Final, NamedTuple

from ingestion.faults import Fault, Reject
from ingestion.records.record_type import Column
from ingestion.rows.columns import ColumnPlan
from ingestion.rows.formulas import restore
from ingestion.rows.readings import Findings, Readings
from ingestion.values import dates
from ingestion.values.cells import Cell
from ingestion.values.spreadsheets import bare

_HASH_BYTES: Final = 8
_ROWS_AT_ONCE: Final = 2_000


class Sums(NamedTuple):
    """How many rows of a kind a file has, and the sum of their hashes."""

    rows: int
    hashes: int


def content_hash(plan: ColumnPlan, valid: Sums, rejected: Sums) -> str:
    """Hash what a file holds: its rows, and which of the programme's columns it has."""
    said = [plan.programme.program_type, sorted(plan.indexes), *map(str, (*valid, *rejected))]
    return sha256(json.dumps(said).encode()).hexdigest()


def sum_of_rejects(rejects: Sequence[Reject], plan: ColumnPlan) -> int:
    """Add up the hashes of rejected rows: of values that can be read, and of the trimmed texts of other cells."""
    width = len(plan.headers)
    whole = [reject.row.cells for reject in rejects if len(reject.row.cells) == width]
    ragged = [reject.row.cells for reject in rejects if len(reject.row.cells) != width]
    some = (whole[start : start + _ROWS_AT_ONCE] for start in range(0, len(whole), _ROWS_AT_ONCE))
    return sum(sum(map(_hash, _understood(rows, plan))) for rows in some) + sum(map(_hash, _trimmed(ragged, plan)))


def _hash(values: tuple[str, ...]) -> int:
    # As Python writes a tuple: no value reads as two, and half a surrogate pair can be encoded.
    return int.from_bytes(sha256(repr(values).encode()).digest()[:_HASH_BYTES])


def _understood(rows: Sequence[Sequence[str]], plan: ColumnPlan) -> Iterable[tuple[str, ...]]:
    columns = []
    for column in sorted(plan.programme.columns, key=lambda each: each.name):
        if column.name in plan.indexes:
            texts = list(map(itemgetter(plan.indexes[column.name]), rows))
            columns.append(_written(column, list(map(restore, texts)) if plan.is_error_file else texts, plan))
    return zip(*columns, strict=True)


def _trimmed(rows: Iterable[Sequence[str]], plan: ColumnPlan) -> Iterable[tuple[str, ...]]:
    """The cells of rows that do not have one for each column, in their order."""
    for cells in rows:
        yield tuple([bare(restore(cell) if plan.is_error_file else cell) for cell in cells])


def _written(column: Column, texts: Sequence[str], plan: ColumnPlan) -> list[str]:
    """Write the values of a column's texts, each in one way."""
    known: Sequence[str | None] = dates.as_written(texts) if column.rule is dates.date else [None] * len(texts)
    unknown = [text for text, written in zip(texts, known, strict=True) if written is None]
    values: Sequence[Cell] | None = column.at_once(unknown) if column.at_once and unknown else None
    if values is not None:
        return ["" if value is None else str(value) for value in values]
    readings: Readings = Findings(plan, None).read(column, unknown) if unknown else {}
    spelt = {text: _spelt(text, value) for text, value in readings.items()}
    return [written or spelt[text] for text, written in zip(texts, known, strict=True)]


def _spelt(text: str, value: Cell | Fault) -> str:
    match value:
        case Fault():
            return bare(text)
        case None:
            return ""
        case Decimal():
            return f"{value.normalize():f}"
        case datetime():
            return f"{value:%Y-%m-%dT%H:%M:%S}" + (f".{value.microsecond:06}" if value.microsecond else "") + "Z"
        case tuple():
            return repr(value)
    return str(value)
