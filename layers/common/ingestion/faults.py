"""What can be wrong with a row: the codes of the error file, and the row that carries them.

A row reports all of its faults. A code is chosen where the fault is known, never parsed from a message.
Messages name the field and the value and say what would be right: they are personal data, the codes are not.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple


class Category(StrEnum):
    """The kinds of faults that a summary tells apart."""

    VALIDATION = "validation"
    USER_NOT_FOUND = "user_not_found"
    DUPLICATE = "duplicate"
    DB_ERROR = "db_error"


class FaultCode(StrEnum):
    """The error codes of `_error_code`, fixed by the contract."""

    INVALID_EMAIL = "E001"
    REQUIRED_MISSING = "E002"
    INVALID_DATE = "E003"
    INVALID_DURATION = "E004"
    INVALID_LEVEL = "E005"
    INVALID_RATING = "E006"
    COMPLETED_BEFORE_SCHEDULED = "E007"
    TEXT_TOO_LONG = "E008"
    METADATA_NOT_JSON = "E009"
    WRONG_FIELD_COUNT = "E010"
    UNREADABLE = "E011"
    OTHER_PROGRAMME = "E012"
    DAMAGED_BY_SPREADSHEET = "E013"
    PARTICIPANT_NOT_FOUND = "E020"
    VOLUNTEER_NOT_FOUND = "E021"
    SESSION_ID_TAKEN = "E030"
    DATABASE_REFUSED = "E040"

    @property
    def category(self) -> Category:
        """The category that `errorSummary` shows beside the code."""
        return _OTHER_CATEGORIES.get(self, Category.VALIDATION)


_OTHER_CATEGORIES = {
    FaultCode.PARTICIPANT_NOT_FOUND: Category.USER_NOT_FOUND,
    FaultCode.VOLUNTEER_NOT_FOUND: Category.USER_NOT_FOUND,
    FaultCode.SESSION_ID_TAKEN: Category.DUPLICATE,
    FaultCode.DATABASE_REFUSED: Category.DB_ERROR,
}

DEPENDS_ON_OTHERS: Final = frozenset(
    {FaultCode.PARTICIPANT_NOT_FOUND, FaultCode.VOLUNTEER_NOT_FOUND, FaultCode.SESSION_ID_TAKEN}
)
"""What is wrong with the world rather than with the row: the same row may be taken another day."""

WHOLE_ROW = "row"
"""The `field` of a fault that belongs to no single column."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a row. `field` is the canonical column name, or `WHOLE_ROW`.

    `value` is the text that is at fault, as the file has it; None where no single cell is.
    """

    code: FaultCode
    field: str
    message: str
    value: str | None = None


class RawRow(NamedTuple):
    """A row as the file has it.

    `number` counts the file's data rows from 1, blank rows left out; `line` is the first physical line, from 1;
    `cells` are the decoded texts, before any trimming.
    """

    number: int
    line: int
    cells: list[str]


class RawRows(NamedTuple):
    """Rows that are handled together: the number, the line and the cells of each. See `RawRow`.

    They stay columns, because most of a million rows are good and need never be looked at one by one.
    """

    numbers: Sequence[int]
    lines: Sequence[int]
    cells: Sequence[list[str]]

    @classmethod
    def of(cls, rows: Iterable[RawRow]) -> "RawRows":
        """The same rows."""
        numbers, lines, cells = zip(*rows, strict=True) if (rows := list(rows)) else ((), (), ())
        return cls(numbers, lines, cells)

    @property
    def size(self) -> int:
        """How many they are."""
        return len(self.cells)

    def row(self, position: int) -> RawRow:
        """One of them, counted from 0."""
        return RawRow(self.numbers[position], self.lines[position], self.cells[position])

    def each(self) -> Iterable[RawRow]:
        """All of them, in order."""
        return map(RawRow._make, zip(*self, strict=True))


class Reject(NamedTuple):
    """A row that was not taken, and every reason why."""

    row: RawRow
    faults: tuple[Fault, ...]
