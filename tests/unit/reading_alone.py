"""A hostile file read from its first byte to its last error line in its own process, which reports its peak memory.

Run as a program: python -m tests.unit.reading_alone NAME. What it reads is made up block by block and kept on disk, as
S3 would keep it.
"""

import gzip
import json
import os
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO
from uuid import UUID

from ingestion.csv_file.chunk_reader import read_blocks
from ingestion.csv_file.chunk_spans import ChunkSpan, FileFormat
from ingestion.csv_file.file_limits import Limits
from ingestion.csv_file.file_pass import FilePass
from ingestion.errors import Refused
from ingestion.faults import Reject
from ingestion.records import PROGRAMMES, get_programme
from ingestion.rows.columns import ColumnPlan, plan_columns
from ingestion.rows.error_file import ErrorFile, reject_lines
from ingestion.rows.rejects import as_kept, read_rejects, write_rejects
from ingestion.rows.validation import validate

KNOWN = frozenset(column.name for programme in PROGRAMMES.values() for column in programme.columns)
HEADER = b"session_id,participant_email,mentor_email,scheduled_at,rating,feedback_text\n"
WIDE = HEADER[:-1] + b"".join(b",column%d" % number for number in range(9_994)) + b"\n"
BAD = b"MS-%d,nobody,no one,03/04/2024,eleven,fine\n"


def one_line() -> Iterator[bytes]:
    """100 MB without a line end."""
    yield HEADER + b"MS-1,"
    yield from (b"no end " * (1 << 17) for _ in range(115))


def one_quoted_text() -> Iterator[bytes]:
    """40 MB behind a quote that never closes, in lines of a kibibyte."""
    yield HEADER + b'MS-1,"'
    yield from ((b"x" * 1_023 + b"\n") * 1_024 for _ in range(40))


def bomb() -> Iterator[bytes]:
    """A gzip file of half a megabyte that holds half a gigabyte."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    yield packer.compress(HEADER)
    yield from (packer.compress(b"MS-1,,,,,\n" * 100_000) for _ in range(500))
    yield packer.flush()


def bomb_of_members() -> Iterator[bytes]:
    """Twenty thousand gzip members, each of them a small bomb."""
    yield gzip.compress(HEADER)
    member = gzip.compress(b"MS-1,,,,,\n" * 10_000)
    yield from (member * 100 for _ in range(200))


def ten_thousand_columns() -> Iterator[bytes]:
    """Rows that fill all of them."""
    yield WIDE
    yield from (b",".join([b"ab"] * 10_000) + b"\n" for _ in range(300))


def short_rows_below_them() -> Iterator[bytes]:
    """Rows of a few bytes, each of which would be as wide as the header in the error file."""
    yield WIDE
    yield b"a,b\n" * 2_000


def tiny_rows() -> Iterator[bytes]:
    """As many rows as bytes allow."""
    yield HEADER + b"x\n" * 300_000


def misquoted_rows() -> Iterator[bytes]:
    """A quote with text behind it in every row."""
    yield HEADER + b'"a"b\n' * 120_000


def errors() -> Iterator[bytes]:
    """Two hundred thousand rows, four faults in each."""
    yield HEADER
    yield b"".join(BAD % number for number in range(200_000))


def blank_lines() -> Iterator[bytes]:
    """A hundred megabytes of nothing."""
    yield HEADER
    yield from (b"\n" * (1 << 20) for _ in range(100))


def lines_of_commas() -> Iterator[bytes]:
    """Rows of a hundred thousand cells below a header of six."""
    yield HEADER
    yield from (b"ab," * 100_000 + b"\n" for _ in range(150))


LARGE = int(os.environ.get("FUZZ_EXAMPLES", "0")) > 200
"""Whether files are made as large as they may get: make fuzz-reader."""


def commas() -> Iterator[bytes]:
    """One row of nothing but delimiters, as long as a spreadsheet's formatting makes it."""
    yield HEADER
    yield from (b"," * (1 << 20) for _ in range(400 if LARGE else 50))


def commas_in_rows() -> Iterator[bytes]:
    """Rows of a kilobyte that are nothing but delimiters: none of them is a row."""
    yield HEADER
    yield from ((b"," * 1_023 + b"\n") * 1_024 for _ in range(400 if LARGE else 20))


def commas_behind_a_cell() -> Iterator[bytes]:
    """Rows with tens of thousands of cells too many."""
    yield HEADER
    yield from (b"MS-1," + b"," * 30_000 + b"\n" for _ in range(10_000 if LARGE else 500))


def quotes() -> Iterator[bytes]:
    """Nothing but quotes."""
    yield HEADER
    yield from (b'"' * (1 << 20) for _ in range(100 if LARGE else 20))


