"""Read each distinct text of a column once for a group of rows, and count its warnings and faults.

A text that fails its rule gets a second look: it may mean "no value", or be spreadsheet damage. Clean columns skip
that.
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
"""By column: readings of texts that recur throughout a file."""
Faults = defaultdict[int, list[Fault]]


class Findings:
    """What was found in some rows, column by column: readings, faults by position, warnings."""

    def __init__(self, plan: ColumnPlan, remembered: Remembered | None) -> None:
        self.plan = plan
        self.readings: dict[str, Readings] = {}
        self.faults: Faults = defaultdict(list)
        self.warnings: Counter[str] = Counter()
        self._remembered = remembered

    def read(self, column: Column, cells: Sequence[str]) -> Readings:
        """Read each distinct text of the column; for a column of people, return earlier readings too."""
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
        """Take a second look at texts that failed: they may mean "no value", or be spreadsheet damage."""
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
    if spreadsheets.is_not_available(value):
        # A lookup that found nothing: there was a value, which the spreadsheet has lost.
        return Fault(FaultCode.DAMAGED_BY_SPREADSHEET, field, spreadsheets.damaged(field, value), text)
    what = f"{shown(value)} means that there is no value" if value else "is empty"
    return Fault(FaultCode.REQUIRED_MISSING, field, f"{field}: {what}, but one is required", text)
