"""Faults, and the rows that have them.

A row reports all of its faults. A code is chosen where the fault is detected, never parsed from a message. Messages
name the field and the value and say what would be right: they are personal data, codes are not.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ingestion.fault_codes import DEPENDS_ON_OTHERS, WHOLE_ROW, Category, FaultCode

__all__ = ["DEPENDS_ON_OTHERS", "WHOLE_ROW", "Category", "Fault", "FaultCode", "RawRow", "RawRows", "Reject"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a row. `field` is the canonical column name, or `WHOLE_ROW`.

    `value` is the cell's text as the file has it; None if no single cell is at fault. `has_advice`: the message says
    why a correction that somebody tried was not enough.
    """

    code: FaultCode
    field: str
    message: str
    value: str | None = None
    has_advice: bool = False


class RawRow(NamedTuple):
    """A row as the file has it.

    `number` counts the file's rows from 1, without blank ones; `line` is the row's first physical line, from 1; `cells`
    are the decoded texts, untrimmed.
    """

    number: int
    line: int
    cells: list[str]


class RawRows(NamedTuple):
    """Rows that are handled together: the number, the line and the cells of each. See `RawRow`.

    They stay in columns, because most of a million rows are valid and need not be handled one by one.
    """

    numbers: Sequence[int]
    lines: Sequence[int]
    cells: Sequence[list[str]]

    @classmethod
    def of(cls, rows: Iterable[RawRow]) -> "RawRows":
        """Turn rows into columns."""
        numbers, lines, cells = zip(*rows, strict=True) if (rows := list(rows)) else ((), (), ())
        return cls(numbers, lines, cells)

    @property
    def size(self) -> int:
        """The number of rows."""
        return len(self.cells)

    def row(self, position: int) -> RawRow:
        """Return one row, counted from 0."""
        return RawRow(self.numbers[position], self.lines[position], self.cells[position])

    def each(self) -> Iterable[RawRow]:
        """Return all rows in order."""
        return map(RawRow._make, zip(*self, strict=True))


class Reject(NamedTuple):
    """A row that was not imported, and all of its faults."""

    row: RawRow
    faults: tuple[Fault, ...]
