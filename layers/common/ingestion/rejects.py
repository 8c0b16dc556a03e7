"""Rejected rows as values: JSON Lines, a row each, kept beside the error file and for as long.

What is handed out, shown or compared with a corrected file starts from here: a fault's code, field and value are never
read out of a sentence. The cells are those of the original columns as the file had them, more or fewer than the header
has names where the row was so.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from pydantic_core import PydanticSerializationError, from_json, to_json

from ingestion.columns import ColumnPlan
from ingestion.faults import Fault, FaultCode, RawRow, Reject
from ingestion.formulas import restore


def as_kept(reject: Reject, plan: ColumnPlan) -> Reject:
    """The reject with the cells that are the file's own: of a returned error file, without what we had added."""
    if not plan.is_error_file:
        return reject
    cells, width = reject.row.cells, len(plan.headers)
    own = [cells[index] for index in plan.original_indexes if index < len(cells)] + cells[width:]
    return Reject(reject.row._replace(cells=[restore(cell) for cell in own]), reject.faults)


def kept_headers(plan: ColumnPlan) -> list[str]:
    """The names of the cells that are kept."""
    headers = [plan.headers[index] for index in plan.original_indexes]
    return [restore(header) for header in headers] if plan.is_error_file else headers


def fitted(cells: list[str], width: int) -> list[str]:
    """The cells as they are handed out: as many as there are columns."""
    return cells[:width] if len(cells) >= width else cells + [""] * (width - len(cells))


def write_rejects(rejects: Iterable[Reject]) -> bytes:
    """The rows as lines."""
    lines = [_to_json(_as_json(reject)) for reject in rejects]
    return b"\n".join([*lines, b""])


def read_rejects(lines: Iterable[bytes]) -> Iterator[Reject]:
    """The rows that such lines hold."""
    return map(read_reject, lines)


def read_reject(line: bytes) -> Reject:
    """The row of one line."""
    said = from_json(line) if b"\\ud" not in line else json.loads(line)
    faults = [Fault(FaultCode(one["code"]), one["field"], one["message"], one["value"]) for one in said["faults"]]
    return Reject(RawRow(said["row"], said["line"], said["cells"]), tuple(faults))


def row_number(line: bytes) -> int:
    """The number of a line's row, which stands first in it: found without reading the rest."""
    return int(line[len(_FIRST) : line.index(b",")])


_FIRST = b'{"row":'


def _as_json(reject: Reject) -> dict[str, Any]:
    row = reject.row
    return {
        "row": row.number,
        "line": row.line,
        "cells": row.cells,
        "faults": [
            {"code": fault.code.value, "field": fault.field, "message": fault.message, "value": fault.value}
            for fault in reject.faults
        ],
    }


def _to_json(value: dict[str, Any]) -> bytes:
    try:
        return to_json(value)
    except (PydanticSerializationError, UnicodeEncodeError):
        # Half of a character, which UTF-8 can't hold and JSON can.
        return json.dumps(value, separators=(",", ":")).encode()


def lines_of(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The whole lines of a file that comes in blocks, without their ends."""
    rest: list[bytes] = []
    for block in blocks:
        first, *others = block.split(b"\n")
        rest.append(first)
        if others:
            yield b"".join(rest)
            rest = [others.pop()]
            yield from others
    if last := b"".join(rest):
        yield last
