"""A chunk of a file read back: its bytes decoded and cut into rows, the unreadable ones told apart."""

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import compress, islice, repeat
from operator import ge, gt, itemgetter, sub
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from ingestion.csv_file.blank_rows import ASCII_BLANKS, BlankLines, blank_chars
from ingestion.csv_file.mixed_text import decode
from ingestion.csv_file.quoting import RowEnds, email_columns, holds_rows, is_fragment
from ingestion.csv_file.shifted_rows import MESSAGE as _SHIFTED
from ingestion.csv_file.shifted_rows import ShiftedRows
from ingestion.csv_file.text_lines import lines_of
from ingestion.faults import WHOLE_ROW, Fault, FaultCode, RawRow, RawRows, Reject

OVERSIZED_SHOWN_BYTES = 4_096
"""How much of an oversized row is fetched and kept."""

ROWS_AT_ONCE = 2_000
"""Rows that are handled together: enough to read each distinct cell once, few enough to stay in the cache."""

_QUOTES = (
    "The row can't be read: a quote is not closed, or text follows the one that closes it, or a field is too long; "
    "a quote inside of a quoted text is written twice."
)
_SWALLOWED = "The row can't be read: a cell holds what look like rows of their own; a quote before them is not closed."

_SEPARATOR = (
    "The row can't be read: a quote stands inside of a text that is not quoted, and what follows it looks like a "
    "quoted text; a delimiter before it may be missing."
)
_TORN = "The row can't be read: the line below looks like the rest of it; a text of several lines must stand in quotes."

AHEAD_BYTES = 4_096
"""How much is read beyond a chunk, to see whether a line end tore its last row apart."""

_ESCAPED = re.compile("[\udc80-\udcff]")


class FileFormat(BaseModel):
    """What it takes to read any part of a file.

    `encoding` is that of the text that chunks are cut from, so UTF-8 for transcoded UTF-16. Every row has `width`
    cells, if that is not the number of columns: empty ones more, or fewer, as the header alone ends in empty names.
    `tail` are the other delimiters that every line ends with. `is_wrapped`: each line stands in a pair of quotes as a
    whole. `fills_short_rows`: a row may lack cells at its end, as in rosters. `slashed` are the columns of a corrected
    file with dates in slashes, which have met no spreadsheet that shows dates with dots.
    """

    model_config = ConfigDict(frozen=True)

    encoding: str
    delimiter: str
    header: tuple[str, ...]
    columns: int
    has_header_row: bool = True
    width: int | None = None
    tail: str = ""
    is_wrapped: bool = False
    fills_short_rows: bool = False
    slashed: tuple[int, ...] = ()


class ChunkSpan(BaseModel):
    """A run of whole rows: the bytes from `start` up to `end` of the text, and where they stand in the file.

    `number` and `first_row` count from 1; `first_line` is the physical line of the byte at `start`, `first_sheet_row`
    the row of a spreadsheet that begins there; `rows` leaves out blank ones. `unreadable` holds, as (start, end) in the
    text, the rows that `csv` must not see: a quote that never closes, or a field over the limit; `apart` those whose
    quotes need a closer look, unless not `is_orderly`: then all do; `skipped` repetitions of the header. `order` says
    where each column's cell stands, if the last of these had another order than the first. An oversized span is one row
    alone, too long to load. `ahead` bytes behind the end may
    be read, to see what follows. `digest` is the SHA-256 of text that was written out to be read again.
    """

    model_config = ConfigDict(frozen=True)

    number: int
    start: int
    end: int
    first_row: int
    first_line: int
    first_sheet_row: int | None = None
    rows: int
    unreadable: tuple[tuple[int, int], ...] = ()
    apart: tuple[tuple[int, int], ...] = ()
    is_orderly: bool = False
    skipped: tuple[tuple[int, int], ...] = ()
    order: tuple[int, ...] = ()
    oversized: bool = False
    ahead: int = 0
    digest: str | None = None

    @property
    def shown_end(self) -> int:
        """Up to where it is read: the whole span, or the beginning of an oversized row."""
        return min(self.end, self.start + OVERSIZED_SHOWN_BYTES) if self.oversized else self.end

    @property
    def fetch_end(self) -> int:
        """Up to where to fetch: what is read of the span, and what follows it."""
        return self.shown_end if self.oversized else self.end + self.ahead


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
    at, size = 0, span.end - span.start
    for start, end, take in reader.stops(span):
        yield from reader.read(data[at : start - span.start], is_orderly=span.is_orderly)
        at = end - span.start
        yield from take(data[start - span.start : at])
    yield from reader.read(data[at:size], is_orderly=span.is_orderly)
    reader.look_ahead(data[size:])
    yield reader.take()


