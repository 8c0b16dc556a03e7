"""Rows that may lack cells at their end, and yet have lost or gained one further in front, or an end of their line.

They have no more cells than the columns, so only what the cells hold can show it. A row is shifted if its cells do not
look as those of their columns do, and would if two neighbours were one, or if one were two.
"""

import re
from collections.abc import Sequence
from typing import Final

from ingestion.csv_file.quoting import email_columns
from ingestion.records import PROGRAMMES
from ingestion.records.programme import header_name
from ingestion.records.record_type import Column

MESSAGE: Final = (
    "The row lacks cells at its end, and others seem to stand in the wrong columns; put a text that holds the "
    "delimiter in quotes, or write all delimiters of the row."
)

_LONGEST_SPLIT: Final = 600
"""A longer cell is not looked at for a delimiter that it lost."""
_ADDRESS: Final = re.compile(r"[^/\s]@\w")
_COLUMNS: Final = {
    column.name: column
    for programme in PROGRAMMES.values()
    if programme.fills_short_rows
    for column in programme.columns
}
"""The columns of rows that may lack cells."""


class ShiftedRows:
    """Finds the shifted rows below a header; *order* is where each column's cell stands, if elsewhere than there."""

    def __init__(self, header: Sequence[str], delimiter: str, order: Sequence[int]) -> None:
        places = order or range(len(header))
        names = list(map(header_name, header))
        self._columns: dict[int, Column] = {
            places[at]: _COLUMNS[name] for at, name in enumerate(names) if name in _COLUMNS
        }
        self._unnamed = [places[at] for at, name in enumerate(names) if not name]
        self._emails = [places[at] for at in email_columns(header)]
        self._delimiter = delimiter
        self._width = len(header)

    def may_be_among(self, rows: Sequence[Sequence[str]]) -> bool:
        """Whether any of the rows, none of which lacks a cell, must be looked at closely."""
        return any(
            not all(map(column.looks, {row[at] for row in rows}))
            for at, column in self._columns.items()
            if column.looks
        )

    def is_shifted(self, cells: Sequence[str]) -> bool:
        """Whether the row fits its columns only if two neighbours are one cell, or one cell is two; or holds two."""
        is_short = len(cells) < self._width
        said = _without_blank_end(cells)
        if is_short and any(at < len(said) and said[at].strip() for at in self._unnamed):
            return True
        here = self._fitting(said, 0, is_short=is_short)
        if all(here):
            return False
        return self._holds_address(said) or self._is_cut(said, here) or (is_short and self._is_joined(said, here))

    def is_rest(self, cells: Sequence[str], before: Sequence[str]) -> bool:
        """Whether the cells, which name nobody, are what a line end tore off the row before them."""
        start, rest = _without_blank_end(before), _without_blank_end(cells)
        if not start or not rest or any(at < len(cells) and "@" in cells[at] for at in self._emails):
            return False
        # The line ended inside of the last cell, or behind it and some that are empty.
        whole = [[*start[:-1], start[-1] + rest[0], *rest[1:]]]
        whole += [[*start, *[""] * blank, *rest] for blank in range(self._width - len(start) - len(rest) + 1)]
        return any(self._is_row(cells) for cells in whole)

    def _is_row(self, cells: Sequence[str]) -> bool:
        return len(cells) <= self._width and all(self._fitting(cells, 0, is_short=len(cells) < self._width))

    def _is_cut(self, cells: Sequence[str], here: Sequence[bool]) -> bool:
        """Whether two neighbours are one cell."""
        is_short = len(cells) < self._width
        left = self._fitting(cells, -1, is_short=is_short)
        return any(
            all(here[:at]) and all(left[at + 2 :]) and self._fits(at, text, is_short=is_short)
            for at in range(len(cells) - 1)
            for text in (self._delimiter.join(cells[at : at + 2]), "".join(cells[at : at + 2]))
        )

    def _is_joined(self, cells: Sequence[str], here: Sequence[bool]) -> bool:
        """Whether one of the cells is two."""
        right = self._fitting(cells, 1, is_short=True)
        return any(
            all(here[:at]) and all(right[at + 1 :]) and self._is_two(at, text)
            for at, text in enumerate(cells)
            if len(text) <= _LONGEST_SPLIT
        )

    def _is_two(self, at: int, text: str) -> bool:
        return any(
            self._fits(at, text[:end], is_short=True) and self._fits(at + 1, text[end:], is_short=True)
            for end in range(len(text) + 1)
        )

    def _holds_address(self, cells: Sequence[str]) -> bool:
        """Whether an address stands where none belongs, but for one's own in place of a name."""
        own = [cells[at].strip() for at in self._emails if at < len(cells)]
        return any(
            at in self._columns and at not in self._emails and _ADDRESS.search(cell) and cell.strip() not in own
            for at, cell in enumerate(cells)
        )

    def _fitting(self, cells: Sequence[str], by: int, *, is_short: bool) -> list[bool]:
        return [self._fits(at + by, cell, is_short=is_short) for at, cell in enumerate(cells)]

    def _fits(self, at: int, cell: str, *, is_short: bool) -> bool:
        column = self._columns.get(at)
        if column is None:
            return True
        if column.looks and not column.looks(cell):
            return False
        # Where cells are lacking, a word that is not known may be the rest of the text before it.
        return not (is_short and column.usual) or cell.strip(' "').lower() in column.usual


def _without_blank_end(cells: Sequence[str]) -> Sequence[str]:
    last = len(cells)
    while last and not cells[last - 1].strip():
        last -= 1
    return cells[:last]
