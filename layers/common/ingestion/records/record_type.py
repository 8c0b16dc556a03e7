"""What a record is, declared once: the fields of a session or a person, and the tables that hold it.

From a `RecordType` follow the valid row, staging, COPY, reconciling, merging, versions, the SELECT lists, the API's
shapes and the dashboard's rows. A new field of a record is one `Field`, its line in the programmes that have it, and a
migration; a programme with records of its own is a `RecordType` and a `Programme` in one module.
"""

from collections import namedtuple
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any, Final, Self

from pydantic import BaseModel, ConfigDict

from ingestion.faults import FaultCode
from ingestion.file_warnings import WarningCode
from ingestion.values import cells
from ingestion.values.cells import Cell, Rule


class Kind(StrEnum):
    """What a row of a file is: something that people did, which belongs to a programme instance, or a person."""

    SESSIONS = "sessions"
    PEOPLE = "people"


class Type(StrEnum):
    """How a value is written, stored and answered."""

    TEXT = "text"
    """Any text that hardly ever comes twice."""
    LABEL = "label"
    """Any text that comes again and again."""
    WORD = "word"
    """A text of a closed list, with nothing in it to escape."""
    INTEGER = "integer"
    DECIMAL = "decimal"
    MOMENT = "moment"
    TEXTS = "texts"
    """A list of texts; an empty one is NULL."""
    JSON = "json"
    """Compact JSON as a text."""


class Part(StrEnum):
    """What a field is to its record."""

    KEY = "key"
    """Unique in the programme; says which record a row is of."""
    PERSON = "person"
    """The address of somebody whose id is stored; a row of the same key but of other people conflicts."""
    CONTENT = "content"
    """What an update changes."""
    KEPT = "kept"
    """Content that, once there, stays: the first value wins."""


class Column(BaseModel):
    """A column of the programme's files. `fills` is the field of the row that its value becomes."""

    model_config = ConfigDict(frozen=True)

    name: str
    fills: str
    rule: Rule
    required: bool = False
    aliases: tuple[str, ...] = ()
    in_other_words: tuple[str, ...] = ()
    """How a header may begin that means it. For advice only: none is ever read as the column."""
    at_once: Callable[[Sequence[str]], Sequence[Cell] | None] | None = None
    """The rule for many cells, of a column whose texts hardly ever come twice; None if one needs a closer look."""
    comes_again: bool = False
    """Whether it names people, who come again all over a file, in cells that are short."""
    is_text: bool = False
    """Whether people write words in it: then `N/A` is what they wrote."""
    doubt: Callable[[str], WarningCode | None] | None = None
    """What to warn of, if a text was taken though it says not quite what it should."""
    oldest_years: int | None = None
    """For a date: how many years it may lie in the past."""

    def named(self, name: str, *, aliases: tuple[str, ...] = (), in_other_words: tuple[str, ...] = ()) -> Self:
        """The same column as a programme calls it."""
        return self.model_copy(update={"name": name, "aliases": aliases, "in_other_words": in_other_words})


@dataclass(frozen=True, slots=True)
class Label:
    """What pages call a field; `short` is what the command line heads its column with, if that is another word."""

    en: str
    nb: str
    short: str = ""


@dataclass(frozen=True, slots=True)
class Role:
    """Who a person of a record is."""

    name: str
    """The role of somebody who is created because the record names them."""
    not_found: FaultCode


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a record: its column in files, in the database and, in camelCase, in the API."""

    name: str
    """In the table, and in the API."""
    type: Type
    label: Label
    meaning: str
    """What the API's document says of it."""
    column: Column
    """As most programmes call it; its `fills` is the field of the valid row and of the staging table."""
    part: Part = Part.CONTENT
    role: Role | None = None
    """Of a person's address."""
    default: Any = None
    """Of a row whose file lacks the column."""
    in_lists: bool = True
    """Whether the dashboard's list of a batch's records shows it; the page of a record shows all."""
    is_confidential: bool = False
    """Whether only users with errors.read see it; not a key or a person, by which everybody finds the record."""

    @property
    def staged(self) -> str:
        """Its name in the valid row and in the staging table."""
        return self.column.fills

    @property
    def has_scale(self) -> bool:
        """Whether it is a rating, staged as the file has it and stored from 0 to 1."""
        return self.column.rule is cells.rating

    @property
    def is_amount(self) -> bool:
        """Whether it is a number, which tables align to the right."""
        return self.type in (Type.INTEGER, Type.DECIMAL)

    @property
    def id_name(self) -> str:
        """The column of the id that stands for a person's address."""
        return f"{self.alias}_id"

    @property
    def alias(self) -> str:
        """The person's table in a query."""
        return self.name.removesuffix("_email")


PLACE: Final = ("row_number", "line")
"""What every valid row begins with."""


@dataclass(frozen=True)
class RecordType:
    """A kind of record, and the tables that hold it. All names are of columns."""

    name: str
    kind: Kind
    table: str
    versions: str
    version_of: str
    """The column of `versions` that names the row of `table`."""
    staged: str
    """The shape of the staging table, in the schema `staging`."""
    fields: tuple[Field, ...]
    dated_by: str | None = None
    """The field whose dates tell the programme instance of a file that names none."""
    starts_and_ends: tuple[str, str] | None = None
    """Two dates of which the second may not be before the first."""

    def __post_init__(self) -> None:
        if any(field.is_confidential for field in self.of_part(Part.KEY, Part.PERSON)):
            raise ValueError(f"{self.name}: everybody sees the key and the people of a record")

    def __hash__(self) -> int:
        return hash(self.name)

    def field(self, name: str) -> Field:
        """The field of this name."""
        return next(field for field in self.fields if field.name == name)

    def staged_as(self, name: str) -> Field:
        """The field that a column of this name in the valid row is."""
        return next(field for field in self.fields if field.staged == name)

    def columns(self, *names: str) -> tuple[Column, ...]:
        """The columns of these fields, as most programmes call them."""
        return tuple(self.field(name).column for name in names)

    def of_part(self, *parts: Part) -> tuple[Field, ...]:
        """The fields that are this to the record."""
        return tuple(field for field in self.fields if field.part in parts)

    @cached_property
    def key(self) -> Field:
        """The field that says which record a row is of."""
        return self.of_part(Part.KEY)[0]

    @cached_property
    def people(self) -> tuple[Field, ...]:
        """The addresses of those whom a record names."""
        return self.of_part(Part.PERSON)

    @cached_property
    def stored(self) -> tuple[Field, ...]:
        """What its table and its versions have beside the key and the people."""
        return self.of_part(Part.KEPT, Part.CONTENT)

    @cached_property
    def row_type(self) -> type[Any]:
        """A named tuple of a valid row: number, line, and the fields as they are staged; times in UTC.

        A field that a file may lack has a default, so those that it may not come first.
        """
        optional = [field for field in self.fields if not field.column.required]
        if optional != list(self.fields[len(self.fields) - len(optional) :]):
            raise ValueError(f"{self.name}: required fields stand before all others")
        names = (*PLACE, *(field.staged for field in self.fields))
        made: type[Any] = namedtuple(  # type: ignore[misc]  # noqa: PYI024 - its names are known only when it runs
            "".join(filter(str.isalpha, f"{self.name.title()}Row")),
            names,
            defaults=[*(field.default for field in optional)],
        )
        return made
