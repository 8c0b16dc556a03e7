"""What all rows of a file have around their cells: empty ones at the end, other delimiters, one pair of quotes.

It says nothing where every row has it, and so it is taken off; a row that differs was shifted by a delimiter.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ingestion.csv_file.blank_rows import DELIMITERS
from ingestion.csv_file.header_rows import count_known
from ingestion.csv_file.quoting import email_columns
from ingestion.errors import RefusalCode, Refused
from ingestion.records.programme import header_name

_LEAST_ROWS = 2
"""Of one row, nobody can say whether the cell too many was shifted out or stands at the end of all."""


@dataclass(frozen=True, slots=True)
class RowShape:
    """`width` is the number of cells of every row, if other than that of the columns; see `FileFormat`."""

    width: int | None = None
    tail: str = ""
    is_wrapped: bool = False


def find_shape(table: Sequence[Sequence[str]], delimiter: str, known: Collection[str], *, is_wrapped: bool) -> RowShape:
    """The shape of the rows below the first of *table*, the header, by the first hundred or so.

    Raises `Refused(BROKEN_HEADER)` if every row has one cell more than the header, in front of its address.
    """
    header = table[0]
    names = count_known(header, known)
    rows = [row for row in table[1:] if "@" in "".join(row) or 2 * count_known(row, known) <= names]
    _refuse_row_names(header, rows)
    return RowShape(_width(header, rows, known), _tail(header, rows, delimiter), is_wrapped)


def _width(header: Sequence[str], rows: Sequence[Sequence[str]], known: Collection[str]) -> int | None:
    columns, named = len(header), max((at for at, name in enumerate(header, 1) if name.strip()), default=0)
    widths = [len(row) for row in rows]
    if 0 < named < columns:
        return named if widths.count(named) > max(map(widths.count, range(named + 1, columns + 1))) else None
    wider = min(widths, default=0)
    is_alike = len(rows) >= _LEAST_ROWS and wider == max(widths) > columns
    if not is_alike or any("".join(row[columns:]).strip() for row in rows) or _may_lack_delimiter(header, known):
        return None
    return wider


def _may_lack_delimiter(header: Sequence[str], known: Collection[str]) -> bool:
    """Whether a name that we do not know begins or ends with one that we do, as if a delimiter were missing there."""
    long_names = [name for name in known if "_" in name]
    return any(
        name not in known and any(name.startswith(each) or name.endswith(each) for each in long_names)
        for name in map(header_name, header)
    )


def _tail(header: Sequence[str], rows: Sequence[Sequence[str]], delimiter: str) -> str:
    """The run of another delimiter that the header and all rows end with."""
    found = re.search(r"([{}])\1*\Z".format(re.escape("".join(DELIMITERS).replace(delimiter, ""))), header[-1])
    tail = found[0] if found else ""
    return tail if tail and all(row[-1].endswith(tail) for row in rows) else ""


def _refuse_row_names(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    emails = email_columns(header)
    if len(rows) < _LEAST_ROWS or not emails or {len(row) for row in rows} != {len(header) + 1}:
        return
    if all("@" in row[emails[0] + 1] and "@" not in row[emails[0]] for row in rows):
        raise Refused(
            RefusalCode.BROKEN_HEADER,
            "Every row has one cell more than the header row, in front, as R writes the names of rows; give the first "
            "column a name, or leave it out.",
        )
