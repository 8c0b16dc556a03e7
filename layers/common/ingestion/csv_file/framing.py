"""Where rows begin and end: a file cut, as it streams by, into chunks of whole rows.

Rows end where `csv.reader` ends them. Three ways lead there, each exact, the quicker tried first: a window of
well-formed text is counted whole, a row is matched by one pattern, and a row that is long, unclosed or last is walked
field by field.
"""

import re
from dataclasses import dataclass

from ingestion.csv_file.chunk_reader import AHEAD_BYTES, ChunkSpan
from ingestion.csv_file.footers import MOST_FOOTERS, Footer, find_footer
from ingestion.csv_file.repeated_headers import HeaderWatch
from ingestion.csv_file.row_windows import Patterns, count_lines, count_window
from ingestion.errors import RefusalCode, Refused

_CR = ord("\r")
_LOST = re.compile(rb"(?<![\w?!.)])\?{3,}")
LEAST_WINDOW_BYTES = 2_048
MOST_APART = 1_000
"""Rows of a chunk that are named, to be read by hand; where there are more, all are."""
MOST_ORDERS = 100
"""How often the order of the columns may change: each time takes a chunk of its own."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes, in bytes if nothing else is said, that one file is held to.

    `field` may not exceed 131,072, the `csv` module's own limit. What a chunk costs in memory goes by its bytes where
    rows are of the usual length, by its rows where they are short, and by its cells where they are short and the header
    is wide: a rejected row is as wide as the header.
    """

    unpacked: int = 20 << 30
    unpacked_ratio: int = 200
    chunk: int = 4 << 20
    chunk_rows: int = 30_000
    chunk_cells: int = 1 << 20
    row: int = 1 << 20
    field: int = 131_072


@dataclass(slots=True)
class _LongRow:
    """A row that is being walked: the file's bytes where it and its current field began, and what was found so far."""

    start: int
    field_start: int
    lines: int = 0
    in_text: bool = False
    unclosed: bool = False
    unreadable: bool = False
    has_text: bool = False
    stands_out: bool = False


