"""Which row of a file's head is its header, and whether it is in one piece: what is wrong there would be in every row.

The header is the row with the most known names. A refusal names the line, and the cell where it can, but no text.
"""

import re
from collections.abc import Collection, Sequence
from typing import Final

from ingestion.csv_file.blank_rows import DELIMITERS
from ingestion.csv_file.quoting import RowEnds, email_columns
from ingestion.errors import RefusalCode, Refused
from ingestion.records.programme import header_name

HEADER_ROWS: Final = 11
"""The header is looked for in so many rows that are not blank."""

_LEAST_KNOWN: Final = 2
"""Names that a row other than the first must have: a title may be one that we know."""
_REQUIRED: Final = 4
"""Columns that a session must have; of somebody in a roster, whose header has one column of addresses, the address."""

_ADDRESS = re.compile(r"(?<![^@\s])[^@\s]++@[^@\s]+\.\w+")
_QUOTE = re.compile("[\"']")
_LONGEST_LINE = 100_000
_MEND = "mend the header row and upload the file again"


def count_known(row: Sequence[str], known: Collection[str]) -> int:
    """How many of the known names a row has."""
    return len(_known_in(row, known))


def _known_in(row: Sequence[str], known: Collection[str]) -> set[str]:
    return {name for cell in row if (name := header_name(cell)) in known}


def find_header(rows: Sequence[Sequence[str]], known: Collection[str]) -> int:
    """The index of the row with the most known names among those that may be the header; the first of equals."""
    hits = [count_known(row, known) for row in rows[:HEADER_ROWS]]
    return hits.index(max(hits)) if hits and max(hits) >= _LEAST_KNOWN else 0


def refuse_low_header(rows: Sequence[Sequence[str]], known: Collection[str], lines: Sequence[int]) -> None:
    """Raise `Refused(HEADER_NOT_FIRST)` if a row names columns below those that may be the header."""
    for row, line in zip(rows[HEADER_ROWS:], lines[HEADER_ROWS:], strict=False):
        if count_known(row, known) > _LEAST_KNOWN:
            raise _not_first(line)


def check_place(rows: Sequence[Sequence[str]], line: int) -> None:
    """Raise `Refused(HEADER_NOT_FIRST)` if one of the rows above the last of *rows*, the header, may be a row."""
    emails, columns = email_columns(rows[-1]), len(rows[-1])
    least = _REQUIRED if len(emails) > 1 else 1
    for row in rows[:-1]:
        # Of files put together, that above may have another delimiter.
        others = [[part for cell in row for part in cell.split(delimiter)] for delimiter in DELIMITERS]
        for cells in (row, *(cells for cells in others if len(cells) >= columns)):
            has_address = any(at < len(cells) and "@" in cells[at] for at in emails)
            if has_address and sum(1 for cell in cells if cell.strip()) >= least:
                raise _not_first(line)


def _not_first(line: int) -> Refused:
    return Refused(
        RefusalCode.HEADER_NOT_FIRST,
        f"The header row is line {line:,}, and rows stand above it; move it to the top and upload the file again.",
    )


def refuse_hidden_header(lines: Sequence[str], delimiters: Sequence[str], known: Collection[str], found: int) -> None:
    """Raise `Refused(BROKEN_HEADER)` if a line names more columns than the header that was *found*, but for its quotes.

    A quote that is not closed swallows the header, or rows below it.
    """
    for number, line in enumerate(lines[: 10 * HEADER_ROWS], 1):
        if not _QUOTE.search(line) or len(line) > _LONGEST_LINE:
            continue
        for delimiter in delimiters:
            cells = [cell.strip("\r\n'") for cell in line.replace('"', "").split(delimiter)]
            if max(count_known(cells, known), _LEAST_KNOWN) <= found or count_known(cells, known) < _LEAST_KNOWN:
                continue
            if "'" in line and '"' not in line:
                raise Refused(
                    RefusalCode.NOT_CSV,
                    'The file has single quotes around its cells; save it as CSV with double quotes (").',
                )
            raise _broken(number, "has a quote too many, or one is not closed", _cell_of_quote(line, delimiter))


