"""Rows whose quotes are not as they should be: what `csv` would quietly make another text of is found out here.

A quoted field ends with its closing quote; blanks may follow, text may not. Where text follows, the quote was opened by
mistake, or closed by one that should have been doubled or escaped: the row is unreadable, and ends with the line on
which that quote was opened, so that the rows below are read as they are.
"""

import re
from collections.abc import Sequence

from ingestion.programmes.programme import plain

_LINE_END = re.compile(r"\r\n|\r|\n")


def blanks_beside(delimiter: str) -> str:
    """The characters that may stand between a closing quote and the next delimiter."""
    return " \t".replace(delimiter, "")


class RowEnds:
    """Finds the ends of rows in text of one delimiter."""

    def __init__(self, delimiter: str) -> None:
        mark = re.escape(delimiter)
        # Groups are never possessive: before 3.11.5 Python gets those wrong (gh-106052). What follows them settles it.
        quoted = rf'"[^"]*+(?:""[^"]*+)*"(?!")[{blanks_beside(delimiter)}]*+(?=[{mark}\r\n]|\Z)'
        self._delimiter = delimiter
        self._field = re.compile(rf'(?:{quoted}|(?!")[^{mark}\r\n]*+)')

    def find(self, text: str, start: int) -> tuple[int, bool]:
        """Where the row that begins at *start* ends, behind its line end; and whether its quotes are in order."""
        at = start
        while found := self._field.match(text, at):
            at = found.end()
            if text[at : at + 1] != self._delimiter:
                return _behind_line_end(text, at), True
            at += 1
        return _behind_line_end(text, at), False


def _behind_line_end(text: str, at: int) -> int:
    found = _LINE_END.search(text, at)
    return found.end() if found else len(text)


def email_columns(header: Sequence[str]) -> list[int]:
    """The indexes of the columns that hold addresses, by the names of a header."""
    return [index for index, name in enumerate(header) if "email" in plain(name)]


def holds_rows(cells: Sequence[str], emails: Sequence[int], delimiter: str) -> bool:
    """Whether one of the cells holds whole rows, swallowed between a quote that was not closed and another such one.

    That takes lines with just the delimiters of the row's rest, of whole rows and of a row's beginning, and an address
    in one of the columns *emails* of each: no text that people write is like that.
    """
    least = max(len(cells) - 1, 1)
    for at, cell in enumerate(cells):
        if cell.count(delimiter) >= least and _is_rows(at, cells, emails, delimiter):
            return True
    return False


def _is_rows(at: int, cells: Sequence[str], emails: Sequence[int], delimiter: str) -> bool:
    lines = [line.split(delimiter) for line in _LINE_END.split(cells[at])]
    rows = [[*cells[:at], *lines[0]], *lines[1:-1], [*lines[-1], *cells[at + 1 :]]]
    is_table = len(lines) > 1 and all(len(row) == len(cells) for row in rows)
    return is_table and all(any("@" in row[index] for index in emails) for row in rows[1:])
