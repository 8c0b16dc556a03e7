"""How a file separates its fields and where its rows begin, found from its head.

Each delimiter is tried with the `csv` module on the head; the one that yields known header names wins, else the one
that cuts the most rows into as many fields as the header. Works on bytes as Latin-1: delimiters, quotes and the header
names that we know are ASCII in every encoding that reaches here.
"""

import csv
import io
import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import repeat
from typing import Final, Self

from ingestion.csv_file.blank_rows import ASCII_BLANKS, DELIMITERS
from ingestion.csv_file.header_rows import (
    check_header,
    check_place,
    count_known,
    find_header,
    refuse_hidden_header,
    refuse_low_header,
    refuse_side_by_side,
    refuse_torn_header,
)
from ingestion.csv_file.quoting import RowEnds
from ingestion.csv_file.row_shape import RowShape, find_shape
from ingestion.errors import RefusalCode, Refused
from ingestion.records.programme import header_name

__all__ = ["DELIMITERS", "MOST_COLUMNS", "Dialect", "find_dialect"]

BLANK_CHARS = ASCII_BLANKS.decode()
"""What a blank row may consist of, before its delimiter is known."""

MOST_COLUMNS: Final = 16_384
"""As many as a worksheet of Excel can have."""

_BLANK_LINE_CHARS = BLANK_CHARS.replace('"', "")
"""What a line between two rows may consist of and still be blank; a quote may open a text."""

_SAMPLE_ROWS = 100
_SEP_LINE = re.compile(r'[ \t]*"?sep=(\\t|[^\w"\r\n\x80-\xff])"?[,;\t |]*(?:\r\n|\r|\n|\Z)', re.IGNORECASE)
_QUOTED = re.compile(r'"[^"]*+"')
_DATA_CELL = re.compile(r"[^@\s]+@[^@\s]+\.\w+|\d[\d.,:/ TZ+-]*")


@dataclass(frozen=True, slots=True)
class Dialect:
    """What the head of a file says of its form.

    `header` is the raw header row, in the file's encoding. `data_start` is the byte offset of what follows it, counted
    from the start of the head, `data_line` that byte's physical line, and `data_sheet_row` the row of a spreadsheet.
    Without a header row the data starts at the first row. `repeats_differ`: two columns have one name, and not the same
    cells.
    """

    delimiter: str
    header: bytes
    columns: int
    has_header_row: bool
    data_start: int
    data_line: int
    data_sheet_row: int
    preamble_rows: int
    shape: RowShape
    repeats_differ: bool = False


@dataclass(frozen=True, slots=True)
class _Lines:
    """Lines of the head; `filled` has a byte for each, 0 for a blank one; `whole` says that nothing follows them."""

    lines: Sequence[str]
    filled: bytes
    whole: bool

    @classmethod
    def of(cls, lines: Sequence[str], *, whole: bool) -> Self:
        """The lines. One with quotes is blank if these come in pairs: then none of them opens a text."""
        texts = map(str.replace, lines, repeat('""'), repeat(""))
        return cls(lines, bytes(map(bool, map(str.strip, texts, repeat(_BLANK_LINE_CHARS)))), whole)


@dataclass(frozen=True, slots=True)
class _Reading:
    """The head as one delimiter cuts it: its rows, and where each begins and ends as a count of physical lines."""

    delimiter: str
    rows: list[list[str]]
    lines: list[tuple[int, int]]
    header_at: int
    known: int
    is_wrapped: bool

    @property
    def width(self) -> int:
        return len(self.rows[self.header_at]) if self.rows else 0

    @property
    def merit(self) -> tuple[int, float, int]:
        """Known header names first, then columns that the rows agree on, then columns."""
        below = self.rows[self.header_at + 1 :]
        alike = sum(1 for row in below if len(row) == self.width) / len(below) if below else 1.0
        return self.known, alike * (self.width - 1), self.width


def find_dialect(head: bytes, known: Collection[str], *, whole: bool) -> Dialect:
    """The dialect of the file that begins with *head*, byte order mark removed; *whole* says that nothing follows it.

    The header is, of the first eleven rows that are not blank, the one with the most known names; the first, if none
    has two. Raises `Refused`: `EMPTY_FILE` if there is nothing but blank rows, `NOT_CSV` if there is a single
    column of no known name, or the header row has no end, `TOO_LARGE` if that has more than `MOST_COLUMNS`,
    `HEADER_NOT_FIRST` and `BROKEN_HEADER` as `header_rows` says.
    """
    known = frozenset(map(header_name, known))
    text = head.decode("latin-1")
    if not text.strip(BLANK_CHARS):
        raise Refused(RefusalCode.EMPTY_FILE, "The file has no rows.")
    sep = _SEP_LINE.match(text)
    lines = list(io.StringIO(text, newline=""))
    skipped = _count_lines(text[: sep.end()]) if sep else 0
    said = sep[1].replace("\\t", "\t") if sep else ""
    delimiters = [said, *(each for each in DELIMITERS if each != said)] if said else DELIMITERS
    below = _Lines.of(lines[skipped:], whole=whole)
    readings = [_read(below, delimiter, known) for delimiter in delimiters]
    best = max(readings, key=lambda reading: reading.merit)
    if said and readings[0].known == best.known:
        best = readings[0]
    if best.known < 2:
        wrapped = [_unwrapped(best, delimiter, known) for delimiter in delimiters]
        best = max([best, *wrapped], key=lambda reading: reading.known)
    refuse_hidden_header(lines, delimiters, known, best.known)
    if best.known < 2:
        for reading in readings:
            refuse_low_header(reading.rows, known, [skipped + first + 1 for first, _ in reading.lines])
    return _dialect(best, lines, skipped, known, whole)


