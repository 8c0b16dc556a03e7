"""A corrected file held against hostile rejects in a process of its own, which reports its peak memory.

Run as a program: python -m tests.unit.correcting_alone NAME. The rejects are kept as a stage keeps them, and come back
as they were handed out, all of them or with a text mended, with their numbers or without.
"""

import json
import sys
import tempfile
from collections.abc import Container, Iterator
from functools import partial
from types import SimpleNamespace
from typing import IO, Any
from uuid import UUID

from ingestion.corrected_chunk import Correction
from ingestion.csv_file.chunk_reader import Block
from ingestion.csv_file.file_limits import Limits
from ingestion.faults import WHOLE_ROW, Fault, FaultCode, RawRow, RawRows, Reject
from ingestion.records import get_programme
from ingestion.rows.columns import plan_columns
from ingestion.rows.rejects import fitted, read_rejects, write_rejects
from tests.unit.reading_alone import peak_mb

PROGRAMME = get_programme("mentors_ukraine")
HEADERS = [column.name for column in PROGRAMME.columns]
PARENT = UUID(int=5)
FAULT = Fault(FaultCode.WRONG_FIELD_COUNT, WHOLE_ROW, "The row has too many fields.")
CHUNK = Limits().chunk


def row(number: int) -> list[str]:
    """The cells of a row below the usual header."""
    return [f"MS-{number}", "olena@example.org", "kari@acme.com", "03/04/2026", *["x"] * (len(HEADERS) - 4)]


def surplus_cells() -> Iterator[Reject]:
    """200 rows with 20,000 cells too many."""
    for number in range(1, 201):
        yield Reject(RawRow(number, number + 1, row(number) + ["ab"] * 20_000), (FAULT,))


def distinct_surplus_cells() -> Iterator[Reject]:
    """200 rows with 20,000 cells too many, no two of which are alike."""
    for number in range(1, 201):
        yield Reject(RawRow(number, number + 1, row(number) + [f"{number}-{at}" for at in range(20_000)]), (FAULT,))


def long_cells() -> Iterator[Reject]:
    """200 rows with texts as long as a field may be, within their columns and beyond."""
    for number in range(1, 201):
        text = f"{number:04} ø." * 18_000
        yield Reject(RawRow(number, number + 1, [*row(number)[:-1], *[text] * 5]), (FAULT,))


def many_rejects() -> Iterator[Reject]:
    """30,000 rejects, of which a chunk has the first thousands."""
    for number in range(1, 30_001):
        yield Reject(RawRow(number, number + 1, row(number)), (FAULT,))


CASES = {case.__name__: case for case in (surplus_cells, distinct_surplus_cells, long_cells, many_rejects)}
_MOST_RETURNED = 3_000


def main() -> None:
    """Hold the returned rows against the rejects, and print how many of them were rejected again."""
    rejects, keeps_numbers = CASES[sys.argv[1]], sys.argv[2] == "numbered"
    with tempfile.TemporaryFile() as kept:
        returned = _keep(rejects(), kept, keeps_numbers=keeps_numbers)
        headers = [*HEADERS, "_error_row"]
        correction = Correction(_batch(HEADERS), _batch(headers), "work")
        correction._rejects = partial(_read, kept)  # type: ignore[method-assign]
        (block,) = correction.apply([Block(RawRows.of(returned), [])])
        written = write_rejects(block.rejects)
    print(json.dumps({"rejected": len(block.rejects), "written": bool(written), "peak_mb": peak_mb()}))


def _batch(headers: list[str]) -> Any:
    plan = plan_columns(headers, PROGRAMME, corrects=len(headers) > len(HEADERS))
    return SimpleNamespace(
        column_plan=plan, program_type="mentors_ukraine", file_format=SimpleNamespace(slashed=(), typed=()), id=PARENT
    )


def _keep(rejects: Iterator[Reject], kept: IO[bytes], *, keeps_numbers: bool) -> list[RawRow]:
    """Write the rejects part by part; the rows as they come back."""
    part: list[Reject] = []
    returned: list[RawRow] = []
    size = returned_size = 0
    for reject in rejects:
        part.append(reject)
        size += sum(map(len, reject.row.cells)) + len(reject.row.cells)
        cells = fitted(reject.row.cells, len(HEADERS))
        returned_size += sum(map(len, cells))
        if len(returned) < _MOST_RETURNED and returned_size < CHUNK:
            returned.append(reject.row._replace(cells=[*cells, str(reject.row.number) if keeps_numbers else ""]))
        if size >= CHUNK:
            kept.write(write_rejects(part))
            part.clear()
            size = 0
    kept.write(write_rejects(part))
    return returned


def _read(kept: IO[bytes], numbers: Container[int] | None = None) -> Iterator[Reject]:
    kept.seek(0)
    return read_rejects(iter(lambda: kept.read(1 << 16), b""), numbers)


if __name__ == "__main__":
    main()
