"""The reader core written a second time, slowly and plainly, to compare the real one with."""

import csv
import io
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ingestion.csv_file.chunk_reader import read_chunk
from ingestion.csv_file.file_limits import Limits
from ingestion.csv_file.file_pass import FilePass, ScannedFile
from ingestion.csv_file.quoting import RowEnds
from ingestion.faults import RawRow, Reject

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "200"))
"""How many files a property is tried on: make fuzz-reader asks for more."""

KNOWN = (
    "session_id",
    "participant_email",
    "mentor_email",
    "volunteer_email",
    "scheduled_at",
    "rating",
    "feedback_text",
    "focus_area",
    "topics",
    "metadata",
)
BLANK = b' \t\r\n\v\f",;|'


def blocks_of(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


def scan(data: bytes, limits: Limits | None = None, block: int = 1 << 20) -> tuple[ScannedFile, bytes]:
    """What the one pass says of *data*, and the text that the chunks are cut from."""
    written: list[bytes] = []
    file_pass = FilePass(limits or Limits(), KNOWN, written.append)
    for part in blocks_of(data, block):
        file_pass.feed(part)
    scanned = file_pass.finish()
    return scanned, b"".join(written) if scanned.transformed else data


def read_all(scanned: ScannedFile, text: bytes) -> list[RawRow | Reject]:
    """All rows of a file, read chunk by chunk."""
    return [
        row for span in scanned.chunks for row in read_chunk(text[span.start : span.fetch_end], span, scanned.format)
    ]


def rows_of(data: bytes, limits: Limits | None = None, block: int = 1 << 20) -> list[RawRow | Reject]:
    return read_all(*scan(data, limits, block))


def cells_of(data: bytes) -> list[list[str]]:
    """The cells of a file's rows, all of which must be readable."""
    rows = rows_of(data)
    assert all(isinstance(row, RawRow) for row in rows)
    return [row.cells for row in rows if isinstance(row, RawRow)]


def by_csv(text: str, delimiter: str, line: int) -> Iterator[tuple[int, int, list[str]]]:
    """Number, line and cells of the rows that one csv.reader finds in *text*, which begins at *line*."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    number, first = 1, line
    for cells in reader:
        if "".join(cells).strip(BLANK.decode() + delimiter):
            yield number, first, cells
            number += 1
        first = line + reader.line_num


@dataclass(frozen=True)
class Framed:
    """A row by its bytes, from `start` up to `end`, and its first line; `misquoted` if text follows a closing quote."""

    start: int
    end: int
    line: int
    unreadable: bool
    misquoted: bool


def framed(data: bytes, delimiter: bytes, limits: Limits, start: int = 0, line: int = 1) -> Iterable[Framed]:
    """The rows of *data*, blank ones left out, found byte by byte."""
    while start < len(data):
        end, unreadable, misquoted = _row_end(data, start, delimiter, limits)
        if unreadable or misquoted or data[start:end].strip(BLANK + delimiter):
            yield Framed(start, end, line, unreadable, misquoted)
        row = data[start:end]
        line += row.count(b"\n") + row.count(b"\r") - row.count(b"\r\n")
        start = end


def told(rows: list[Framed], data: bytes, limits: Limits, columns: int) -> list[tuple[bool, list[str]]]:
    """Whether each row, between commas, is rejected; and its cells."""
    judged = [_told(row, data, limits, columns) for row in rows]
    for at, (row, (rejected, cells)) in enumerate(zip(rows, judged, strict=True)):
        text = data[row.start : row.end].decode()
        quotes = text.count('"') if '"' in text and _has_stray(row, text) else 0
        alone = len(cells) == 1 and not (at and judged[at - 1][1][0].strip().startswith(cells[0].strip()[:2]))
        marks, above = "".join(cells).strip(BLANK.decode()), judged[at - 1][1][-1].strip(BLANK.decode())
        says = any(map(str.isalnum, text)) or (marks and not above)
        is_rest = rejected and len(cells) < columns and (alone or quotes % 2) and says
        if at and is_rest and not judged[at - 1][0]:
            judged[at - 1] = True, judged[at - 1][1]
    return judged


def _has_stray(row: Framed, text: str) -> bool:
    return row.misquoted or row.unreadable or any('"' in cell and not quoted for cell, quoted in _cells(text))


def _told(row: Framed, data: bytes, limits: Limits, columns: int) -> tuple[bool, list[str]]:
    text = data[row.start : row.end].decode().rstrip("\r\n")
    if row.unreadable or row.misquoted or row.end - row.start > limits.row or _lacks_comma(text):
        return True, text.split(",")
    cells = [cell for cell, _ in _cells(text)]
    if len(cells) == 1 and "," in cells[0]:
        # A row that stands in one pair of quotes as a whole.
        ends = RowEnds(",")
        inside = ends.cut(cells[0])
        if inside and len(inside) == columns and not ends.may_lack_delimiter(cells[0]):
            return False, inside
    return len(cells) != columns, cells


def _cells(text: str) -> Iterator[tuple[str, bool]]:
    """The cells of a row, and whether each was quoted."""
    data, at = text.encode(), 0
    while True:
        start = _skip_blanks(data, at, b",")
        closed = _closing_quote(data, start) if data[start : start + 1] == b'"' else None
        end = _skip(data, at if closed is None else closed, b",\r\n")
        if closed is None:
            yield data[at:end].decode(), False
        else:
            yield (data[start + 1 : closed].replace(b'""', b'"') + data[closed + 1 : end]).decode(), True
        if end == len(data):
            return
        at = end + 1


def _lacks_comma(text: str) -> bool:
    """Whether, at a quote in an unquoted cell, a quoted text that holds a comma begins."""
    data, at, saw_comma = text.encode(), 0, False
    while at <= len(data):
        start = _skip_blanks(data, at, b",")
        closed = _closing_quote(data, start) if data[start : start + 1] == b'"' else None
        end = _skip(data, at if closed is None else closed, b",\r\n")
        saw_comma = saw_comma or (closed is not None and b"," in data[at:closed])
        field = data[at:end]
        if closed is None and saw_comma and field.count(b'"') % 2 and field.rstrip().endswith(b'"'):
            return True
        for quote in range(at, end) if closed is None else ():
            if data[quote] == ord('"') and (last := _closing_quote(data, quote)) is not None:
                behind = _skip_blanks(data, last + 1, b",")
                if b"," in data[quote:last] and (behind == len(data) or data[behind] in b",\r\n"):
                    return True
        at = end + 1
    return False


def _row_end(data: bytes, at: int, delimiter: bytes, limits: Limits) -> tuple[int, bool, bool]:
    unreadable = False
    while True:
        field, quote = at, _skip_blanks(data, at, delimiter)
        if data[quote : quote + 1] == b'"' and quote - at <= limits.field:
            closed, limit = _closing_quote(data, quote), at + limits.field
            behind = len(data) if closed is None else min(_skip_blanks(data, closed + 1, delimiter), limit)
            beyond = closed is None or closed + 1 > limit
            if beyond or (behind < len(data) and data[behind] not in delimiter + b"\r\n"):
                end = _skip(data, at, b"\r\n")
                return _line_end(data, end), unreadable or beyond or behind == limit or end > limit, True
            at = behind
        at = _skip(data, at, delimiter + b"\r\n")
        unreadable = unreadable or at - field > limits.field
        if at == len(data) or data[at : at + 1] != delimiter:
            return _line_end(data, at), unreadable, False
        at += 1


def _closing_quote(data: bytes, at: int) -> int | None:
    at += 1
    while at < len(data):
        if data[at : at + 2] == b'""':
            at += 2
        elif data[at : at + 1] == b'"':
            return at
        else:
            at += 1
    return None


def _skip_blanks(data: bytes, at: int, delimiter: bytes) -> int:
    while data[at : at + 1] in (b" ", b"\t") and data[at : at + 1] != delimiter:
        at += 1
    return at


def _skip(data: bytes, at: int, stop: bytes) -> int:
    while at < len(data) and data[at] not in stop:
        at += 1
    return at


def _line_end(data: bytes, at: int) -> int:
    return at + 2 if data[at : at + 2] == b"\r\n" else min(at + 1, len(data))
