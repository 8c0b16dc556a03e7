"""Rejected rows as values: JSON Lines packed by gzip, a thousand rows each, kept beside the error file and for as long.

What is handed out, shown or compared with a corrected file starts from here: a fault's code, field and value are never
read out of a sentence. The cells are those of the original columns as the file had them, more or fewer than the header
has names where the row was so.
"""

import gzip
import json
from collections.abc import Container, Iterable, Iterator, Sequence

from pydantic_core import PydanticSerializationError, from_json, to_json

from ingestion.csv_file.unpacking import Gunzip
from ingestion.faults import Fault, FaultCode, RawRow, Reject
from ingestion.rows.columns import ColumnPlan
from ingestion.rows.formulas import restore


def as_kept(reject: Reject, plan: ColumnPlan) -> Reject:
    """The reject with the cells that are the file's own: of a returned error file, without what we had added."""
    if not plan.is_error_file:
        return reject
    cells, width = reject.row.cells, len(plan.headers)
    own = [cells[index] for index in plan.original_indexes if index < len(cells)] + cells[width:]
    return Reject(reject.row._replace(cells=[restore(cell) for cell in own]), reject.faults)


def all_as_kept(rejects: Iterable[Reject], plan: ColumnPlan) -> list[Reject]:
    """The same of many."""
    return [as_kept(reject, plan) for reject in rejects] if plan.is_error_file else list(rejects)


def kept_headers(plan: ColumnPlan) -> list[str]:
    """The names of the cells that are kept."""
    headers = [plan.headers[index] for index in plan.original_indexes]
    return [restore(header) for header in headers] if plan.is_error_file else headers


def fitted(cells: list[str], width: int) -> list[str]:
    """The cells as they are handed out: as many as there are columns."""
    return cells[:width] if len(cells) >= width else cells + [""] * (width - len(cells))


def write_rejects(rejects: Sequence[Reject]) -> bytes:
    """The rows as lines, packed by gzip: files of them one behind the other are one file."""
    lines = [_write(rejects[at : at + _ROWS_A_LINE]) for at in range(0, len(rejects), _ROWS_A_LINE)]
    return gzip.compress(b"\n".join([*lines, b""]), _FASTEST, mtime=0)


def read_rejects(blocks: Iterable[bytes], numbers: Container[int] | None = None) -> Iterator[Reject]:
    """The rows of a file that comes in blocks, or those of given numbers."""
    for line in _lines_of(blocks):
        said = from_json(line) if b"\\ud" not in line else json.loads(line)
        faults = [Fault(FaultCode(code), *facts) for code, *facts in said["faults"]]
        for number, place, cells, which in zip(said["row"], said["line"], said["cells"], said["fault"], strict=True):
            if numbers is None or number in numbers:
                yield Reject(RawRow(number, place, cells), tuple([faults[index] for index in which]))


_FASTEST = 1
_ROWS_A_LINE = 1_000


def _write(rejects: Sequence[Reject]) -> bytes:
    """One line, column by column; rows whose cells are alike share their faults, each of which is written once."""
    distinct = {id(fault): fault for reject in rejects for fault in reject.faults}
    index_of = {key: index for index, key in enumerate(distinct)}
    return _to_json(
        {
            "row": [reject.row.number for reject in rejects],
            "line": [reject.row.line for reject in rejects],
            "cells": [reject.row.cells for reject in rejects],
            "fault": [[index_of[id(fault)] for fault in reject.faults] for reject in rejects],
            "faults": [(one.code, one.field, one.message, one.value, one.has_advice) for one in distinct.values()],
        }
    )


def _to_json(value: object) -> bytes:
    try:
        return to_json(value)
    except (PydanticSerializationError, UnicodeEncodeError):
        # Half of a character, which UTF-8 can't hold and JSON can.
        return json.dumps(value, separators=(",", ":")).encode()


def _lines_of(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of a file that comes in blocks, without their ends."""
    rest: list[bytes] = []
    for block in _unpacked(blocks):
        first, *others = block.split(b"\n")
        rest.append(first)
        if others:
            yield b"".join(rest)
            rest = [others.pop()]
            yield from others


def _unpacked(blocks: Iterable[bytes]) -> Iterator[bytes]:
    gunzip = Gunzip()
    for block in blocks:
        yield from gunzip.feed(block)
    gunzip.finish()
