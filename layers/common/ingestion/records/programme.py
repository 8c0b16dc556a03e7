"""A programme: the names of its files, the records in them, and their columns.

To add a programme, write one module with a `Programme` (and a `RecordType`, if its records are of a new kind), and add
a line to `__init__`.
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
"""Columns, and the brackets behind their names that contradict how values are read: a zone other than UTC, another
scale."""
_LONGEST_HEADER = 300
"""Characters. Longer texts are only compared in the `plain` form, since no known name is that long."""


def plain(text: str) -> str:
    """Normalise a header or programme name for comparison: trimmed, lower-case, `_` between words."""
    return _SEPARATORS.sub("_", _INVISIBLE.sub("", text).strip(BLANKS)).lower()


def header_name(text: str) -> str:
    """Normalise a column name for comparison: `plain`, in NFC, with `_` also for dots and in camelCase.

    A closing `*` or text in brackets is dropped, as in `Rating (1-5)`. The unit of a duration becomes part of its name:
    `Duration (minutes)` is known, `Duration (hours)` is not. Brackets that contradict how we read the values are kept:
    `scheduled_at (Europe/Oslo)`, `Rating (1-10)`.
    """
    return _header_name(text) if len(text) <= _LONGEST_HEADER else plain(text)


@lru_cache(maxsize=20_000)  # more than the columns a header may have; each is looked up some thirty times
def _header_name(text: str) -> str:
    name = _INVISIBLE.sub("", unicodedata.normalize("NFC", text)).strip(BLANKS)
    name = _MINUTES.sub(r"\1_minutes", name)
    while (shorter := _CLOSING_MARKS.sub("", name)) and shorter != name and not _says_otherwise(name, shorter):
        name = shorter
    if name.isalnum():  # with other separators, capitals separate nothing: LinkedIn_URL
        name = _SMALL_BEFORE_CAPITAL.sub("_", name)
    return plain(name.replace(".", "_")).rstrip("_")


def _says_otherwise(name: str, shorter: str) -> bool:
    behind = name[len(shorter) :]
    return any(of.fullmatch(shorter) and says.search(behind) for of, says in _OTHERWISE)


class Programme(BaseModel):
    """One programme. Names, aliases and columns are in the `plain` form.

    `schema_versions` lists the versions after 1.0, newest first, each with the column that identifies it.
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
    """Whether a row that lacks cells at its end gets empty ones; otherwise it is rejected."""

    @property
    def kind(self) -> Kind:
        """What its rows are: sessions or people."""
        return self.record.kind

    @property
    def key_column(self) -> Column:
        """The column that identifies the record of a row."""
        return self.column_of(self.record.key.staged)

    def column_of(self, fills: str) -> Column:
        """Return the column that fills this field of the row."""
        return next(column for column in self.columns if column.fills == fills)

    @property
    def slug_prefix(self) -> str:
        """The prefix of its instances' slugs, such as `mentors-ukraine`."""
        return self.program_type.replace("_", "-")

    @property
    def names(self) -> tuple[str, ...]:
        """All names of this programme, in options and in file names."""
        return (self.program_type, *self.aliases)

    def schema_version(self, columns: frozenset[str]) -> str:
        """Return the version of a file with these columns (canonical names)."""
        newer = (version for version, telltale in self.schema_versions if telltale in columns)
        return next(newer, "1.0")

    def free_names(self, columns: Collection[str]) -> list[str]:
        """Return the names of all columns but these (canonical names), with aliases."""
        free = (column for column in self.columns if column.name not in columns)
        return [name for column in free for name in (column.name, *column.aliases)]

    @model_validator(mode="after")
    def columns_are_distinct(self) -> Self:
        """Check that no two columns share a header or a field."""
        headers = [name for column in self.columns for name in (column.name, *column.aliases)]
        fields = [column.fills for column in self.columns]
        for names in (headers, fields):
            if len(set(names)) != len(names):
                raise ValueError(f"{self.program_type}: a name occurs twice in {names}")
        if any(plain(name) != name for name in (*headers, *self.names)):
            raise ValueError(f"{self.program_type}: names must be lower-case with underscores")
        return self
