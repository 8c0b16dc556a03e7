"""What can be wrong with a row before anybody asks what its cells say: quotes, bytes, the number of its cells."""

import re
from collections.abc import Iterator, Sequence
from itertools import compress, repeat
from operator import ge, gt, itemgetter
from typing import Final, NamedTuple

from ingestion.csv_file.blank_rows import ASCII_BLANKS, blank_chars
from ingestion.csv_file.chunk_spans import FileFormat
from ingestion.csv_file.quoting import RowEnds, email_columns, holds_rows
from ingestion.csv_file.shifted_rows import MESSAGE as _SHIFTED
from ingestion.csv_file.shifted_rows import ShiftedRows
from ingestion.faults import WHOLE_ROW, Fault, FaultCode

QUOTES: Final = (
    "The row can't be read: a quote is not closed, or text follows the one that closes it, or a field is too long; "
    "a quote inside of a quoted text is written twice."
)
SEPARATOR: Final = (
    "The row can't be read: a quote stands inside of a text that is not quoted, and what follows it looks like a "
    "quoted text; a delimiter before it may be missing."
)
TORN: Final = (
    "The row can't be read: the line below looks like the rest of it; a text of several lines must stand in quotes."
)
_SWALLOWED: Final = (
    "The row can't be read: a cell holds what look like rows of their own; a quote before them is not closed."
)
_ESCAPED: Final = re.compile("[\udc80-\udcff]")


class CheckedRow(NamedTuple):
    """A row's cells as they stand there and, unless their number is wrong, as many of them as there are columns."""

    cells: list[str]
    fitted: list[str] | None
    faults: list[Fault]


class RowChecks:
    """Checks the rows of one file, some at once or one by one.

    *order* is where each column's cell stands, if elsewhere than in the header.
    """

    def __init__(self, fmt: FileFormat, order: Sequence[int]) -> None:
        self._format = fmt
        self.width: Final = fmt.columns if fmt.width is None else fmt.width
        self.unseen_chars: Final = blank_chars(fmt.encoding, fmt.delimiter)
        """What a row may consist of and still be none."""
        self._blank_chars = ASCII_BLANKS.decode() + fmt.delimiter
        self._emails = email_columns(fmt.header)
        self.ends: Final = RowEnds(fmt.delimiter)
        self.shifted: Final = ShiftedRows(fmt.header, fmt.delimiter, order) if fmt.fills_short_rows else None

    def are_good(self, rows: Sequence[list[str]], heights: Sequence[int]) -> bool:
        """Whether no row of clean text needs a look of its own; *heights* are the lines that each stands on."""
        return self._are_whole(rows) and not self._may_hold_rows(rows, heights)

    def texts_of(self, rows: Sequence[list[str]]) -> list[str]:
        """The text of each row without what nobody sees; empty for a blank one."""
        return list(map(str.strip, map("".join, rows), repeat(self.unseen_chars)))

    def _are_whole(self, rows: Sequence[list[str]]) -> bool:
        """Whether all rows have as many cells as the header and, as most, something in the first one."""
        if self.width != self._format.columns or set(map(len, rows)) != {self.width}:
            return False
        if self.shifted and self.shifted.may_be_among(rows):
            return False
        first_cells = list(map(itemgetter(0), rows))
        blank_chars = self._blank_chars if "".join(first_cells).isascii() else self.unseen_chars
        return all(map(str.strip, first_cells, repeat(blank_chars)))

    def _may_hold_rows(self, rows: Sequence[list[str]], heights: Sequence[int]) -> bool:
        """Whether a row that stands on several lines has delimiters enough in its cells for rows of their own."""
        tall = compress(rows, map(gt, heights, repeat(1)))
        delimiters = map(str.count, map("".join, tall), repeat(self._format.delimiter))
        return any(map(ge, delimiters, repeat(self._format.columns - 1)))

    def check(self, cells: list[str], *, is_clean: bool) -> CheckedRow | None:
        """Find what is wrong with a row, if anything is; None for a blank one."""
        if not "".join(cells).strip(self.unseen_chars):
            return None
        cells = self._unwrapped(cells)
        faults = [] if is_clean else [*self._faults_of_text(cells)]
        fitted = self._fitted(cells)
        if fitted is None:
            faults.append(fault(FaultCode.WRONG_FIELD_COUNT, self._count_message(len(cells))))
        elif self.shifted and self.shifted.is_shifted(cells):
            faults.append(fault(FaultCode.WRONG_FIELD_COUNT, _SHIFTED))
        elif holds_rows(fitted, self._emails, self._format.delimiter):
            faults.append(fault(FaultCode.UNREADABLE, _SWALLOWED))
        return CheckedRow(cells, fitted, faults)

    def cut(self, row: str) -> list[str] | None:
        """The cells of a row, without what stands around all rows of the file; None if its quotes are in disorder."""
        if self._format.tail and row.endswith(self._format.tail):
            row = row.removesuffix(self._format.tail)
        cells = self.ends.cut(row)
        if self._format.is_wrapped and cells and len(cells) == 1:
            return self.ends.cut(cells[0])
        return cells

    def _unwrapped(self, cells: list[str]) -> list[str]:
        """The cells of a row that stands in one pair of quotes as a whole, which the others need not.

        A spreadsheet that expects another delimiter takes each line for one cell, and writes quotes only around those
        that hold some.
        """
        if len(cells) > 1 or self._format.delimiter not in cells[0]:
            return cells
        inside = self.ends.cut(cells[0])
        is_row = inside is not None and len(inside) == self.width and not self.ends.may_lack_delimiter(cells[0])
        return inside if inside and is_row else cells

    def _faults_of_text(self, cells: list[str]) -> Iterator[Fault]:
        if any("\0" in cell for cell in cells):
            yield fault(FaultCode.UNREADABLE, "The row holds a NUL byte; save the file again as CSV UTF-8.")
        if any(map(_ESCAPED.search, cells)):
            message = f"The row holds bytes that are not {self._format.encoding}; save the file again as CSV UTF-8."
            yield fault(FaultCode.UNREADABLE, message)

    def _count_message(self, count: int) -> str:
        columns, fields = self.width, "1 field" if count == 1 else f"{count} fields"
        if count < columns:
            return f"The row has {fields} where {columns} are expected; a delimiter or the end of the row is missing."
        return f"The row has {fields} where {columns} are expected; put a text that holds the delimiter in quotes."

    def _fitted(self, cells: list[str]) -> list[str] | None:
        """The cells as many as the columns; None if they are not as many as every row of the file has."""
        columns = self._format.columns
        if len(cells) != self.width and not (self._format.fills_short_rows and len(cells) < columns):
            return None
        if len(cells) > columns:
            return None if "".join(cells[columns:]).strip() else cells[:columns]
        return cells + [""] * (columns - len(cells))


def fault(code: FaultCode, message: str) -> Fault:
    """A fault of the row as a whole."""
    return Fault(code, WHOLE_ROW, message)


def visible(text: str) -> str:
    """*text* with its undecodable bytes (`surrogateescape`) and its NULs written out, as `\\xff`."""
    if _ESCAPED.search(text):
        text = _ESCAPED.sub(lambda found: f"\\x{ord(found[0]) - 0xDC00:02x}", text)
    return text.replace("\0", "\\x00")
