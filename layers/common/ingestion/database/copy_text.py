"""Columns in the text format of PostgreSQL's COPY: https://www.postgresql.org/docs/current/sql-copy.html.

A column at a time, because what is done for each cell is most of what staging a row costs.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

NULL = "\\N"

# Control characters that stand for the end of a cell and for NULL while a whole column is escaped at once.
_END, _NONE = "\x1e", "\x1f"


def escaped(text: str) -> str:
    """A text as COPY reads it back."""
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")


def texts(values: Sequence[str | None]) -> list[str]:
    """Cells of any text."""
    joined = _END.join([_NONE if value is None else value for value in values])
    if joined.count(_END) >= len(values) or joined.count(_NONE) != values.count(None):
        return [NULL if value is None else escaped(value) for value in values]
    return escaped(joined).replace(_NONE, NULL).split(_END)


def array(value: Sequence[str]) -> str:
    """A cell of text[]; an empty one is NULL."""
    if not value:
        return NULL
    quoted = ['"' + each.replace("\\", "\\\\").replace('"', '\\"') + '"' for each in value]
    return escaped("{" + ",".join(quoted) + "}")


def text(value: str | None) -> str:
    """A cell of any text."""
    return NULL if value is None else escaped(value)


def plain(value: object) -> str:
    """A cell whose text holds nothing to escape: a number, a word of ours."""
    return NULL if value is None else str(value)


def moments(values: Sequence[datetime | None], written: Sequence[str | None]) -> Sequence[str]:
    """Cells of moments; where there is a text that says the same, that is taken."""
    return [text or (NULL if moment is None else str(moment)) for moment, text in zip(values, written, strict=True)]


def lines(*columns: Iterable[str]) -> list[str]:
    """The rows of columns of equal length, without line ends."""
    return list(map("\t".join, zip(*columns, strict=False)))