class RowFramer:
    """Takes the data rows of a file in blocks of any size and finds the chunks they make; memory stays flat.

    *offset* and *line* are the byte offset and the physical line of the first byte fed; *sheet_row* is the row of a
    spreadsheet that begins there, if another.
    """

    def __init__(
        self,
        delimiter: str,
        limits: Limits,
        offset: int,
        line: int,
        headers: HeaderWatch | None = None,
        sheet_row: int | None = None,
    ) -> None:
        self.spans: list[ChunkSpan] = []
        self.rows = 0
        self.lost_runs = 0
        self.repeated_headers = 0
        self.footers: list[Footer] = []
        self._limits = limits
        self._headers = headers if headers and headers.is_on else None
        self._order: tuple[int, ...] = ()
        self._orders = 0
        self._delimiter = delimiter
        self._patterns = Patterns(delimiter, limits.field)
        self._buffer = b""
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._base = offset
        self._pos = 0
        self._line = line
        self._sheet_row = line if sheet_row is None else sheet_row
        self._row: _LongRow | None = None
        self._row_by_row_until = 0
        self._window_bytes = limits.field
        self._begin_chunk(offset)

    def feed(self, block: bytes) -> None:
        """Take the next *block*."""
        self._waiting.append(block)
        self._waiting_bytes += len(block)
        if self._waiting_bytes > 2 * self._limits.field:
            self._take_waiting()
            self._run(final=False)

    def finish(self) -> None:
        """Take the file's end; the last row needs no line end."""
        self._take_waiting()
        self._set_footers_aside()
        self._run(final=True)
        end = self._base + self._pos
        self._end_chunk(end)
        self.spans = [
            span.model_copy(update={"ahead": min(AHEAD_BYTES, end - span.end)}) if span.end < end else span
            for span in self.spans
        ]

    def _set_footers_aside(self) -> None:
        """Leave out the last lines if they sum up what stands above: they are no rows."""
        while self._headers and not self._row and len(self.footers) < MOST_FOOTERS:
            footer = find_footer(self._buffer, self._pos, self._delimiter)
            if footer is None or not self._is_row_alone(footer.start):
                return
            self.footers.append(footer)
            self._buffer = self._buffer[: footer.start]

    def _is_row_alone(self, start: int) -> bool:
        """Whether the line that starts here is a row of its own, with nothing but blank ones below."""
        line, *below = self._buffer[start:].splitlines()
        return bool(self._patterns.row.fullmatch(line + b"\n")) and not any(b'"' in each for each in below)

    @property
    def chunk_start(self) -> int:
        """The byte of the file at which the chunk begins that is not closed yet."""
        return self._chunk_start

    @property
    def position(self) -> int:
        """The byte of the file up to which whole rows were taken: no chunk to come ends before."""
        return self._row.start if self._row else self._base + self._pos

    @property
    def line(self) -> int:
        """The physical line of the next byte."""
        return self._line

    def _take_waiting(self) -> None:
        self._base += self._pos
        self._buffer = b"".join((self._buffer[self._pos :], *self._waiting))
        self._pos = 0
        self._waiting, self._waiting_bytes = [], 0

    def _run(self, *, final: bool) -> None:
        """Go through the buffer until it is used up or, unless *final*, more is needed to be sure."""
        last = len(self._buffer) - (0 if final else self._limits.field + 1)
        while self._pos < last or self._row:
            before = self._pos
            whole = self._row is None and (self._take_window() or self._take_blank_lines() or self._take_row())
            whole = whole or self._walk(final)
            # One byte is found far more quickly than three.
            if self._buffer.find(b"?", before, self._pos) >= 0:
                self.lost_runs += len(_LOST.findall(self._buffer, before, self._pos))
            if not whole:
                return
            if self._is_chunk_full():
                self._end_chunk(self._base + self._pos)

    def _is_chunk_full(self) -> bool:
        is_long = self._base + self._pos >= self._chunk_start + self._limits.chunk
        return is_long or self.rows - self._rows_before >= self._limits.chunk_rows

    def _take_window(self) -> bool:
        """Take the whole rows of the next window, if well-formed. No window reaches past where the chunk may end.

        Where headers are repeated, a window is about as long as the stretch between two of them: each is counted to its
        end before a header in it is looked for.
        """
        at = self._base + self._pos
        end = min(at + self._window_bytes, self._chunk_start + self._limits.chunk)
        if at < self._row_by_row_until or end - at < LEAST_WINDOW_BYTES:
            return False
        window = self._buffer[self._pos : end - self._base]
        counted = count_window(window, self._patterns)
        self._window_bytes = min(2 * self._window_bytes, self._limits.field)
        if counted and self._headers and (header := self._headers.first_in(window, counted)):
            self._window_bytes = min(max(2 * header[1], LEAST_WINDOW_BYTES), self._limits.field)
            if not header[0]:
                return self._take_header(header[1])
            counted = count_window(window[: header[0]], self._patterns)
        if counted is None or self.rows - self._rows_before + counted.rows >= self._limits.chunk_rows:
            self._row_by_row_until = end
            return False
        self._pos += counted.size_bytes
        self._line += counted.lines
        self._sheet_row += counted.sheet_rows
        self.rows += counted.rows
        return True

    def _take_blank_lines(self) -> bool:
        """Take the blank lines that stand here, if any do."""
        buffer, start = self._buffer, self._pos
        found = self._patterns.blank_lines.match(buffer, start, min(start + self._limits.field, len(buffer)))
        if found:
            self._pos = self._after_line_end(found.end() - 1)
            lines = count_lines(buffer, start, self._pos)
            self._line += lines
            self._sheet_row += lines
        return found is not None

    def _take_row(self) -> bool:
        """Take the next row, if it is no longer than a field may be and its end is in sight."""
        buffer, start = self._buffer, self._pos
        found = self._patterns.row.match(buffer, start, min(start + self._limits.field, len(buffer)))
        if not found:
            return False
        end = self._after_line_end(found.end() - 1)
        if self._headers and self._headers.is_header(row := buffer[start:end]) and b"@" not in row:
            return self._take_header(end - start)
        self._pos = end
        self._line += count_lines(buffer, start, end)
        self._sheet_row += 1
        self.rows += self._patterns.not_blank.search(buffer, start, end) is not None
        if buffer.find(b'"', start, end) >= 0 and not self._is_well_quoted(buffer[start:end]):
            self._set_apart(self._base + start)
        return True

    def _is_well_quoted(self, row: bytes) -> bool:
        return b"".join(self._patterns.well_quoted.findall(row)).count(b'"') == row.count(b'"')

    def _set_apart(self, start: int) -> None:
        """Name the row from *start* up to here as one that `csv` might cut in other places."""
        self._apart.append((start, self._base + self._pos))

    def _take_header(self, size_bytes: int) -> bool:
        """Take a repetition of the header, which is no row; rows of another order get a chunk of their own."""
        assert self._headers
        start = self._base + self._pos
        order = self._headers.order_below(self._buffer[self._pos : self._pos + size_bytes], self._line)
        if order != self._order:
            self._end_chunk(start)
            self._orders += 1
        self._pos += size_bytes
        self._line += 1
        self._sheet_row += 1
        self.repeated_headers += 1
        if order == self._order:
            self._skipped.append((start, start + size_bytes))
            return True
        if self._orders > MOST_ORDERS:
            raise Refused(RefusalCode.BROKEN_HEADER, f"The order of the columns changes more than {MOST_ORDERS} times.")
        self._order = order
        self._begin_chunk(start + size_bytes)
        return True

    def _walk(self, final: bool) -> bool:
        """Go on through a row field by field; False if its end is not yet in the buffer."""
        row = self._row = self._row or _LongRow(self._base + self._pos, self._base + self._pos)
        while self._pos < len(self._buffer):
            if not row.in_text:
                self._pass_short_fields(row)
                if self._pos == len(self._buffer):
                    break
                quote = self._find_quote(final)
                if quote is None or (quote >= 0 and not self._pass_quoted(row, quote, final)):
                    return False
                row.in_text = True
            self._pass_text(row)
            if self._pos == len(self._buffer):
                break
            if self._buffer[self._pos] in b"\r\n":
                if self._buffer[self._pos] == _CR and self._pos + 1 == len(self._buffer) and not final:
                    return False
                self._pos = self._after_line_end(self._pos)
                return self._end_row(row)
            self._pos += 1
            row.field_start = self._base + self._pos
            row.in_text = False
        return final and self._end_row(row)

    def _pass_short_fields(self, row: _LongRow) -> None:
        """Move past the plain fields that follow one another, to where the next field begins."""
        found = self._patterns.short_fields.match(self._buffer, self._pos)
        if found and found.end() > self._pos:
            fields = found[0]
            row.stands_out = row.stands_out or (b'"' in fields and not self._is_well_quoted(fields))
            self._pass(row, found.end())
            row.field_start = self._base + self._pos

    def _find_quote(self, final: bool) -> int | None:
        """Where the quote is that the field at hand begins with, behind blanks; -1 without one, None if unseen yet."""
        found = self._patterns.before_quoted.match(self._buffer, self._pos)
        quote = found.end() if found else self._pos
        if quote == len(self._buffer) and not final and quote - self._pos <= self._limits.field:
            return None
        return quote if self._buffer[quote : quote + 1] == b'"' else -1

    def _pass_quoted(self, row: _LongRow, quote: int, final: bool) -> bool:
        """Move past a quoted field, or note that its quote does not close it; False if that is yet to be seen."""
        buffer, start, limit = self._buffer, self._pos, self._limits.field
        found = self._patterns.quoted.match(buffer, quote, min(start + limit, len(buffer)))
        end = found.end() if found else start + limit
        if (not found or end == len(buffer)) and not final and len(buffer) - start <= limit:
            return False
        if found and (end == len(buffer) or self._patterns.behind_quoted.match(buffer, end)):
            row.lines += count_lines(buffer, start, end)
            row.stands_out = row.stands_out or quote > start or not buffer.endswith(b'"', start, end)
            self._pass(row, end)
            return True
        # Text behind the quote is seen by the reader too; that there is no end within the limit, by the framer alone.
        row.unclosed = True
        row.unreadable = row.unreadable or not found or end == start + limit
        return True

    def _pass_text(self, row: _LongRow) -> None:
        """Move to the end of an unquoted field, or of the line if a quote in it is unclosed, or of the buffer."""
        pattern = self._patterns.line_end if row.unclosed else self._patterns.field_end
        found = pattern.search(self._buffer, self._pos)
        end = found.start() if found else len(self._buffer)
        row.stands_out = row.stands_out or self._buffer.find(b'"', self._pos, end) >= 0
        self._pass(row, end)
        if self._base + self._pos - row.field_start > self._limits.field:
            row.unreadable = True

    def _pass(self, row: _LongRow, end: int) -> None:
        row.has_text = row.has_text or self._patterns.not_blank.search(self._buffer, self._pos, end) is not None
        self._pos = end

    def _after_line_end(self, at: int) -> int:
        """The position behind the line end that begins (or, for CRLF, also ends) at *at*."""
        return at + (2 if self._buffer[at] == _CR and self._buffer[at + 1 : at + 2] == b"\n" else 1)

    def _end_row(self, row: _LongRow) -> bool:
        """Count a walked row; one over the limit gets a chunk of its own."""
        end = self._base + self._pos
        oversized = end - row.start > self._limits.row
        if oversized:
            self._end_chunk(row.start)
        self._row = None
        self._line += row.lines + 1
        self._sheet_row += 1
        self.rows += row.has_text or row.unclosed or row.unreadable
        if oversized:
            self._end_chunk(end, oversized=True)
        elif row.unreadable:
            self._unreadable.append((row.start, end))
        elif row.stands_out:
            self._set_apart(row.start)
        return True

    def _begin_chunk(self, start: int) -> None:
        self._chunk_start = start
        self._chunk_line = self._line
        self._chunk_sheet_row = self._sheet_row
        self._rows_before = self.rows
        self._unreadable: list[tuple[int, int]] = []
        self._apart: list[tuple[int, int]] = []
        self._skipped: list[tuple[int, int]] = []

    def _end_chunk(self, end: int, *, oversized: bool = False) -> None:
        """Close the chunk at *end*, a row's, and begin the next one; a chunk of blank rows alone is left out."""
        if self.rows > self._rows_before:
            span = ChunkSpan(
                number=len(self.spans) + 1,
                start=self._chunk_start,
                end=end,
                first_row=self._rows_before + 1,
                first_line=self._chunk_line,
                first_sheet_row=self._chunk_sheet_row,
                rows=self.rows - self._rows_before,
                unreadable=tuple(self._unreadable),
                apart=tuple(self._apart) if len(self._apart) <= MOST_APART else (),
                is_orderly=len(self._apart) <= MOST_APART,
                skipped=tuple(self._skipped),
                order=self._order,
                oversized=oversized,
            )
            self.spans.append(span)
        self._begin_chunk(end)
