"""Rejected rows as values: gzipped JSON Lines, a thousand rows to a line, kept beside the error file for as long.

Whatever is handed out, shown or compared with a corrected file starts from these, so a fault's code, field and value
are never parsed from a message. The cells are those of the original columns as the file had them, more or fewer than
the headers if the row was ragged.
"""

import json
import zlib
from collections.abc import Container, Iterable, Iterator, Sequence

from pydantic_core import PydanticSerializationError, from_json, to_json

from ingestion.csv_file.unpacking import Gunzip
from ingestion.faults import Fault, FaultCode, RawRow, Reject
from ingestion.rows.columns import ColumnPlan
from ingestion.rows.formulas import restore


def as_kept(reject: Reject, plan: ColumnPlan) -> Reject:
    """Keep only the file's own cells: in a returned error file, drop what we added."""
    if not plan.is_error_file:
        return reject
    cells, width = reject.row.cells, len(plan.headers)
    own = [cells[index] for index in plan.original_indexes if index < len(cells)] + cells[width:]
    return Reject(reject.row._replace(cells=[restore(cell) for cell in own]), reject.faults)


def all_as_kept(rejects: Iterable[Reject], plan: ColumnPlan) -> list[Reject]:
    """Apply `as_kept` to many rejects."""
    return [as_kept(reject, plan) for reject in rejects] if plan.is_error_file else list(rejects)


def kept_headers(plan: ColumnPlan) -> list[str]:
    """Return the headers of the cells that are kept."""
    headers = [plan.headers[index] for index in plan.original_indexes]
    return [restore(header) for header in headers] if plan.is_error_file else headers


def fitted(cells: list[str], width: int) -> list[str]:
    """Cut or fill up the cells to the number of columns, as they are handed out."""
    return cells[:width] if len(cells) >= width else cells + [""] * (width - len(cells))


def write_rejects(rejects: Sequence[Reject]) -> bytes:
    """Write rows as gzipped lines; such files can be concatenated."""
    packer = zlib.compressobj(_FASTEST, zlib.DEFLATED, _GZIP)
    packed = [packer.compress(_write(some) + b"\n") for some in _in_lines(rejects)]
    return b"".join([*packed, packer.flush()])


def read_rejects(blocks: Iterable[bytes], numbers: Container[int] | None = None) -> Iterator[Reject]:
    """Read the rows of a file that arrives in blocks, or only those with these *numbers*."""
    for line in _lines_of(blocks):
        said = from_json(line) if b"\\ud" not in line else json.loads(line)
        faults = [Fault(FaultCode(code), *facts) for code, *facts in said["faults"]]
        for number, place, cells, which in zip(said["row"], said["line"], said["cells"], said["fault"], strict=True):
            if numbers is None or number in numbers:
                yield Reject(RawRow(number, place, cells), tuple([faults[index] for index in which]))


_FASTEST = 1
_GZIP = 31
"""The window of `zlib` that stands for the header of gzip."""
_ROWS_A_LINE = 1_000
_SIZE_A_LINE = 1 << 20
"""Roughly in bytes: a reader holds all cells of a line."""
_CELL_BYTES = 32


def _in_lines(rejects: Sequence[Reject]) -> Iterator[Sequence[Reject]]:
    """The rows of each line: a thousand, or fewer if they have many or long cells."""
    for start in range(0, len(rejects), _ROWS_A_LINE):
        some, size, begin = rejects[start : start + _ROWS_A_LINE], 0, 0
        for at, reject in enumerate(some):
            if size >= _SIZE_A_LINE:
                yield some[begin:at]
                begin, size = at, 0
            size += _CELL_BYTES * len(reject.row.cells) + len("".join(reject.row.cells))
        yield some[begin:]


def _write(rejects: Sequence[Reject]) -> bytes:
    """Write one line, column by column; each distinct fault is written once and shared by its rows."""
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
        # Half a surrogate pair, which JSON can represent but UTF-8 can't.
        return json.dumps(value, separators=(",", ":")).encode()


def _lines_of(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Split a file that arrives in blocks into lines without their ends."""
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
