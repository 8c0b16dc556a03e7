"""The single declaration of a record: the fields of a session or a person, and the tables that store it.

The valid row, staging, COPY, reconciling, merging, versions, SELECT lists, API schemas and dashboard rows are all
derived from a `RecordType`. A new field takes one `Field`, a line in each programme that has it, and a migration; a
programme with records of its own takes a `RecordType` and a `Programme` in one module.
"""

from collections import namedtuple
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any, Final, Self

from pydantic import BaseModel, ConfigDict

from ingestion.catalogue import Text
from ingestion.faults import FaultCode
from ingestion.file_warnings import WarningCode
from ingestion.values import cells
from ingestion.values.cells import Cell, Rule


class Kind(StrEnum):
    """What the rows of a file are: sessions, which belong to a programme instance, or people."""

    SESSIONS = "sessions"
    PEOPLE = "people"


class Type(StrEnum):
    """How a value is copied, stored and returned by the API."""

    TEXT = "text"
    """Free text that is rarely repeated."""
    LABEL = "label"
    """Free text that is often repeated."""
    WORD = "word"
    """A word from a closed list, which never needs escaping."""
    INTEGER = "integer"
    DECIMAL = "decimal"
    MOMENT = "moment"
    TEXTS = "texts"
    """A list of texts; an empty one is NULL."""
    JSON = "json"
    """Compact JSON, as text."""


class Part(StrEnum):
    """The part that a field plays in its record."""

    KEY = "key"
    """Identifies the record; unique in the programme."""
    PERSON = "person"
    """The address of somebody whose id is stored; a row with the same key but other people conflicts."""
    CONTENT = "content"
    """Changed by an update."""
    KEPT = "kept"
    """Content that no update changes: the first value wins."""


class Column(BaseModel):
    """A column of a programme's files. `fills` is the field of the row that holds its value."""

    model_config = ConfigDict(frozen=True)

    name: str
    fills: str
    rule: Rule
    in_words: Text
    """What the rule makes of a cell; see `rule_words`."""
    required: bool = False
    aliases: tuple[str, ...] = ()
    in_other_words: tuple[str, ...] = ()
    """How headers that probably mean this column begin. Used for advice only, never to read the column."""
    at_once: Callable[[Sequence[str]], Sequence[Cell] | None] | None = None
    """The rule for many cells at once, if texts are rarely repeated; it yields None if one needs a closer look."""
    comes_again: bool = False
    """Whether it names people: short texts that recur throughout a file."""
    is_text: bool = False
    """Whether people write words in it; then `N/A` is kept as they wrote it."""
    doubt: Callable[[str], WarningCode | None] | None = None
    """The warning about a text that was accepted although it is not quite right, if any."""
    looks: Callable[[str], bool] | None = None
    """Whether a text looks like this column's, in rows that may lack cells. If not, it may have been shifted here."""
    usual: frozenset[str] = frozenset()
    """Its usual texts, in lower case, if there are few."""
    oldest_years: int | None = None
    """For a date: how many years ago it may be."""

    def named(self, name: str, *, aliases: tuple[str, ...] = (), in_other_words: tuple[str, ...] = ()) -> Self:
        """Return this column under the name that a programme gives it."""
        return self.model_copy(update={"name": name, "aliases": aliases, "in_other_words": in_other_words})


@dataclass(frozen=True, slots=True)
class Label:
    """The name of a field on the dashboard; `short` is the heading of its column on the command line, if another."""

    en: str
    nb: str
    short: str = ""


