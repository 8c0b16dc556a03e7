"""A chunk of a file read back: its bytes decoded and cut into rows, the unreadable ones told apart."""

import csv
import io
import re
from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict

from ingestion.faults import WHOLE_ROW, Fault, FaultCode, RawRow, Reject
from ingestion.quoting import RowEnds, email_columns, holds_rows

OVERSIZED_SHOWN_BYTES = 4_096
"""How much of an oversized row is fetched and kept."""

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


def read_chunk(data: bytes, span: ChunkSpan, fmt: FileFormat) -> Iterator[RawRow | Reject]:
    """Give the rows of *span*, in order; *data* is the file's bytes from `span.start` up to `span.fetch_end`.

    A row that is taken has as many cells as the header. As many rows come out as the span counted, rejects included.
    """
    if span.oversized:
        message = (
            f"The row has {span.end - span.start:,} bytes, too many to be read; a quote or a line end may be missing."
        )
        text = data.decode(fmt.encoding, "surrogateescape")
        yield _unreadable(RawRow(span.first_row, span.first_line, []), text, fmt, message)
        return
    reader = _ChunkReader(span, fmt)
    at = 0
    for start, end in span.unreadable:
        yield from reader.read(data[at : start - span.start])
        at = end - span.start
        yield reader.reject(data[start - span.start : at])
    yield from reader.read(data[at:])


class _ChunkReader:
    """Counts rows and lines along a chunk while its parts are read."""

    def __init__(self, span: ChunkSpan, fmt: FileFormat) -> None:
        self._number = span.first_row
        self._line = span.first_line
        self._format = fmt
        self._blank_chars = fmt.delimiter + ' \t\r\n\v\f"'
        named = [at for at, name in enumerate(fmt.header, 1) if name.strip()]
        self._least = named[-1] if named else fmt.columns
        self._emails = email_columns(fmt.header)
        self._ends = RowEnds(fmt.delimiter)

    def read(self, data: bytes) -> Iterator[RawRow | Reject]:
        """Read rows that `csv` can cut."""
        try:
            text, clean = data.decode(self._format.encoding), b"\0" not in data
        except UnicodeDecodeError:
            text, clean = data.decode(self._format.encoding, "surrogateescape"), False
        lines = io.StringIO(text, newline="")
        while True:
            start, first_line = lines.tell(), self._line
            try:
                yield from self._cut(lines, clean)
                return
            except csv.Error:
                lines.seek(start)
                for _ in range(self._line - first_line):
                    lines.readline()
            yield from self._cut_by_hand(lines, text)

    def _cut(self, lines: io.StringIO, clean: bool) -> Iterator[RawRow | Reject]:
        """Read rows up to the end of *lines*. Raises csv.Error at a row whose quotes are not as they should be."""
        reader = csv.reader(lines, delimiter=self._format.delimiter, strict=True)
        base = line = self._line
        number, columns, blank_chars = self._number, self._format.columns, self._blank_chars
        new = tuple.__new__  # what RawRow(…) calls, at half its price
        try:
            for cells in reader:
                first, line = line, base + reader.line_num
                if not (cells and cells[0].strip(blank_chars)) and not "".join(cells).strip(blank_chars):
                    continue
                row = new(RawRow, (number, first, cells))
                number += 1
                usual = clean and len(cells) == columns and (line - first == 1 or not self._holds_rows(cells))
                yield row if usual else self._judge(row)
        finally:
            self._number, self._line = number, line

    def _cut_by_hand(self, lines: io.StringIO, text: str) -> Iterator[RawRow | Reject]:
        """Read the one row at which `csv` stumbled: blanks behind a closing quote say nothing, text there does."""
        start = lines.tell()
        end, is_readable = self._ends.find(text, start)
        lines.seek(end)
        if not is_readable:
            yield self._reject(text[start:end])
            return
        cells = next(csv.reader(io.StringIO(text[start:end], newline=""), delimiter=self._format.delimiter))
        row = RawRow(self._number, self._line, cells)
        self._line += _count_lines(text[start:end])
        if "".join(cells).strip(self._blank_chars):
            self._number += 1
            yield self._judge(row)

    def reject(self, data: bytes) -> Reject:
        """Reject the row that *data* is; `csv` would not find its end."""
        return self._reject(data.decode(self._format.encoding, "surrogateescape"))

    def _reject(self, text: str) -> Reject:
        row = RawRow(self._number, self._line, [])
        self._number += 1
        self._line += _count_lines(text)
        return _unreadable(row, text, self._format, _QUOTES)

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
        return row._replace(cells=fitted)

    def _holds_rows(self, cells: list[str]) -> bool:
        return holds_rows(cells, self._emails, self._format.delimiter)

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


def _unreadable(row: RawRow, text: str, fmt: FileFormat, message: str) -> Reject:
    """Reject a row with its text as it stands, cut at every delimiter whatever the quotes say."""
    cells = visible(text).rstrip("\r\n").split(fmt.delimiter)
    return Reject(row._replace(cells=cells), (_fault(FaultCode.UNREADABLE, message),))


def _count_lines(text: str) -> int:
    return text.count("\n") + text.count("\r") - text.count("\r\n")


def visible(text: str) -> str:
    """*text* with its undecodable bytes (`surrogateescape`) and its NULs written out, as `\\xff`."""
    if _ESCAPED.search(text):
        text = _ESCAPED.sub(lambda found: f"\\x{ord(found[0]) - 0xDC00:02x}", text)
    return text.replace("\0", "\\x00")
