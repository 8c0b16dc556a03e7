"""What the distinct texts of a column say: each is read once per batch of rows, and its doubts and faults counted.

A text that no rule takes is looked at again: it may say that there is nothing, or be what a spreadsheet has left of a
value. A clean column is spared that look.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace

from ingestion.faults import Fault, FaultCode
from ingestion.file_warnings import WarningCode
from ingestion.records.record_type import Column
from ingestion.rows.columns import ColumnPlan
from ingestion.values import dates, spreadsheets
from ingestion.values.cells import Cell
from ingestion.values.marks import shown

Readings = dict[str, Cell | Fault]
Remembered = dict[str, Readings]
"""By column: what texts that come again and again say."""
Faults = defaultdict[int, list[Fault]]


class Findings:
    """What is found in some rows, column by column: readings, faults by position, warnings."""

    def __init__(self, plan: ColumnPlan, remembered: Remembered | None) -> None:
        self.plan = plan
        self.readings: dict[str, Readings] = {}
        self.faults: Faults = defaultdict(list)
        self.warnings: Counter[str] = Counter()
        self._remembered = remembered

    def read(self, column: Column, cells: Sequence[str]) -> Readings:
        """What each distinct text of the column says; of a column that names people, also those read before."""
        texts = set(cells)
        known: Readings = {}
        if self._remembered is not None and column.comes_again:
            known = self._remembered.setdefault(column.name, {})
        rule = dates.rule(self.plan.declared) if column.rule is dates.date else column.rule
        readings = {text: rule(column.name, text) for text in texts - known.keys()}
        if Fault in set(map(type, readings.values())):
            self._look_again(column, readings, cells)
        if column.required:
            readings.update([(text, _missing(column.name, text)) for text, value in readings.items() if value is None])
        if column.doubt:
            self._doubt(column, readings, cells)
        known.update(readings)
        self.readings[column.fills] = known
        return known

    def _look_again(self, column: Column, readings: Readings, cells: Sequence[str]) -> None:
        """What no rule takes may say that there is nothing, or be what a spreadsheet has left of a value."""
        for text, fault in readings.items():
            if not isinstance(fault, Fault):
                continue
            value = spreadsheets.bare(text)
            is_nothing = spreadsheets.is_not_available if column.is_text else spreadsheets.is_nothing
            if is_nothing(value):
                readings[text] = column.rule(column.name, "")
                if not column.required:
                    self.warnings[WarningCode.CELLS_EMPTIED] += cells.count(text)
            elif not column.is_text and spreadsheets.is_damaged(value):
                message = spreadsheets.damaged(column.name, value)
                readings[text] = Fault(FaultCode.DAMAGED_BY_SPREADSHEET, column.name, message, text)
            else:
                readings[text] = replace(fault, value=text)

    def _doubt(self, column: Column, readings: Readings, cells: Sequence[str]) -> None:
        for text, value in readings.items():
            if value is None or isinstance(value, Fault) or column.doubt is None:
                continue
            if code := column.doubt(text):
                self.warnings[code] += cells.count(text)


def _missing(field: str, text: str) -> Fault:
    value = spreadsheets.bare(text)
    what = f"{shown(value)} says that there is nothing" if value else "is empty"
    return Fault(FaultCode.REQUIRED_MISSING, field, f"{field}: {what}; a value is required", text)