def refuse_side_by_side(header: Sequence[str], known: Collection[str], line: int, differ: set[str]) -> None:
    """Raise `Refused(BROKEN_HEADER)` if the header names the columns of two tables: of the names, some *differ*."""
    names = list(map(header_name, header))
    repeated = {name for name in names if name in known and names.count(name) > 1}
    if len(repeated) >= _REQUIRED and any("email" in name for name in repeated) and differ & repeated:
        raise Refused(
            RefusalCode.BROKEN_HEADER,
            f"Line {line:,}, the header row, names the columns of two tables side by side; upload each as a file of "
            "its own.",
        )


def check_header(header: str, delimiter: str, known: Collection[str], line: int, *, is_wrapped: bool) -> None:
    """Raise `Refused(BROKEN_HEADER)` unless the header row is in one piece."""
    ends = RowEnds(delimiter)
    row = header.rstrip("\r\n")
    cells = ends.cut(row)
    if cells and is_wrapped:
        row = cells[0]
        cells = ends.cut(row)
    if cells is None or ends.has_stray_quote(row):
        raise _broken(line, "has a quote too many, or one is not closed", _cell_of_quote(row, delimiter))
    names = list(map(header_name, cells))
    for at, cell in enumerate(cells):
        if _ADDRESS.search(cell) and count_known(cells, known):
            raise _broken(line, "holds an address; a line end is missing behind the names", at + 1)
        if names[at] not in known and _is_run_together(cell, known):
            raise _broken(line, "holds two names in one cell; a delimiter is missing between them", at + 1)
        if at and _is_cut(cells[at - 1], cell, known, names):
            raise _broken(line, "holds one name in two cells; the delimiter between them is too many", at)


def _is_run_together(cell: str, known: Collection[str]) -> bool:
    """Whether a cell is made of two known names with nothing between them."""
    text = cell.replace('"', "").strip()
    pairs = ((text[:at], text[at:]) for at in range(1, min(len(text), 100)))
    return any(
        left[-1].isalnum() and right[0].isalnum() and header_name(left) in known and header_name(right) in known
        for left, right in pairs
    )


def _is_cut(left: str, right: str, known: Collection[str], names: Collection[str]) -> bool:
    """Whether two cells, none of them a name that we know, are one together that is not there otherwise."""
    if header_name(left) in known or header_name(right) in known or not left.strip() or not right.strip():
        return False
    joined = header_name(left + right)
    return joined in known and joined not in names


def refuse_torn_header(rows: Sequence[Sequence[str]], known: Collection[str], lines: Sequence[int]) -> None:
    """Raise `Refused(BROKEN_HEADER)` if the row below the header, which is the first of *rows*, goes on with names."""
    if len(rows) < 2:
        return
    header, below = rows[:2]
    ours, theirs = _known_in(header, known), _known_in(below, known)
    joined = header_name(header[-1] + below[0])
    is_rest = bool(theirs - ours) or (joined in known and joined not in ours)
    if is_rest and len(below) < len(header) and not any("@" in cell for cell in below):
        raise _broken(lines[1], "goes on with the names of the header; a line end between them is too many", 1)


def _cell_of_quote(line: str, delimiter: str) -> int:
    """Which cell of a line, from 1, has half a pair of quotes; the first one with a quote, if all are whole."""
    cells = line.split(delimiter)
    odd = [at for at, cell in enumerate(cells, 1) if cell.count('"') % 2]
    return next(iter(odd), next((at for at, cell in enumerate(cells, 1) if '"' in cell), 1))


def _broken(line: int, wrong: str, cell: int) -> Refused:
    return Refused(RefusalCode.BROKEN_HEADER, f"Line {line:,}, the header row, {wrong} (cell {cell:,}); {_MEND}.")
