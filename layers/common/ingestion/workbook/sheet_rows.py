"""The rows of a sheet, one after another, as texts: memory holds the rows of one block of XML, and no more."""

import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from ingestion.errors import RefusalCode, Refused
from ingestion.workbook.cell_texts import text_of_date, text_of_number
from ingestion.workbook.number_formats import Meaning
from ingestion.workbook.package import DAMAGED
from ingestion.workbook.shared_strings import MOST_CELL_CHARS, SharedStrings, TextRuns, unescaped
from ingestion.workbook.xml_parts import Attributes, XmlPart

MOST_ROWS: Final = 1_048_576
MOST_COLUMNS: Final = 16_384
"""What a sheet can have (ECMA-376, 18.3.1.73; Excel's own limits)."""

_MOST_ROW_CHARS: Final = 2 << 20
"""Twice what a row may have: of a longer one, which is rejected anyway, the end is left out."""
_REMEMBERED: Final = 20_000
_PLACE: Final = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})")
_TRUTHS: Final = {"0": "FALSE", "1": "TRUE", "false": "FALSE", "true": "TRUE"}


class SheetRow(NamedTuple):
    """A row that the sheet has an element for: its number, from 1, and its cells from column A on."""

    number: int
    cells: list[str]
    """Without the empty ones at the end."""


class CellValues:
    """What all cells of a workbook are read with."""

    def __init__(self, shared: SharedStrings, styles: list[Meaning], *, is_1904: bool) -> None:
        self._shared = shared
        self._shared_count = len(shared)
        self._styles = styles
        self._is_1904 = is_1904
        self.date_styles = {str(at) for at, meaning in enumerate(styles) if meaning is not Meaning.NUMBER}
        self._numbers: dict[tuple[str, str], str] = {}

    def text_of(self, cell: Attributes, stored: str) -> str:
        """The text of a cell, by its attributes and what it stores. Raises Refused."""
        kind = cell.get("t")
        if kind == "s":
            return self._shared_text(stored)
        if kind is None or kind == "n":
            style = cell.get("s", "0")
            known = self._numbers.get((stored, style))
            return self._number(stored, style) if known is None else known
        if kind == "b":
            return _TRUTHS.get(stored, stored)
        return unescaped(stored)  # a formula's text, a text of its own, an error, a date in ISO form

    def _shared_text(self, stored: str) -> str:
        number = int(stored) if stored.isascii() and stored.isdigit() and len(stored) < 10 else -1
        if not 0 <= number < self._shared_count:
            raise Refused(RefusalCode.NOT_CSV, DAMAGED)
        return self._shared[number]

    def _number(self, stored: str, style: str) -> str:
        number = int(style) if style.isascii() and style.isdigit() and len(style) < 10 else -1
        meaning = self._styles[number] if 0 <= number < len(self._styles) else Meaning.NUMBER
        if meaning is Meaning.NUMBER:
            text = text_of_number(stored)
        else:
            text = text_of_date(stored, meaning, is_1904=self._is_1904)
        if len(self._numbers) >= _REMEMBERED:
            self._numbers.clear()
        self._numbers[stored, style] = text
        return text


def read_rows(blocks: Iterable[bytes], values: CellValues, dated: set[int]) -> Iterator[SheetRow]:
    """Read the rows of a sheet's part in order; adds the columns with dates that are numbers to *dated*.

    Raises Refused.
    """
    reader = _SheetReader(values, dated)
    for block in blocks:
        reader.xml.feed(block)
        yield from reader.take()
    reader.xml.finish()
    yield from reader.take()


class _SheetReader:
    """Takes the elements of a sheet: rows, their cells, and what these store.

    Most elements are cells with a value, so these are looked for first, by the names that they have in this part.
    """

    def __init__(self, values: CellValues, dated: set[int]) -> None:
        self.xml = XmlPart(self._start_other)
        self._dated = dated
        self._parser = self.xml.parser
        self._parser.StartElementHandler = self._begin
        self._values = values
        self._text_of = values.text_of
        self._runs = TextRuns(self.xml)
        self._columns: dict[str, int] = {}
        self._rows: list[SheetRow] = []
        self._number = 0
        self._cells: list[str] = []
        self._chars = 0
        self._cell: Attributes | None = None
        self._is_row = False
        self._c = self._v = ""
        self._stored = ""

    def take(self) -> list[SheetRow]:
        """The rows that ended since the last call."""
        rows, self._rows = self._rows, []
        return rows

    def _begin(self, name: str, _given: Attributes) -> None:
        """The part itself begins; its prefix is that of all of its elements."""
        prefix = name[: name.find(":") + 1]
        self._c, self._v = f"{prefix}c", f"{prefix}v"
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end

    def _start(self, name: str, given: Attributes) -> None:
        if name == self._c:
            if self._is_row:
                self._cell, self._stored = given, ""
        elif name == self._v:
            self._parser.CharacterDataHandler = self._store
        else:
            self._start_other(name.rpartition(":")[2], given)

    def _store(self, text: str) -> None:
        if len(self._stored) < MOST_CELL_CHARS:
            self._stored += text

    def _start_other(self, name: str, given: Attributes) -> None:
        if self._cell is not None:
            self._runs.begin(name)
        elif name == "row":
            self._begin_row(given)

    def _begin_row(self, given: Attributes) -> None:
        number = given.get("r", str(self._number + 1))
        before, self._number = self._number, int(number) if number.isascii() and number.isdigit() else 0
        if not before < self._number <= MOST_ROWS:
            raise Refused(RefusalCode.NOT_CSV, DAMAGED)
        self._is_row, self._cells, self._chars = True, [], 0

    def _end(self, name: str) -> None:
        if name == self._v:
            self._parser.CharacterDataHandler = None
        elif name == self._c:
            if self._cell is not None:
                self._end_cell(self._cell)
                self._cell = None
        else:
            self._end_other(name.rpartition(":")[2])

    def _end_other(self, name: str) -> None:
        if self._cell is not None:
            self._runs.end(name)
        elif self._is_row and name == "row":
            while self._cells and not self._cells[-1]:
                self._cells.pop()
            self._rows.append(SheetRow(self._number, self._cells))
            self._is_row = False

    def _end_cell(self, cell: Attributes) -> None:
        stored, cells = self._stored, self._cells
        if cell.get("t") == "inlineStr":
            stored = self._runs.take()
        text = self._text_of(cell, stored) if stored else ""
        place = cell.get("r")
        if place is None:
            column = len(cells)
            cells.append("")
        else:
            letters = place.rstrip("0123456789")
            column = self._columns[letters] if letters in self._columns else self._column(place, letters)
            if not text:
                return
            if column < len(cells):
                raise Refused(RefusalCode.NOT_CSV, DAMAGED)
            if column > len(cells):
                cells += [""] * (column - len(cells))
            cells.append("")
        if text and cell.get("s") in self._values.date_styles and cell.get("t") in (None, "n"):
            self._dated.add(column)
        if self._chars <= _MOST_ROW_CHARS:
            self._chars += len(text)
            cells[column] = text

    def _column(self, place: str, letters: str) -> int:
        """The column of a cell, from 0, by its place, such as `C12`."""
        column = 0
        for letter in letters if _PLACE.fullmatch(place) else "":
            column = 26 * column + ord(letter) - ord("A") + 1
        if not 0 < column <= MOST_COLUMNS:
            raise Refused(RefusalCode.NOT_CSV, DAMAGED)
        self._columns[letters] = column - 1
        return column - 1
