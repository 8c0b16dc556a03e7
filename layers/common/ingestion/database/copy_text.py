"""Write columns in the text format of PostgreSQL's COPY: https://www.postgresql.org/docs/current/sql-copy.html.

Whole columns at a time, because work per cell is most of the cost of staging a row.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

NULL = "\\N"

# Control characters that mark the end of a cell and NULL while a whole column is escaped at once.
_END, _NONE = "\x1e", "\x1f"


def escaped(text: str) -> str:
    """Escape a text for COPY."""
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")


def texts(values: Sequence[str | None]) -> list[str]:
    """Write cells of any text."""
    joined = _END.join([_NONE if value is None else value for value in values])
    if joined.count(_END) >= len(values) or joined.count(_NONE) != values.count(None):
        return [NULL if value is None else escaped(value) for value in values]
    return escaped(joined).replace(_NONE, NULL).split(_END)


def array(value: Sequence[str]) -> str:
    """Write a cell of text[]; an empty array is NULL."""
    if not value:
        return NULL
    quoted = ['"' + each.replace("\\", "\\\\").replace('"', '\\"') + '"' for each in value]
    return escaped("{" + ",".join(quoted) + "}")


def text(value: str | None) -> str:
    """Write a cell of any text."""
    return NULL if value is None else escaped(value)


def plain(value: object) -> str:
    """Write a cell whose text needs no escaping: a number or one of our own words."""
    return NULL if value is None else str(value)


def moments(values: Sequence[datetime | None], written: Sequence[str | None]) -> Sequence[str]:
    """Write cells of moments, with the text in *written* if there is one."""
    return [text or (NULL if moment is None else str(moment)) for moment, text in zip(values, written, strict=True)]


def lines(*columns: Iterable[str]) -> list[str]:
    """Join columns of equal length into rows without line ends."""
    return list(map("\t".join, zip(*columns, strict=False)))