class _ChunkReader:
    """Counts rows and lines along a chunk while its parts are read, and gathers them in blocks."""

    def __init__(self, span: ChunkSpan, fmt: FileFormat) -> None:
        self._number = span.first_row
        self._line = span.first_line
        self._format = fmt
        self._width = fmt.columns if fmt.width is None else fmt.width
        self._in_order = itemgetter(*span.order) if span.order else None
        self._blank_chars = ASCII_BLANKS.decode() + fmt.delimiter
        self._unseen_chars = blank_chars(fmt.encoding, fmt.delimiter)
        self._blank_lines = BlankLines(self._unseen_chars)
        self._emails = email_columns(fmt.header)
        self._ends = RowEnds(fmt.delimiter)
        self._shifted = ShiftedRows(fmt.header, fmt.delimiter, span.order) if fmt.fills_short_rows else None
        self._begin_block([], [], [])

    def _begin_block(self, numbers: list[int], lines: list[int], cells: list[list[str]]) -> None:
        self._numbers, self._lines, self._cells = numbers, lines, cells
        self._rejects: list[Reject] = []
        self._filled = 0

    def take(self) -> Block:
        """What was read since the last block."""
        block = Block(RawRows(self._numbers, self._lines, self._cells), self._rejects, self._filled)
        self._begin_block([], [], [])
        return block

    def _take_full_block(self) -> Iterator[Block]:
        """A block, if enough was read; not the last row, as it may turn out to have been torn."""
        if len(self._cells) + len(self._rejects) >= ROWS_AT_ONCE:
            rows = RawRows(self._numbers[:-1], self._lines[:-1], self._cells[:-1])
            block = Block(rows, self._rejects, self._filled)
            self._begin_block(self._numbers[-1:], self._lines[-1:], self._cells[-1:])
            yield block

    def stops(self, span: ChunkSpan) -> list[tuple[int, int, Callable[[bytes], Iterator[Block]]]]:
        """Where reading must stop, in order: the rows that stand out, each with what takes it."""
        return sorted(
            [
                *((start, end, self._take_unreadable) for start, end in span.unreadable),
                *((start, end, self._read_by_hand) for start, end in span.apart),
                *((start, end, self._skip) for start, end in span.skipped),
            ],
            key=itemgetter(0),
        )

    def read(self, data: bytes, *, is_orderly: bool) -> Iterator[Block]:
        """Read whole rows; the blocks that they fill. Orderly ones can be left to `csv`."""
        if not is_orderly or self._format.is_wrapped or self._format.tail:
            yield from self._read_by_hand(data)
            return
        text, is_clean = decode(data, self._format.encoding)
        for part in self._between_blank_lines(text):
            reader = csv.reader(lines_of(part), delimiter=self._format.delimiter, strict=True)
            before = self._line
            while some := [(cells, reader.line_num) for cells in islice(reader, ROWS_AT_ONCE)]:
                self._take_rows(some, before, is_clean)
                yield from self._take_full_block()

    def _between_blank_lines(self, text: str) -> Iterator[str]:
        """The parts of orderly *text* without its long runs of blank lines, which are counted as they are passed."""
        at = counted_to = quotes = 0
        for start, end in self._blank_lines.long_runs(text):
            quotes += text.count('"', counted_to, start)
            counted_to = start
            if quotes % 2:  # inside of a quoted text
                continue
            yield text[at:start]
            self._line += _count_lines(text[start:end])
            at = end
        yield text[at:]

    def _take_rows(self, some: Sequence[tuple[list[str], int]], before: int, is_clean: bool) -> None:
        rows = list(map(itemgetter(0), some))
        lines = [self._line, *map(before.__add__, map(itemgetter(1), some))]
        heights = list(map(sub, lines[1:], lines))
        self._line = lines.pop()
        if not self._are_whole(rows):
            texts = list(map(str.strip, map("".join, rows), repeat(self._unseen_chars)))
            rows, lines, heights = (list(compress(each, texts)) for each in (rows, lines, heights))
        if is_clean and self._are_whole(rows) and not self._may_hold_rows(rows, heights):
            self._add(lines, rows)
            return
        for line, cells in zip(lines, rows, strict=True):
            self._judge(line, cells, is_clean=is_clean)

    def _are_whole(self, rows: Sequence[list[str]]) -> bool:
        """Whether all rows have as many cells as the header and, as most, something in the first one."""
        if self._width != self._format.columns or set(map(len, rows)) != {self._width}:
            return False
        if self._shifted and self._shifted.may_be_among(rows):
            return False
        first_cells = list(map(itemgetter(0), rows))
        blank_chars = self._blank_chars if "".join(first_cells).isascii() else self._unseen_chars
        return all(map(str.strip, first_cells, repeat(blank_chars)))

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
        self._cells += map(list, map(self._in_order, rows)) if self._in_order else rows
        self._number += len(rows)

    def _read_by_hand(self, data: bytes) -> Iterator[Block]:
        """Read rows one by one: `csv` might end them elsewhere, or make another text of them."""
        text, _ = decode(data, self._format.encoding)
        at = 0
        while at < len(text):
            start, at = at, self._blank_lines.end_of(text, at)
            self._line += _count_lines(text[start:at])
            end, is_orderly = self._ends.find(text, at)
            self._take_text(text[at:end], is_orderly)
            at = end
            yield from self._take_full_block()

    def _take_text(self, text: str, is_orderly: bool) -> None:
        line = self._line
        row = text.removesuffix("\n").removesuffix("\r")
        if is_orderly and not text.strip(self._unseen_chars):
            self._line += _count_lines(text)
            return
        cells = self._cut(row)
        if cells is None:
            self.reject(text, _QUOTES)
        elif self._ends.may_lack_delimiter(row):
            self.reject(text, _SEPARATOR)
        else:
            self._judge(line, cells, is_clean=False)
            self._line += _count_lines(text)

    def _cut(self, row: str) -> list[str] | None:
        """The cells of a row, out of what stands around all rows of the file; None if its quotes are in disorder."""
        if self._format.tail and row.endswith(self._format.tail):
            row = row.removesuffix(self._format.tail)
        cells = self._ends.cut(row)
        if self._format.is_wrapped and cells and len(cells) == 1:
            return self._ends.cut(cells[0])
        return cells

    def _take_unreadable(self, data: bytes) -> Iterator[Block]:
        self.reject(decode(data, self._format.encoding)[0], _QUOTES)
        yield from self._take_full_block()

    def _skip(self, data: bytes) -> Iterator[Block]:
        self._line += _count_lines(data.decode("latin-1"))
        return iter(())

    def reject(self, text: str, message: str) -> None:
        """Reject the row that *text* is; `csv` would not find its end."""
        cells = visible(text).rstrip("\r\n").split(self._format.delimiter)  # whatever the quotes say
        if len(cells) < self._width:
            self._look_back(cells, text.count('"'))
        row = RawRow(self._number, self._line, cells)
        self._rejects.append(Reject(row, (_fault(FaultCode.UNREADABLE, message),)))
        self._number += 1
        self._line += _count_lines(text)

    def look_ahead(self, data: bytes) -> None:
        """Look at the line behind the chunk: it may be the rest of the last row."""
        text, _ = decode(data, self._format.encoding)
        at = 0
        while at < len(text):
            end, is_orderly = self._ends.find(text, at)
            row, at = text[at:end].rstrip("\r\n"), end
            if not is_orderly or row.strip(self._unseen_chars):
                cells = self._cut(row) if is_orderly else row.split(self._format.delimiter)
                if (
                    cells
                    and (self._shifted or len(cells) < self._width)
                    and (end < len(text) or len(data) < AHEAD_BYTES)
                ):
                    self._look_back(cells, row.count('"'))
                return

    def _look_back(self, cells: list[str], quotes: int) -> None:
        """Reject also the row before, if these cells are too few and what a line end tore off it."""
        if self._cells and self._numbers[-1] == self._number - 1 and self._format.columns > 2:
            before = self._cells[-1]
            if is_fragment(cells, quotes, before) or (self._shifted and self._shifted.is_rest(cells, before)):
                row = RawRow(self._numbers.pop(), self._lines.pop(), self._cells.pop())
                self._rejects.append(Reject(row, (_fault(FaultCode.UNREADABLE, _TORN),)))

    def _judge(self, line: int, cells: list[str], *, is_clean: bool) -> None:
        """Find what is wrong with a row that stands out, if anything is."""
        if not "".join(cells).strip(self._unseen_chars):
            return
        cells = self._unwrapped(cells)
        faults = [] if is_clean else [*self._faults_of_text(cells)]
        fitted = self._fitted(cells)
        if fitted is None:
            faults.append(_fault(FaultCode.WRONG_FIELD_COUNT, self._count_message(len(cells))))
            if len(cells) < self._width:
                self._look_back(cells, sum(cell.count('"') for cell in cells) if not is_clean else 0)
        elif self._shifted and self._shifted.is_shifted(cells):
            faults.append(_fault(FaultCode.WRONG_FIELD_COUNT, _SHIFTED))
        elif self._holds_rows(fitted):
            faults.append(_fault(FaultCode.UNREADABLE, _SWALLOWED))
        if self._shifted:
            self._look_back(cells, 0)
        if fitted is not None and not faults:
            self._filled += self._format.fills_short_rows and len(cells) < len(fitted)
            self._add([line], [fitted])
            return
        self._rejects.append(Reject(RawRow(self._number, line, [visible(cell) for cell in cells]), tuple(faults)))
        self._number += 1

    def _unwrapped(self, cells: list[str]) -> list[str]:
        """The cells of a row that stands in one pair of quotes as a whole, which the others need not.

        A spreadsheet that expects another delimiter takes each line for one cell, and writes quotes only around those
        that hold some.
        """
        if len(cells) > 1 or self._format.delimiter not in cells[0]:
            return cells
        inside = self._ends.cut(cells[0])
        is_row = inside is not None and len(inside) == self._width and not self._ends.may_lack_delimiter(cells[0])
        return inside if inside and is_row else cells

    def _faults_of_text(self, cells: list[str]) -> Iterator[Fault]:
        if any("\0" in cell for cell in cells):
            yield _fault(FaultCode.UNREADABLE, "The row holds a NUL byte; save the file again as CSV UTF-8.")
        if any(map(_ESCAPED.search, cells)):
            message = f"The row holds bytes that are not {self._format.encoding}; save the file again as CSV UTF-8."
            yield _fault(FaultCode.UNREADABLE, message)

    def _count_message(self, count: int) -> str:
        columns, fields = self._width, "1 field" if count == 1 else f"{count} fields"
        if count < columns:
            return f"The row has {fields} where {columns} are expected; a delimiter or the end of the row is missing."
        return f"The row has {fields} where {columns} are expected; put a text that holds the delimiter in quotes."

    def _fitted(self, cells: list[str]) -> list[str] | None:
        """The cells as many as the columns; None if they are not as many as every row of the file has."""
        columns = self._format.columns
        if len(cells) != self._width and not (self._format.fills_short_rows and len(cells) < columns):
            return None
        if len(cells) > columns:
            return None if "".join(cells[columns:]).strip() else cells[:columns]
        return cells + [""] * (columns - len(cells))


def _fault(code: FaultCode, message: str) -> Fault:
    return Fault(code, WHOLE_ROW, message)


def _count_lines(text: str) -> int:
    return text.count("\n") + text.count("\r") - text.count("\r\n")


def visible(text: str) -> str:
    """*text* with its undecodable bytes (`surrogateescape`) and its NULs written out, as `\\xff`."""
    if _ESCAPED.search(text):
        text = _ESCAPED.sub(lambda found: f"\\x{ord(found[0]) - 0xDC00:02x}", text)
    return text.replace("\0", "\\x00")
