"""Where rows begin and end: a file cut, as it streams by, into chunks of whole rows.

Rows end where `csv.reader` ends them. Three ways lead there, each exact, the quicker tried first: a window of
well-formed text is counted whole, a row is matched by one pattern, and a row that is long, unclosed or last is walked
field by field.
"""

import re

from ingestion.csv_file.chunk_spans import AHEAD_BYTES, ChunkSpan
from ingestion.csv_file.file_limits import Limits
from ingestion.csv_file.footers import MOST_FOOTERS, Footer, find_footer
from ingestion.csv_file.long_rows import LongRow
from ingestion.csv_file.repeated_headers import RepeatedHeaders
from ingestion.csv_file.row_windows import Patterns, behind_line_end, count_lines, count_window
from ingestion.errors import RefusalCode, Refused

_LOST = re.compile(rb"(?<![\w?!.)])\?{3,}")
LEAST_WINDOW_BYTES = 2_048
MOST_APART = 1_000
"""Rows of a chunk that are named, to be read by hand; where there are more, all are."""
MOST_ORDERS = 100
"""How often the order of the columns may change: each time takes a chunk of its own."""


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
        headers: RepeatedHeaders | None = None,
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
        self._row: LongRow | None = None
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
        """The byte of the file up to which whole rows have been read: no later chunk ends before it."""
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
        """Take the blank lines that stand here, if any do. No run of them reaches past where the chunk may end."""
        buffer, start = self._buffer, self._pos
        end = min(start + self._limits.field, len(buffer), self._chunk_start + self._limits.chunk - self._base)
        found = self._patterns.blank_lines.match(buffer, start, end)
        if found:
            self._pos = behind_line_end(buffer, found.end() - 1)
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
        end = behind_line_end(buffer, found.end() - 1)
        if self._headers and self._headers.is_header(row := buffer[start:end]) and b"@" not in row:
            return self._take_header(end - start)
        self._pos = end
        self._line += count_lines(buffer, start, end)
        self._sheet_row += 1
        self.rows += self._patterns.not_blank.search(buffer, start, end) is not None
        if buffer.find(b'"', start, end) >= 0 and not self._patterns.are_well_quoted(buffer[start:end]):
            self._set_apart(self._base + start)
        return True

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
        row = self._row = self._row or LongRow(self._patterns, self._limits.field, self._base + self._pos)
        self._pos, is_ended = row.walk(self._buffer, self._pos, final=final)
        if is_ended:
            self._end_row(row)
        return is_ended

    def _end_row(self, row: LongRow) -> None:
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
