"""A programme: what its files are called, which records they hold, and in which columns.

A new programme is one module that makes a `Programme` (and a `RecordType`, if its records are of a kind of their own),
and its line in `__init__`.
"""

import re
import unicodedata
from collections.abc import Collection
from functools import lru_cache
from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator

from ingestion.records.record_type import Column, Kind, RecordType
from ingestion.values.marks import BLANKS, INVISIBLE

_INVISIBLE = re.compile(f"[{INVISIBLE}]")
_SEPARATORS = re.compile(r"[\s_-]+")
_SMALL_BEFORE_CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_CLOSING_MARKS = re.compile(r"(?<![\s_])[\s_]*+(?:(?<!\*)\*++|\([^()]*+\)|\[[^\[\]]*+\])$")
_MINUTES = re.compile(r"^(duration)\s*[(\[]\s*min(?:ute)?s?\.?\s*[)\]]", re.IGNORECASE)
_OTHERWISE = (
    (
        re.compile(r"(?:scheduled|completed)[\s_.-]?at|date", re.IGNORECASE),
        re.compile(
            r"[A-Z][a-z]+/[A-Z]|\b(?:(?:CE|EE|WE)S?T|MSK|BST|IST|[ECMP][SD]T)\b|(?:UTC|GMT)\s*[+-]\s*0?[1-9]|[(\[][+-]\d"
            r"|(?i:local|lokal|місцев|норвезьк|київ|oslo|kyiv|kiev|norsk|norw)"
        ),
    ),
    (
        re.compile("rating", re.IGNORECASE),
        re.compile(r"%|percent|prosent|\b0\s*(?:[-–—/]|to|til|до)\s*5\b|(?<![.,])(?:[6-9]|\d{2,3})\b", re.IGNORECASE),
    ),
)
"""Brackets that say of a column what its values are not taken for: another zone than UTC, another scale."""
_LONGEST_HEADER = 300
"""Longer texts are compared as they are: no name that we know is as long."""


def plain(text: str) -> str:
    """The form in which header names and programme names are compared: trimmed, lower-case, `_` between words."""
    return _SEPARATORS.sub("_", _INVISIBLE.sub("", text).strip(BLANKS)).lower()


def header_name(text: str) -> str:
    """The form in which names of columns are compared: `plain`, in NFC, with `_` also for dots and in camelCase.

    What stands behind a name to say more of the column is dropped: a `*`, or a text in brackets, as in `Rating (1-5)`.
    Of a duration the brackets say the unit, which belongs to its name: `Duration (minutes)`, not `Duration (hours)`.
    Nor is it dropped if it would make other values of those below: `scheduled_at (Europe/Oslo)`, `Rating (1-10)`.
    """
    return _header_name(text) if len(text) <= _LONGEST_HEADER else plain(text)


@lru_cache(maxsize=20_000)  # more than a header may have columns: each is asked for some thirty times
def _header_name(text: str) -> str:
    name = _INVISIBLE.sub("", unicodedata.normalize("NFC", text)).strip(BLANKS)
    name = _MINUTES.sub(r"\1_minutes", name)
    while (shorter := _CLOSING_MARKS.sub("", name)) and shorter != name and not _says_otherwise(name, shorter):
        name = shorter
    if name.isalnum():  # where words are set apart otherwise, capitals say nothing: LinkedIn_URL
        name = _SMALL_BEFORE_CAPITAL.sub("_", name)
    return plain(name.replace(".", "_")).rstrip("_")


def _says_otherwise(name: str, shorter: str) -> bool:
    behind = name[len(shorter) :]
    return any(of.fullmatch(shorter) and says.search(behind) for of, says in _OTHERWISE)


class Programme(BaseModel):
    """One programme. Names, aliases and columns are in the `plain` form.

    `schema_versions` are the versions after 1.0, newest first, each with the column that tells it.
    """

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    program_type: str
    name: str
    record: RecordType
    session_type: str | None = None
    aliases: tuple[str, ...] = ()
    id_prefixes: tuple[str, ...] = ()
    telltale_columns: frozenset[str] = frozenset()
    columns: tuple[Column, ...]
    schema_versions: tuple[tuple[str, str], ...] = ()
    fills_short_rows: bool = False
    """Whether cells that a row lacks at its end are empty; else the row is rejected."""

    @property
    def kind(self) -> Kind:
        """Whether its rows are sessions or people."""
        return self.record.kind

    @property
    def key_column(self) -> Column:
        """The column that says which record a row is of."""
        return self.column_of(self.record.key.staged)

    def column_of(self, fills: str) -> Column:
        """The column that fills a field of the row."""
        return next(column for column in self.columns if column.fills == fills)

    @property
    def slug_prefix(self) -> str:
        """What the slugs of its instances begin with, such as `mentors-ukraine`."""
        return self.program_type.replace("_", "-")

    @property
    def names(self) -> tuple[str, ...]:
        """All names that mean this programme, on input and in file names."""
        return (self.program_type, *self.aliases)

    def schema_version(self, columns: frozenset[str]) -> str:
        """The version of a file with these columns, by canonical names."""
        newer = (version for version, telltale in self.schema_versions if telltale in columns)
        return next(newer, "1.0")

    def free_names(self, columns: Collection[str]) -> list[str]:
        """What a header may be called that is none of these columns, by canonical names."""
        free = (column for column in self.columns if column.name not in columns)
        return [name for column in free for name in (column.name, *column.aliases)]

    @model_validator(mode="after")
    def columns_are_distinct(self) -> Self:
        """No two columns may answer to one header or fill one field."""
        headers = [name for column in self.columns for name in (column.name, *column.aliases)]
        fields = [column.fills for column in self.columns]
        for names in (headers, fields):
            if len(set(names)) != len(names):
                raise ValueError(f"{self.program_type}: a name stands twice among {names}")
        if any(plain(name) != name for name in (*headers, *self.names)):
            raise ValueError(f"{self.program_type}: names must be lower-case with underscores")
        return self
