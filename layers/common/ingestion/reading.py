"""A chunk of a file read back: its bytes decoded and cut into rows, the unreadable ones told apart."""

import csv
import io
import re
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from itertools import compress, islice, repeat
from operator import ge, gt, itemgetter, sub
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from ingestion.faults import WHOLE_ROW, Fault, FaultCode, RawRow, RawRows, Reject
from ingestion.quoting import RowEnds, email_columns, holds_rows
from ingestion.text_lines import TextLines

OVERSIZED_SHOWN_BYTES = 4_096
"""How much of an oversized row is fetched and kept."""

ROWS_AT_ONCE = 2_000
"""Rows that are handled together: enough to read each distinct cell once, few enough to stay in the cache."""

_QUOTES = (
    "The row can't be read: a quote is not closed, or text follows the one that closes it, or a field is too long; "
    "a quote inside of a quoted text is written twice."
)
_SWALLOWED = "The row can't be read: a cell holds what look like rows of their own; a quote before them is not closed."

_ESCAPED = re.compile("[\udc80-\udcff]")


class FileFormat(BaseModel):
    """What it takes to read any part of a file.

    `encoding` is that of the text that chunks are cut from, so UTF-8 for transcoded UTF-16.
    """

    model_config = ConfigDict(frozen=True)

    encoding: str
    delimiter: str
    header: tuple[str, ...]
    columns: int
    has_header_row: bool = True
    fills_short_rows: bool = False
    """Whether cells that a row lacks at its end are empty."""


class ChunkSpan(BaseModel):
    """A run of whole rows: the bytes from `start` up to `end` of the text, and where they stand in the file.

    `number` and `first_row` count from 1; `first_line` is the physical line of the byte at `start`; `rows` leaves out
    blank ones. `unreadable` holds, as (start, end) in the text, the rows that `csv` must not see: a quote that never
    closes, or a field over the limit. An oversized span is one row alone, too long to load.
    """

    model_config = ConfigDict(frozen=True)

    number: int
    start: int
    end: int
    first_row: int
    first_line: int
    rows: int
    unreadable: tuple[tuple[int, int], ...] = ()
    oversized: bool = False

    @property
    def fetch_end(self) -> int:
        """Up to where to fetch: the whole span, or the beginning of an oversized row."""
        return min(self.end, self.start + OVERSIZED_SHOWN_BYTES) if self.oversized else self.end


class Block(NamedTuple):
    """Some rows of a chunk: those that can be read and the others, each in file order."""

    rows: RawRows
    rejects: list[Reject]
    filled: int = 0
    """How many rows lacked cells."""

    def in_order(self) -> Sequence[RawRow | Reject]:
        """All of them, in file order."""
        readable = list(self.rows.each())
        return sorted([*readable, *self.rejects], key=_number) if self.rejects else readable


def _number(row: RawRow | Reject) -> int:
    return row.row.number if isinstance(row, Reject) else row.number


def read_chunk(data: bytes, span: ChunkSpan, fmt: FileFormat) -> Iterator[RawRow | Reject]:
    """Give the rows of *span*, in order; see `read_blocks`."""
    for block in read_blocks(data, span, fmt):
        yield from block.in_order()


def read_blocks(data: bytes, span: ChunkSpan, fmt: FileFormat) -> Iterator[Block]:
    """Give the rows of *span*, some thousand at a time, in order.

    *data* is the file's bytes from `span.start` up to `span.fetch_end`. A row that is taken has as many cells as the
    header. As many rows come out as the span counted, rejects included.
    """
    reader = _ChunkReader(span, fmt)
    if span.oversized:
        size = span.end - span.start
        message = f"The row has {size:,} bytes, too many to be read; a quote or a line end may be missing."
        reader.reject(data.decode(fmt.encoding, "surrogateescape"), message)
        yield reader.take()
        return
    at = 0
    for start, end in span.unreadable:
        yield from reader.read(data[at : start - span.start])
        at = end - span.start
        reader.reject(data[start - span.start : at].decode(fmt.encoding, "surrogateescape"), _QUOTES)
    yield from reader.read(data[at:])
    yield reader.take()


