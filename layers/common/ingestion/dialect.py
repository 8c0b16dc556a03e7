"""How a file separates its fields and where its rows begin, found from its head.

Each delimiter is tried with the `csv` module on the head; the one that yields known header names wins, else the one
that cuts the most rows into as many fields as the header. Works on bytes as Latin-1: delimiters, quotes and the header
names that we know are ASCII in every encoding that reaches here.
"""

import csv
import io
import re
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from ingestion.errors import RefusalCode, Refused
from ingestion.programmes.programme import plain

DELIMITERS = (",", ";", "\t", "|")
BLANK_CHARS = ' \t\n\r\v\f"' + "".join(DELIMITERS)
"""What a blank row may consist of, before its delimiter is known."""

MOST_COLUMNS: Final = 16_384
"""As many as a worksheet of Excel can have."""

_SAMPLE_ROWS = 100
_PREAMBLE_ROWS = 10
_KNOWN_BELOW_PREAMBLE = 2
_SEP_LINE = re.compile(r'[ \t]*"?sep=(\\t|[^\w"\r\n\x80-\xff])"?[,;\t |]*(?:\r\n|\r|\n|\Z)', re.IGNORECASE)
_DATA_CELL = re.compile(r"[^@\s]+@[^@\s]+\.\w+|\d[\d.,:/ TZ+-]*")


@dataclass(frozen=True, slots=True)
class Dialect:
    """What the head of a file says of its form.

    `header` is the raw header row, in the file's encoding. `data_start` is the byte offset of what follows it, counted
    from the start of the head, and `data_line` that byte's physical line. Without a header row the data starts at the
    first row.
    """

    delimiter: str
    header: bytes
    columns: int
    has_header_row: bool
    data_start: int
    data_line: int
    preamble_rows: int


@dataclass(frozen=True, slots=True)
class _Reading:
    """The head as one delimiter cuts it: its rows, and where each begins and ends as a count of physical lines."""

    delimiter: str
    rows: list[list[str]]
    lines: list[tuple[int, int]]
    header_at: int
    known: int

    @property
    def width(self) -> int:
        return len(self.rows[self.header_at]) if self.rows else 0

    @property
    def merit(self) -> tuple[int, float, int]:
        """Known header names first, then columns that the rows agree on, then columns."""
        below = self.rows[self.header_at + 1 :]
        alike = sum(1 for row in below if len(row) == self.width) / len(below) if below else 1.0
        return self.known, alike * (self.width - 1), self.width


def find_dialect(head: bytes, known_headers: Collection[str], *, whole: bool) -> Dialect:
    """The dialect of the file that begins with *head*, byte order mark removed; *whole* says that nothing follows it.

    The header is the first row that is not blank; or, if that one has no known name, one of the next ten that has two,
    below a preamble. Raises `Refused`: `EMPTY_FILE` if there is nothing but blank rows, `NOT_CSV` if there is a single
    column of no known name, or the header row has no end, `TOO_LARGE` if that has more than `MOST_COLUMNS`.
    """
    text = head.decode("latin-1")
    if not text.strip(BLANK_CHARS):
        raise Refused(RefusalCode.EMPTY_FILE, "The file has no rows.")
    known = frozenset(map(plain, known_headers))
    sep = _SEP_LINE.match(text)
    lines = list(io.StringIO(text, newline=""))
    skipped = _count_lines(text[: sep.end()]) if sep else 0
    said = sep[1].replace("\\t", "\t") if sep else ""
    delimiters = [said, *(each for each in DELIMITERS if each != said)] if said else DELIMITERS
    readings = [_read(lines[skipped:], delimiter, known, whole) for delimiter in delimiters]
    best = max(readings, key=lambda reading: reading.merit)
    if said and readings[0].known == best.known:
        best = readings[0]
    return _dialect(best, lines, skipped, whole)


def _count_lines(text: str) -> int:
    return sum(1 for _ in io.StringIO(text, newline=""))


def _read(lines: Sequence[str], delimiter: str, known: frozenset[str], whole: bool) -> _Reading:
    """Cut *lines* at *delimiter*; a row that the end of the head may have cut short is left out."""
    reader = csv.reader(iter(lines), delimiter=delimiter)
    rows: list[list[str]] = []
    spans: list[tuple[int, int]] = []
    before = 0
    with suppress(csv.Error):
        for row in reader:
            if (whole or reader.line_num < len(lines)) and "".join(row).strip(BLANK_CHARS):
                rows.append(row)
                spans.append((before, reader.line_num))
            before = reader.line_num
            if len(rows) == _SAMPLE_ROWS:
                break
    hits = [sum(1 for cell in row if plain(cell) in known) for row in rows[: _PREAMBLE_ROWS + 1]]
    header_at = 0
    if hits and hits[0] == 0 and max(hits) >= _KNOWN_BELOW_PREAMBLE:
        header_at = next(at for at, count in enumerate(hits) if count >= _KNOWN_BELOW_PREAMBLE)
    return _Reading(delimiter, rows, spans, header_at, hits[header_at] if hits else 0)


def _dialect(reading: _Reading, lines: Sequence[str], skipped: int, whole: bool) -> Dialect:
    if not reading.rows:
        if whole and not "".join(lines[skipped:]).strip(BLANK_CHARS):
            raise Refused(RefusalCode.EMPTY_FILE, "The file has no rows.")
        raise Refused(
            RefusalCode.NOT_CSV, "The first row does not end; this is not a CSV file, or a quote is not closed."
        )
    if reading.width > MOST_COLUMNS:
        raise Refused(
            RefusalCode.TOO_LARGE, f"The header row has {reading.width:,} columns; at most {MOST_COLUMNS:,} are taken."
        )
    if reading.width < 2 and not reading.known:
        raise Refused(
            RefusalCode.NOT_CSV, "The file has one column and no known header; save it as CSV with a header row."
        )
    begin, end = (skipped + count for count in reading.lines[reading.header_at])
    header_row = reading.rows[reading.header_at]
    has_header_row = reading.known > 0 or not any(_DATA_CELL.fullmatch(cell.strip()) for cell in header_row)
    header = "".join(lines[begin:end])
    if has_header_row and _is_unclosed(header, reading.delimiter):
        raise Refused(RefusalCode.NOT_CSV, "A quote in the header row is not closed.")
    data_line = end if has_header_row else begin
    return Dialect(
        delimiter=reading.delimiter,
        header=header.encode("latin-1") if has_header_row else b"",
        columns=reading.width,
        has_header_row=has_header_row,
        data_start=sum(map(len, lines[:data_line])),
        data_line=data_line + 1,
        preamble_rows=reading.header_at,
    )


def _is_unclosed(row: str, delimiter: str) -> bool:
    """Whether what would follow *row* would still belong to it."""
    return sum(1 for _ in csv.reader(io.StringIO(row.rstrip("\r\n") + "\n.", newline=""), delimiter=delimiter)) == 1