def _count_lines(text: str) -> int:
    return sum(1 for _ in io.StringIO(text, newline=""))


def _read(given: _Lines, delimiter: str, known: Collection[str]) -> _Reading:
    """Cut the lines at *delimiter*; a row that the end of the head may have cut short is left out."""
    lines, at = given.lines, 0

    def following() -> Iterator[str]:
        nonlocal at
        while at < len(lines):
            at += 1
            yield lines[at - 1]

    reader = csv.reader(following(), delimiter=delimiter, skipinitialspace=True)
    rows: list[list[str]] = []
    spans: list[tuple[int, int]] = []
    with suppress(csv.Error):
        # Between two rows, thousands of blank lines are passed at once.
        while len(rows) < _SAMPLE_ROWS and (before := given.filled.find(1, at)) >= 0:
            at = before
            row = next(reader)
            if (given.whole or at < len(lines)) and "".join(row).strip(BLANK_CHARS):
                rows.append(row)
                spans.append((before, at))
    header_at = find_header(rows, known)
    hits = count_known(rows[header_at], known) if rows else 0
    return _Reading(delimiter, rows, spans, header_at, hits, is_wrapped=False)


def _unwrapped(reading: _Reading, delimiter: str, known: Collection[str]) -> _Reading:
    """The reading of what stands inside, where each row is one cell."""
    if {len(row) for row in reading.rows} != {1}:
        return reading
    ends = RowEnds(delimiter)
    rows = [ends.cut(row[0]) or [row[0]] for row in reading.rows]
    header_at = find_header(rows, known)
    return _Reading(delimiter, rows, reading.lines, header_at, count_known(rows[header_at], known), is_wrapped=True)


def _dialect(reading: _Reading, lines: Sequence[str], skipped: int, known: Collection[str], whole: bool) -> Dialect:
    _check_reading(reading, lines[skipped:], whole)
    begin, end = (skipped + count for count in reading.lines[reading.header_at])
    table = reading.rows[reading.header_at :]
    has_header_row = reading.known > 0 or not any(_DATA_CELL.fullmatch(cell.strip()) for cell in table[0])
    header = "".join(lines[begin:end])
    shape = find_shape(table, reading.delimiter, known, is_wrapped=reading.is_wrapped)
    raw = ["".join(lines[skipped + first : skipped + last]) for first, last in reading.lines[reading.header_at :]]
    if (shape.width or 0) > reading.width and _all_hold_texts_cut_at_blanks(raw, reading.delimiter):
        shape = replace(shape, width=None)
    if has_header_row:
        _check_header_row(reading, header, known, [skipped + first + 1 for first, _ in reading.lines])
        refuse_side_by_side(table[0], known, begin + 1, _names_that_differ(table))
    data_line = end if has_header_row else begin
    return Dialect(
        delimiter=reading.delimiter,
        header=header.encode("latin-1") if has_header_row else b"",
        columns=reading.width,
        has_header_row=has_header_row,
        data_start=sum(map(len, lines[:data_line])),
        data_line=data_line + 1,
        # A spreadsheet takes a first line `sep=;` for itself, and shows a text of several lines in one row.
        data_sheet_row=data_line + 1 - skipped - _lines_within_rows(reading, data_line - skipped),
        preamble_rows=reading.header_at,
        shape=shape,
        repeats_differ=bool(_names_that_differ(table)),
    )


def _lines_within_rows(reading: _Reading, until: int) -> int:
    """How many of the lines up to *until* go on with a row that began above."""
    return sum(end - begin - 1 for begin, end in reading.lines if end <= until)


def _check_header_row(reading: _Reading, header: str, known: Collection[str], lines: Sequence[int]) -> None:
    """Raise `Refused` for a header that is broken, or not where it should be. *lines* are those of the rows."""
    at = reading.header_at
    if reading.known > 1:
        check_place(reading.rows[: at + 1], lines[at])
        refuse_torn_header(reading.rows[at:], known, lines[at:])
    check_header(header, reading.delimiter, known, lines[at], is_wrapped=reading.is_wrapped)


def _check_reading(reading: _Reading, lines: Sequence[str], whole: bool) -> None:
    if not reading.rows:
        if whole and not "".join(lines).strip(BLANK_CHARS):
            raise Refused(RefusalCode.EMPTY_FILE, "The file has no rows.")
        raise Refused(
            RefusalCode.NOT_CSV, "The first row does not end; this is not a CSV file, or a quote is not closed."
        )
    if reading.width > MOST_COLUMNS:
        raise Refused(
            RefusalCode.TOO_LARGE, f"The header row has {reading.width:,} columns; the limit is {MOST_COLUMNS:,}."
        )
    if reading.width < 2 and not reading.known:
        raise Refused(
            RefusalCode.NOT_CSV, "The file has one column and no known header; save it as CSV with a header row."
        )


def _all_hold_texts_cut_at_blanks(raw: Sequence[str], delimiter: str) -> bool:
    """Whether in all rows, as written, but not in the header, a blank follows a delimiter, as in a text's commas."""
    header, *rows = (_QUOTED.sub("", row) for row in raw)
    cut = [f"{delimiter} " in row for row in rows if "@" in row]
    return f"{delimiter} " not in header and bool(cut) and all(cut)


def _names_that_differ(table: Sequence[Sequence[str]]) -> set[str]:
    """The names of several columns that differ in one of the first rows."""
    places: dict[str, list[int]] = {}
    for at, cell in enumerate(table[0]):
        if name := header_name(cell):
            places.setdefault(name, []).append(at)
    return {
        name
        for name, columns in places.items()
        if len(columns) > 1 and any(len({row[at] for at in columns if at < len(row)}) > 1 for row in table[1:])
    }