class _ChunkReader:
    """Counts rows and lines along a chunk while its parts are read, and gathers them in blocks."""

    def __init__(self, span: ChunkSpan, fmt: FileFormat) -> None:
        self._number = span.first_row
        self._line = span.first_line
        self._format = fmt
        self._blank_chars = fmt.delimiter + ' \t\r\n\v\f"'
        named = [at for at, name in enumerate(fmt.header, 1) if name.strip()]
        self._least = 1 if fmt.fills_short_rows else named[-1] if named else fmt.columns
        self._emails = email_columns(fmt.header)
        self._ends = RowEnds(fmt.delimiter)
        self._begin_block()

    def _begin_block(self) -> None:
        self._numbers: list[int] = []
        self._lines: list[int] = []
        self._cells: list[list[str]] = []
        self._rejects: list[Reject] = []
        self._filled = 0

    def take(self) -> Block:
        """What was read since the last block."""
        block = Block(RawRows(self._numbers, self._lines, self._cells), self._rejects, self._filled)
        self._begin_block()
        return block

    def read(self, data: bytes) -> Iterator[Block]:
        """Read rows that `csv` can cut; the blocks that they fill."""
        try:
            text, is_clean = data.decode(self._format.encoding), b"\0" not in data
        except UnicodeDecodeError:
            text, is_clean = data.decode(self._format.encoding, "surrogateescape"), False
        lines = TextLines(text)
        while not (yield from self._cut(lines, is_clean)):
            lines.go_on_at(self._cut_by_hand(text, lines.offset, is_clean))

    def _cut(self, lines: TextLines, is_clean: bool) -> Generator[Block, None, bool]:
        """Read rows up to the end of *lines*, or to one whose quotes are not in order: whether there is none."""
        reader = csv.reader(lines.rest(), delimiter=self._format.delimiter, strict=True)
        before, is_orderly = self._line, True
        while is_orderly:
            try:
                some = [(cells, reader.line_num) for cells in islice(reader, ROWS_AT_ONCE)]
            except csv.Error:
                before, is_orderly = self._line, False
                some = self._orderly_rows(lines)
            if not some:
                break
            lines.have_read(some[-1][1])
            self._take_rows(some, before, is_clean)
            if len(self._cells) + len(self._rejects) >= ROWS_AT_ONCE:
                yield self.take()
        return is_orderly

    def _orderly_rows(self, lines: TextLines) -> list[tuple[list[str], int]]:
        """The rows, each with the lines up to its end, before the first one whose quotes are not in order."""
        reader = csv.reader(lines.rest(), delimiter=self._format.delimiter, strict=True)
        some: list[tuple[list[str], int]] = []
        with suppress(csv.Error):
            for cells in reader:
                some.append((cells, reader.line_num))
        return some

    def _take_rows(self, some: Sequence[tuple[list[str], int]], before: int, is_clean: bool) -> None:
        rows, ends = zip(*some, strict=True)
        lines = [self._line, *map(before.__add__, ends)]
        heights = list(map(sub, lines[1:], lines))
        self._line = lines.pop()
        if is_clean and self._are_whole(rows) and not self._may_hold_rows(rows, heights):
            self._add(lines, rows)
        else:
            self._judge_each(lines, rows, is_clean)

    def _cut_by_hand(self, text: str, start: int, is_clean: bool) -> int:
        """Take the one row at which `csv` stumbles: blanks behind a closing quote say nothing. Its end."""
        end, is_readable = self._ends.find(text, start)
        row = text[start:end]
        if is_readable:
            cells = next(csv.reader(io.StringIO(row, newline=""), delimiter=self._format.delimiter))
            self._judge_each([self._line], [cells], is_clean)
            self._line += _count_lines(row)
        else:
            self.reject(row, _QUOTES)
        return end

    def _are_whole(self, rows: Sequence[list[str]]) -> bool:
        """Whether all rows have as many cells as the header and, as most, something in the first one."""
        first_cells = map(itemgetter(0), rows)
        return set(map(len, rows)) == {self._format.columns} and all(
            map(str.strip, first_cells, repeat(self._blank_chars))
        )

    def _may_hold_rows(self, rows: Sequence[list[str]], heights: Sequence[int]) -> bool:
        """Whether a row that stands on several lines has delimiters enough in its cells for rows of their own."""
        tall = compress(rows, map(gt, heights, repeat(1)))
        delimiters = map(str.count, map("".join, tall), repeat(self._format.delimiter))
        return any(map(ge, delimiters, repeat(self._format.columns - 1)))

    def _holds_rows(self, cells: list[str]) -> bool:
        return holds_rows(cells, self._emails, self._format.delimiter)

    def _add(self, lines: Sequence[int], rows: Sequence[list[str]]) -> None:
        self._numbers += range(self._number, self._number + len(rows))
        self._lines += lines
        self._cells += rows
        self._number += len(rows)

    def _judge_each(self, lines: Sequence[int], rows: Sequence[list[str]], is_clean: bool) -> None:
        for line, cells in zip(lines, rows, strict=True):
            if not "".join(cells).strip(self._blank_chars):
                continue
            row = RawRow(self._number, line, cells)
            usual = is_clean and len(cells) == self._format.columns and not self._holds_rows(cells)
            judged = row if usual else self._judge(row)
            if isinstance(judged, Reject):
                self._rejects.append(judged)
                self._number += 1
            else:
                self._add([line], [judged.cells])

    def reject(self, text: str, message: str) -> None:
        """Reject the row that *text* is; `csv` would not find its end."""
        cells = visible(text).rstrip("\r\n").split(self._format.delimiter)  # whatever the quotes say
        row = RawRow(self._number, self._line, cells)
        self._rejects.append(Reject(row, (_fault(FaultCode.UNREADABLE, message),)))
        self._number += 1
        self._line += _count_lines(text)

    def _judge(self, row: RawRow) -> RawRow | Reject:
        """Find what is wrong with a row that stands out, if anything is."""
        faults = []
        cells = row.cells
        if any("\0" in cell for cell in cells):
            faults.append(_fault(FaultCode.UNREADABLE, "The row holds a NUL byte; save the file again as CSV UTF-8."))
        if any(map(_ESCAPED.search, cells)):
            message = f"The row holds bytes that are not {self._format.encoding}; save the file again as CSV UTF-8."
            faults.append(_fault(FaultCode.UNREADABLE, message))
        fitted = self._fitted(cells)
        if fitted and self._holds_rows(fitted):
            faults.append(_fault(FaultCode.UNREADABLE, _SWALLOWED))
        if fitted is None:
            faults.append(_fault(FaultCode.WRONG_FIELD_COUNT, self._count_message(len(cells))))
        if fitted is None or faults:
            return Reject(row._replace(cells=[visible(cell) for cell in cells]), tuple(faults))
        self._filled += self._format.fills_short_rows and len(cells) < len(fitted)
        return row._replace(cells=fitted)

    def _count_message(self, count: int) -> str:
        columns, fields = self._format.columns, "1 field" if count == 1 else f"{count} fields"
        if count < columns:
            return f"The row has {fields} where {columns} are expected; a delimiter or the end of the row is missing."
        return f"The row has {fields} where {columns} are expected; put a text that holds the delimiter in quotes."

    def _fitted(self, cells: list[str]) -> list[str] | None:
        """The cells as many as the columns, if only empty ones are too many or only unnamed ones are missing."""
        columns = self._format.columns
        if len(cells) > columns:
            return None if "".join(cells[columns:]).strip() else cells[:columns]
        return cells + [""] * (columns - len(cells)) if len(cells) >= self._least else None


def _fault(code: FaultCode, message: str) -> Fault:
    return Fault(code, WHOLE_ROW, message)


def _count_lines(text: str) -> int:
    return text.count("\n") + text.count("\r") - text.count("\r\n")


def visible(text: str) -> str:
    """*text* with its undecodable bytes (`surrogateescape`) and its NULs written out, as `\\xff`."""
    if _ESCAPED.search(text):
        text = _ESCAPED.sub(lambda found: f"\\x{ord(found[0]) - 0xDC00:02x}", text)
    return text.replace("\0", "\\x00")
