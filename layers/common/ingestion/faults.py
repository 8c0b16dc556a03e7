"""What is wrong with a row, and the row that carries it.

A row reports all of its faults. A code is chosen where the fault is known, never parsed from a message.
Messages name the field and the value and say what would be right: they are personal data, the codes are not.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ingestion.fault_codes import DEPENDS_ON_OTHERS, WHOLE_ROW, Category, FaultCode

__all__ = ["DEPENDS_ON_OTHERS", "WHOLE_ROW", "Category", "Fault", "FaultCode", "RawRow", "RawRows", "Reject"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a row. `field` is the canonical column name, or `WHOLE_ROW`.

    `value` is the text that is at fault, as the file has it; None where no single cell is. `has_advice`: the message
    says why a correction that somebody tried was not enough.
    """

    code: FaultCode
    field: str
    message: str
    value: str | None = None
    has_advice: bool = False


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
