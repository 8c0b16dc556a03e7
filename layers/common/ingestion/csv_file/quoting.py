"""Rows whose quotes are not as they should be: what `csv` would quietly make another text of is found out here.

A quoted field ends with its closing quote; blanks may stand before and behind it, text may not. Where text follows, the
quote was opened by mistake, or closed by one that should have been doubled or escaped: the row is unreadable, and ends
with the line on which that quote was opened, so that the rows below are read as they are.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from ingestion.csv_file.blank_rows import ASCII_BLANKS
from ingestion.records.programme import header_name

_BLANKS = ASCII_BLANKS.decode()
_LINE_END = re.compile(r"\r\n|\r|\n")

MOST_STRAY_QUOTES: Final = 100
"""Of a field that begins without one: more than anybody writes, few enough to look at what follows each."""

LONGEST_FRAGMENT: Final = 2_048


def blanks_beside(delimiter: str) -> str:
    """The characters that may stand between a quote and the next delimiter."""
    return " \t".replace(delimiter, "")


class RowEnds:
    """Finds the ends of rows in text of one delimiter, and the cells of one row."""

    def __init__(self, delimiter: str) -> None:
        mark, blanks = re.escape(delimiter), f"[{blanks_beside(delimiter)}]"
        # Groups are never possessive: before 3.11.5 Python gets those wrong (gh-106052). What follows ends them.
        quoted = rf'"[^"]*+(?:""[^"]*+)*"(?!"){blanks}*+(?=[{mark}\r\n]|\Z)'
        self._delimiter = delimiter
        self._field = re.compile(rf'(?:{blanks}*+{quoted}|(?!{blanks}*+")[^{mark}\r\n]*+)')
        self._quoted = re.compile(quoted)

    def find(self, text: str, start: int) -> tuple[int, bool]:
        """Where the row that begins at *start* ends, behind its line end; and whether its quotes are in order."""
        at = start
        while found := self._field.match(text, at):
            at = found.end()
            if text[at : at + 1] != self._delimiter:
                return _behind_line_end(text, at), True
            at += 1
        return _behind_line_end(text, at), False

    def cut(self, row: str) -> list[str] | None:
        """The cells of a row without its line end; None if its quotes are not in order."""
        fields = self.fields(row)
        return None if fields is None else [unquoted(row[start:end]) for start, end in fields]

    def fields(self, row: str) -> list[tuple[int, int]] | None:
        """Where each cell of a row begins and ends, with its quotes and the blanks beside them; see `cut`."""
        fields, at = [], 0
        while found := self._field.match(row, at):
            fields.append(found.span())
            at = found.end()
            if at == len(row):
                return fields
            if row[at] != self._delimiter:
                return None
            at += 1
        return None

    def has_stray_quote(self, row: str) -> bool:
        """Whether a field that begins without a quote, blanks aside, holds one."""
        return any(True for _ in self._stray_fields(row))

    def _stray_fields(self, row: str) -> Iterator[tuple[int, str]]:
        """The unquoted fields that hold a quote, each with where it begins."""
        at = 0
        while at <= len(row) and (found := self._field.match(row, at)):
            if '"' in (field := found[0]) and not field.lstrip(" \t").startswith('"'):
                yield at, field
            at = found.end() + 1

    def may_lack_delimiter(self, row: str) -> bool:
        """Whether an unquoted field goes over into what would be a quoted one that holds delimiters.

        In `integration"CV,interview"` a delimiter was lost: taken by its letters, the row would be cut inside of a
        text. So it may be where a quote closes what none opened, behind a quoted text that holds delimiters.
        """
        for start, field in self._stray_fields(row):
            quotes = [start + at for at, char in enumerate(field) if char == '"']
            if len(quotes) % 2 and field.rstrip().endswith('"') and self._has_quoted_delimiter(row[:start]):
                return True
            if len(quotes) > MOST_STRAY_QUOTES or any(self._holds_delimiter(row, quote) for quote in quotes):
                return True
        return False

    def _has_quoted_delimiter(self, fields: str) -> bool:
        """Whether one of some whole fields, each with its delimiter, is quoted and holds delimiters."""
        at = 0
        while at < len(fields) and (found := self._field.match(fields, at)):
            if self._delimiter in found[0]:
                return True
            at = found.end() + 1
        return False

    def _holds_delimiter(self, row: str, quote: int) -> bool:
        found = self._quoted.match(row, quote)
        return found is not None and self._delimiter in found[0]


def unquoted(field: str) -> str:
    """The text of a field, without the quotes around it and the blanks beside them."""
    bare = field.lstrip(" \t")
    if not bare.startswith('"'):
        return field
    closing = bare.rindex('"')
    return bare[1:closing].replace('""', '"') + bare[closing + 1 :]


def _behind_line_end(text: str, at: int) -> int:
    found = _LINE_END.search(text, at)
    return found.end() if found else len(text)


def is_fragment(cells: Sequence[str], quotes: int, before: Sequence[str]) -> bool:
    """Whether *cells*, too few for a row, are what a stray line end tore off the row *before*.

    So are a line without a delimiter and one with half a pair of quotes; not what begins as the rows do, or names
    somebody: that is a row of its own, cut short.
    """
    begins_alike = before[0].strip().startswith(cells[0].strip()[:2])
    is_torn = quotes % 2 == 1 or (len(cells) == 1 and not begins_alike)
    text = "".join(cells)
    # A line of marks alone is a rule that somebody drew, unless there is an empty cell that it was torn out of.
    says_something = any(map(str.isalnum, text)) or bool(text.strip(_BLANKS) and not before[-1].strip(_BLANKS))
    return is_torn and "@" not in text and says_something and len(text) <= LONGEST_FRAGMENT


def email_columns(header: Sequence[str]) -> list[int]:
    """The indexes of the columns that hold addresses, by the names of a header."""
    return [index for index, name in enumerate(header) if "email" in header_name(name)]


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