def quoted_nothings() -> Iterator[bytes]:
    """A row of empty cells in quotes, without end."""
    yield HEADER
    yield from (b'"",' * (1 << 18) for _ in range(100 if LARGE else 20))


def all_columns_of_a_spreadsheet() -> Iterator[bytes]:
    """16,384 columns, and rows that fill the first few."""
    yield HEADER[:-1] + b"".join(b",column%d" % number for number in range(16_378)) + b"\n"
    yield b"MS-1,olena@example.org,kari@acme.com,2026-03-01,4,fine\n" * 3_000


def blank_rows_of_them() -> Iterator[bytes]:
    """16,384 columns, and rows of delimiters alone."""
    yield HEADER[:-1] + b"," * 16_378 + b"\n"
    yield from (b"," * 16_383 + b"\n" for _ in range(20_000 if LARGE else 1_000))


def nuls() -> Iterator[bytes]:
    """NULs at the end, as a disk that was full leaves them."""
    yield HEADER + b"MS-1,olena@example.org,kari@acme.com,2026-03-01,4,fine\n"
    yield from (bytes(1 << 20) for _ in range(400 if LARGE else 50))


def blanks() -> Iterator[bytes]:
    """A line of white space without end."""
    yield HEADER
    yield from (b" " * (1 << 20) for _ in range(400 if LARGE else 50))


def preamble_of_commas() -> Iterator[bytes]:
    """Delimiters before there is a header."""
    yield from (b"," * (1 << 20) for _ in range(400 if LARGE else 50))


def headers_without_end() -> Iterator[bytes]:
    """The header again and again."""
    yield from (HEADER * (1 << 14) for _ in range(400 if LARGE else 10))


def high_bytes() -> Iterator[bytes]:
    """No text in any encoding."""
    yield HEADER
    yield from (b"\xff\xfe\x81\n" * (1 << 18) for _ in range(100 if LARGE else 4))


HOSTILE = (
    commas,
    commas_in_rows,
    commas_behind_a_cell,
    quotes,
    quoted_nothings,
    all_columns_of_a_spreadsheet,
    blank_rows_of_them,
    nuls,
    blanks,
    preamble_of_commas,
    headers_without_end,
    high_bytes,
)
FILES: dict[str, Callable[[], Iterator[bytes]]] = {
    file.__name__: file
    for file in (
        one_line,
        one_quoted_text,
        bomb,
        bomb_of_members,
        ten_thousand_columns,
        short_rows_below_them,
        tiny_rows,
        misquoted_rows,
        errors,
        blank_lines,
        lines_of_commas,
        *HOSTILE,
    )
}


def main() -> None:
    """Read the file and print the result."""
    with tempfile.TemporaryFile() as upload, tempfile.TemporaryFile() as text:
        try:
            found = _read(FILES[sys.argv[1]](), upload, text)
        except Refused as refused:
            found = {"refused": refused.code.value}
    found["peak_mb"] = peak_mb()
    print(json.dumps(found))


def peak_mb() -> float:
    """Of this program alone: `ru_maxrss` would count the process that it was forked from as well."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def _read(blocks: Iterator[bytes], upload: IO[bytes], text: IO[bytes]) -> dict[str, object]:
    file_pass = FilePass(Limits(), KNOWN, text.write)
    for block in blocks:
        upload.write(block)
        file_pass.feed(block)
    scanned = file_pass.finish()
    plan = plan_columns(scanned.format.header, get_programme("mentors_ukraine"))
    rows = rejected = 0
    for span in scanned.chunks:
        read, refused = _read_span(text if scanned.transformed else upload, span, scanned.format, plan)
        rows += read
        rejected += refused
    return {"counted": scanned.rows, "rows": rows, "rejected": rejected}


def _read_span(file: IO[bytes], span: ChunkSpan, fmt: FileFormat, plan: ColumnPlan) -> tuple[int, int]:
    """How many rows a chunk has and how many of them are rejected; they are written as a stage does, too."""
    file.seek(span.start)
    data = file.read(span.fetch_end - span.start)
    rejects: list[Reject] = []
    rows = 0
    for readable, unreadable, _ in read_blocks(data, span, fmt):
        rows += readable.size + len(unreadable)
        rejects += [*unreadable, *validate(readable, plan, now=datetime.now(UTC), scale=None).rejects]
    kept = [as_kept(reject, plan) for reject in rejects]
    values, lines = write_rejects(kept), reject_lines(kept, ErrorFile(plan, fmt.delimiter, UUID(int=0)))
    assert sum(1 for _ in read_rejects([values])) == len(rejects) <= lines.count(b"\r\n")
    return rows, len(rejects)


if __name__ == "__main__":
    main()
