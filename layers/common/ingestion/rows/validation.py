"""Validate raw rows column by column: each distinct text of a column is read once for a group of rows.

A repeated text (durations, levels, topics, most people) costs one look-up, faults included. Readings live as long as
the group; those of people, who recur throughout a file, may live as long as a chunk. Faults are collected by row only
in columns that have any. Valid rows stay in columns, as staging needs them: turning columns into rows and back costs
more than reading them.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from itertools import compress
from typing import Any, NamedTuple

from ingestion.faults import Fault, RawRow, RawRows, Reject
from ingestion.records import PERSON, SESSION
from ingestion.records.record_type import Column, Kind, RecordType
from ingestion.rows import row_rules
from ingestion.rows.columns import ColumnPlan
from ingestion.rows.formulas import restore
from ingestion.rows.readings import Faults, Findings, Readings, Remembered
from ingestion.values import dates, ratings, spreadsheets
from ingestion.values.cells import Cell, rating
from ingestion.values.dates import Declared
from ingestion.values.ratings import RatingFacts, Scale

__all__ = ["Faults", "PersonRow", "Readings", "Remembered", "SessionRow", "Validated", "validate"]


SessionRow = SESSION.row_type
PersonRow = PERSON.row_type


class Validated(NamedTuple):
    """The result of validating raw rows: valid rows and rejects, both in file order."""

    record: RecordType
    columns: dict[str, Sequence[Any]]
    """The values of the valid rows by field, all of the same length."""
    cells: dict[str, Sequence[str]]
    """The texts of the valid rows by field, for columns that the file has."""
    readings: dict[str, Readings]
    """The readings of distinct texts by field; empty for a column that was read at once."""
    rejects: list[Reject]
    ratings: RatingFacts
    instance_refs: frozenset[str]
    """The distinct programme instances that the rows name, as written."""
    warnings: Counter[str]
    """How often each warning applies, by code."""

    @property
    def sessions(self) -> list[Any]:
        """The valid rows of a file of sessions."""
        return self._rows() if self.record.kind is Kind.SESSIONS else []

    @property
    def people(self) -> list[Any]:
        """The valid rows of the roster."""
        return self._rows() if self.record.kind is Kind.PEOPLE else []

    def _rows(self) -> list[Any]:
        return list(map(self.record.row_type, *(self.columns[name] for name in self.record.row_type._fields)))

    def where(self, chosen: Sequence[bool]) -> "Validated":
        """Keep only the chosen valid rows."""
        return self._replace(columns=_chosen(self.columns, chosen), cells=_chosen(self.cells, chosen))


def _chosen(columns: dict[str, Sequence[Any]], chosen: Sequence[bool]) -> dict[str, Sequence[Any]]:
    if not any(chosen):
        return dict.fromkeys(columns, ())
    return {field: list(compress(values, chosen)) for field, values in columns.items()}


def validate(
    rows: RawRows,
    plan: ColumnPlan,
    *,
    now: datetime,
    scale: Scale | None,
    remembered: Remembered | None = None,
) -> Validated:
    """Validate rows that all have as many cells as the header.

    *scale* is the file's rating scale, if known. Otherwise a rating is a fault only if it fits neither scale, or not
    the scale that these rows decide by themselves. Groups of the same chunk may share *remembered*.
    """
    texts = list(zip(*rows.cells, strict=True)) or [()] * len(plan.headers)
    found = Findings(plan, remembered)
    values: dict[str, Sequence[Any]] = {}
    given: dict[str, Sequence[str]] = {}
    facts = RatingFacts()
    for column in plan.programme.columns:
        if column.name not in plan.indexes:
            values[column.fills] = [column.rule(column.name, "")] * rows.size
            continue
        cells = texts[plan.indexes[column.name]]
        if plan.is_error_file:
            cells = tuple(map(restore, cells))
        given[column.fills], found.readings[column.fills] = cells, {}
        if (at_once := _read_at_once(column, cells, now, plan.declared)) is not None:
            values[column.fills] = at_once
            continue
        readings = found.read(column, cells)
        if column.oldest_years is not None:
            _refuse_old(column, readings, dates.earliest(now, column.oldest_years))
        if column.rule is rating:
            facts = _refuse_off_scale(column, readings, scale)
        values[column.fills] = _spread(readings, cells, found.faults)
    record = plan.programme.record
    row_rules.refuse_backward(record, values, given, found)
    row_rules.refuse_other_programmes(texts, found)
    faults = found.faults
    validated = Validated(
        record=record,
        columns=_columns(record, rows, values),
        cells=given,
        readings=found.readings,
        rejects=_rejects(rows, faults),
        ratings=facts,
        instance_refs=_instance_refs(texts, plan),
        warnings=found.warnings,
    )
    return validated.where([position not in faults for position in range(rows.size)]) if faults else validated


def _read_at_once(column: Column, cells: Sequence[str], now: datetime, declared: Declared) -> Sequence[Cell] | None:
    """Read a whole column at once; None if its texts must be read one by one.

    This works for dates that all have the usual form, as in most files, and for texts that are short enough.
    """
    if column.rule is dates.date:
        return dates.all_as_written(cells, dates.earliest(now, column.oldest_years))
    values = column.at_once(cells) if column.at_once else None
    return None if values is None or (column.required and None in values) else values


def _refuse_old(column: Column, readings: Readings, first: datetime) -> None:
    for text, value in readings.items():
        if type(value) is datetime and value < first:
            readings[text] = replace(dates.too_old(column.name, text, first), value=text)


def _refuse_off_scale(column: Column, readings: Readings, scale: Scale | None) -> RatingFacts:
    facts = ratings.facts_of(value for value in readings.values() if isinstance(value, Decimal))
    scale = scale or ratings.scale_so_far(facts)
    for text, value in readings.items():
        if type(value) is Decimal and not ratings.fits(value, scale):
            # The message about a rating that fits neither scale names both, since these rows may not show the file's.
            told = scale if ratings.fits(value, None) else None
            readings[text] = ratings.off_scale(column.name, text, told)
    return facts


def _spread(readings: Readings, cells: Sequence[str], faults: Faults) -> list[Cell | Fault]:
    """Return the reading of every cell in row order, and add its faults to those of its row."""
    values = list(map(readings.__getitem__, cells))
    if Fault in set(map(type, values)):
        for position, value in enumerate(values):
            if type(value) is Fault:
                faults[position].append(value)
    return values


def _columns(record: RecordType, rows: RawRows, values: dict[str, Sequence[Any]]) -> dict[str, Sequence[Any]]:
    """Return the values of all rows by field of the record's row."""
    placed: dict[str, Sequence[Any]] = {
        "row_number": rows.numbers,
        "line": rows.lines,
        **values,
    }
    defaults = record.row_type._field_defaults
    return {name: placed.get(name) or [defaults.get(name)] * rows.size for name in record.row_type._fields}


def _rejects(rows: RawRows, faults: Faults) -> list[Reject]:
    at = sorted(faults)
    chosen = [[column[position] for position in at] for column in rows]
    return list(map(Reject, map(RawRow._make, zip(*chosen, strict=True)), map(tuple, map(faults.__getitem__, at))))


def _instance_refs(texts: Sequence[Sequence[str]], plan: ColumnPlan) -> frozenset[str]:
    if plan.instance_ref_index is None:
        return frozenset()
    refs = set(texts[plan.instance_ref_index])
    as_written = map(restore, refs) if plan.is_error_file else refs
    return frozenset(ref for text in as_written if (ref := spreadsheets.bare(text)))
