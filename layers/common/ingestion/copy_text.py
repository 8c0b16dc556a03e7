"""Rows in the text format of PostgreSQL's COPY: https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.2."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

NULL = "\\N"

_MUST_ESCAPE = ("\\", "\n", "\r", "\t")


def text(value: str | None) -> str:
    """A text cell, or NULL."""
    if value is None:
        return NULL
    for character in _MUST_ESCAPE:
        if character in value:
            return value.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
    return value


def text_array(values: Sequence[str]) -> str:
    """A text[] cell; an empty one is NULL."""
    if not values:
        return NULL
    quoted = ['"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in values]
    return text("{" + ",".join(quoted) + "}")


def plain(value: datetime | Decimal | int | None) -> str:
    """A cell whose text holds nothing to escape, or NULL."""
    return NULL if value is None else str(value)