@dataclass(frozen=True, slots=True)
class Role:
    """The role that a person has in a record."""

    name: str
    """Also the role of somebody who is created because a record names them."""
    not_found: FaultCode


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a record: its column in files and in the database, and its name in the API (in camelCase)."""

    name: str
    """The name in the table and in the API."""
    type: Type
    label: Label
    meaning: str
    """What the API's document says of it."""
    column: Column
    """The column under its usual name; `fills` names the field of the valid row and of the staging table."""
    part: Part = Part.CONTENT
    role: Role | None = None
    """Only for a person's address."""
    default: Any = None
    """The value if the file lacks the column."""
    in_lists: bool = True
    """Whether the dashboard shows it in a batch's list of records; the page of a record shows every field."""
    is_confidential: bool = False
    """Whether only users with errors.read see it; not a key or a person, by which everybody finds the record."""

    @property
    def staged(self) -> str:
        """Its name in the valid row and in the staging table."""
        return self.column.fills

    @property
    def has_scale(self) -> bool:
        """Whether it is a rating, which is staged on the file's scale and stored from 0 to 1."""
        return self.column.rule is cells.rating

    @property
    def is_amount(self) -> bool:
        """Whether it is a number, which tables align right."""
        return self.type in (Type.INTEGER, Type.DECIMAL)

    @property
    def id_name(self) -> str:
        """The column that stores the person's id in place of their address."""
        return f"{self.alias}_id"

    @property
    def alias(self) -> str:
        """The alias of the person's table in a query."""
        return self.name.removesuffix("_email")


PLACE: Final = ("row_number", "line")
"""The first fields of every valid row."""


@dataclass(frozen=True)
class RecordType:
    """A kind of record, and the tables that store it."""

    name: str
    kind: Kind
    table: str
    versions: str
    version_of: str
    """The column of `versions` that refers to `table`."""
    staged: str
    """The table in the schema `staging` that staging tables are modelled on."""
    fields: tuple[Field, ...]
    dated_by: str | None = None
    """The field whose dates decide the programme instance if nothing names it."""
    starts_and_ends: tuple[str, str] | None = None
    """Two dates; the second may not be before the first."""

    def __post_init__(self) -> None:
        if any(field.is_confidential for field in self.of_part(Part.KEY, Part.PERSON)):
            raise ValueError(f"{self.name}: everybody sees the key and the people of a record")

    def __hash__(self) -> int:
        return hash(self.name)

    def field(self, name: str) -> Field:
        """Return the field of this name."""
        return next(field for field in self.fields if field.name == name)

    def staged_as(self, name: str) -> Field:
        """The field that a column of this name in the valid row is."""
        return next(field for field in self.fields if field.staged == name)

    def columns(self, *names: str) -> tuple[Column, ...]:
        """Return the columns of these fields, under their usual names."""
        return tuple(self.field(name).column for name in names)

    def of_part(self, *parts: Part) -> tuple[Field, ...]:
        """Return the fields that play one of these parts."""
        return tuple(field for field in self.fields if field.part in parts)

    @cached_property
    def key(self) -> Field:
        """The field that identifies the record of a row."""
        return self.of_part(Part.KEY)[0]

    @cached_property
    def people(self) -> tuple[Field, ...]:
        """The fields with the addresses of a record's people."""
        return self.of_part(Part.PERSON)

    @cached_property
    def stored(self) -> tuple[Field, ...]:
        """The fields, other than key and people, that its table and its versions have."""
        return self.of_part(Part.KEPT, Part.CONTENT)

    @cached_property
    def row_type(self) -> type[Any]:
        """The named tuple for valid rows: number, line, and the fields as they are staged; times in UTC.

        Optional fields have defaults, so required fields must come first.
        """
        optional = [field for field in self.fields if not field.column.required]
        if optional != list(self.fields[len(self.fields) - len(optional) :]):
            raise ValueError(f"{self.name}: required fields must come first")
        names = (*PLACE, *(field.staged for field in self.fields))
        made: type[Any] = namedtuple(  # type: ignore[misc]  # noqa: PYI024 - its names are known only at run time
            "".join(filter(str.isalpha, f"{self.name.title()}Row")),
            names,
            defaults=[*(field.default for field in optional)],
        )
        return made
