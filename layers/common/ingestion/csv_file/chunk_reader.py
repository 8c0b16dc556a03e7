"""A chunk of a file read back: its bytes decoded and cut into rows, with the unreadable ones rejected."""

import csv
from collections.abc import Callable, Iterator, Sequence
from itertools import compress, islice
from operator import itemgetter, sub
from typing import NamedTuple

from ingestion.csv_file.blank_rows import BlankLines
from ingestion.csv_file.chunk_spans import AHEAD_BYTES, ChunkSpan, FileFormat
from ingestion.csv_file.mixed_text import decode
from ingestion.csv_file.quoting import is_fragment
from ingestion.csv_file.row_checks import QUOTES, SEPARATOR, TORN, RowChecks, fault, visible
from ingestion.csv_file.text_lines import lines_of
from ingestion.faults import FaultCode, RawRow, RawRows, Reject

ROWS_AT_ONCE = 2_000
"""Rows that are handled together: enough to read each distinct cell once, few enough to stay in the cache."""


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

    *data* is the file's bytes from `span.start` up to `span.fetch_end`. A readable row has as many cells as the header.
    As many rows come out as the span counted, rejects included.
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


def only_asked_for(blocks: Iterator[Block], span: ChunkSpan) -> Iterator[Block]:
    """Leave out the rows that a retry does not read."""
    if not span.only:
        yield from blocks
        return
    only = frozenset(span.only)
    for rows, rejects, filled in blocks:
        chosen = RawRows.of(row for row in rows.each() if row.number in only)
        yield Block(chosen, [reject for reject in rejects if reject.row.number in only], filled)


class _ChunkReader:
    """Counts rows and lines along a chunk while its parts are read, and gathers them in blocks."""

    def __init__(self, span: ChunkSpan, fmt: FileFormat) -> None:
        self._number = span.first_row
        self._format = fmt
        self._has_sheet = fmt.sheet is not None and span.first_sheet_row is not None
        self._line = (span.first_sheet_row if self._has_sheet else None) or span.first_line
        self._in_order = itemgetter(*span.order) if span.order else None
        self._checks = RowChecks(fmt, span.order)
        self._blank_lines = BlankLines(self._checks.unseen_chars)
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
            lines_before = 0
            while some := [(cells, reader.line_num) for cells in islice(reader, ROWS_AT_ONCE)]:
                self._take_rows(some, lines_before, is_clean)
                lines_before = some[-1][1]
                yield from self._take_full_block()

    def _between_blank_lines(self, text: str) -> Iterator[str]:
        """The parts of orderly *text* between its long runs of blank rows, whose lines are counted in passing."""
        at = 0
        for start, end in self._blank_lines.long_runs(text):
            yield text[at:start]
            self._line += _count_lines(text[start:end])
            at = end
        yield text[at:]

    def _take_rows(self, some: Sequence[tuple[list[str], int]], lines_before: int, is_clean: bool) -> None:
        rows = list(map(itemgetter(0), some))
        ends = [lines_before, *map(itemgetter(1), some)]
        heights = list(map(sub, ends[1:], ends))
        starts = range(len(ends)) if self._has_sheet else map((-lines_before).__add__, ends)
        lines = list(map(self._line.__add__, starts))
        self._line = lines.pop()
        are_good = is_clean and self._checks.are_good(rows, heights)
        if not are_good:
            texts = self._checks.texts_of(rows)
            rows, lines, heights = (list(compress(each, texts)) for each in (rows, lines, heights))
            are_good = is_clean and self._checks.are_good(rows, heights)
        if are_good:
            self._add(lines, rows)
            return
        for line, cells in zip(lines, rows, strict=True):
            self._take_row(line, cells, is_clean=is_clean)

    def _add(self, lines: Sequence[int], rows: Sequence[list[str]]) -> None:
        self._numbers += range(self._number, self._number + len(rows))
        self._lines += lines
        self._cells += map(list, map(self._in_order, rows)) if self._in_order else rows
        self._number += len(rows)

    def _take_row(self, line: int, cells: list[str], *, is_clean: bool) -> None:
        """Take a row that stands out, or reject it."""
        checked = self._checks.check(cells, is_clean=is_clean)
        if checked is None:
            return
        cells, fitted, faults = checked
        if fitted is None and len(cells) < self._checks.width:
            self._look_back(cells, sum(cell.count('"') for cell in cells) if not is_clean else 0)
        if self._checks.shifted:
            self._look_back(cells, 0)
        if fitted is not None and not faults:
            self._filled += self._format.fills_short_rows and len(cells) < len(fitted)
            self._add([line], [fitted])
            return
        self._rejects.append(Reject(RawRow(self._number, line, [visible(cell) for cell in cells]), tuple(faults)))
        self._number += 1

    def _read_by_hand(self, data: bytes) -> Iterator[Block]:
        """Read rows one by one: `csv` might end them elsewhere, or make another text of them."""
        text, _ = decode(data, self._format.encoding)
        at = 0
        while at < len(text):
            start, at = at, self._blank_lines.end_of(text, at)
            self._line += _count_lines(text[start:at])
            end, is_orderly = self._checks.ends.find(text, at)
            self._take_text(text[at:end], is_orderly)
            at = end
            yield from self._take_full_block()

    def _take_text(self, text: str, is_orderly: bool) -> None:
        line = self._line
        row = text.removesuffix("\n").removesuffix("\r")
        if is_orderly and not text.strip(self._checks.unseen_chars):
            self._line += self._height(text)
            return
        cells = self._checks.cut(row)
        if cells is None:
            self.reject(text, QUOTES)
        elif self._checks.ends.may_lack_delimiter(row):
            self.reject(text, SEPARATOR)
        else:
            self._take_row(line, cells, is_clean=False)
            self._line += self._height(text)

    def _take_unreadable(self, data: bytes) -> Iterator[Block]:
        self.reject(decode(data, self._format.encoding)[0], QUOTES)
        yield from self._take_full_block()

    def _skip(self, data: bytes) -> Iterator[Block]:
        self._line += self._height(data.decode("latin-1"))
        return iter(())

    def reject(self, text: str, message: str) -> None:
        """Reject the row that *text* is; `csv` would not find its end."""
        cells = visible(text).rstrip("\r\n").split(self._format.delimiter)  # whatever the quotes say
        if len(cells) < self._checks.width:
            self._look_back(cells, text.count('"'))
        row = RawRow(self._number, self._line, cells)
        self._rejects.append(Reject(row, (fault(FaultCode.UNREADABLE, message),)))
        self._number += 1
        self._line += self._height(text)

    def _height(self, text: str) -> int:
        """How many lines a row takes: in a sheet one, however many its cells have."""
        return min(1, _count_lines(text)) if self._has_sheet else _count_lines(text)

    def look_ahead(self, data: bytes) -> None:
        """Look at the line behind the chunk: it may be the rest of the last row."""
        text, _ = decode(data, self._format.encoding)
        at = 0
        while at < len(text):
            end, is_orderly = self._checks.ends.find(text, at)
            row, at = text[at:end].rstrip("\r\n"), end
            if not is_orderly or row.strip(self._checks.unseen_chars):
                cells = self._checks.cut(row) if is_orderly else row.split(self._format.delimiter)
                may_be_rest = self._checks.shifted or (cells and len(cells) < self._checks.width)
                if cells and may_be_rest and (end < len(text) or len(data) < AHEAD_BYTES):
                    self._look_back(cells, row.count('"'))
                return

    def _look_back(self, cells: list[str], quotes: int) -> None:
        """Reject also the row before, if these cells are too few and what a line end tore off it."""
        if self._cells and self._numbers[-1] == self._number - 1 and self._format.columns > 2:
            before = self._cells[-1]
            shifted = self._checks.shifted
            if is_fragment(cells, quotes, before) or (shifted and shifted.is_rest(cells, before)):
                row = RawRow(self._numbers.pop(), self._lines.pop(), self._cells.pop())
                self._rejects.append(Reject(row, (fault(FaultCode.UNREADABLE, TORN),)))


def _count_lines(text: str) -> int:
    return text.count("\n") + text.count("\r") - text.count("\r\n")
