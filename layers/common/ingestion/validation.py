"""From raw rows to valid ones, column by column: each distinct text of a column is read once per batch of rows.

Whatever a column repeats (durations, levels, topics, most people) costs one look-up, faults included, and what is
remembered lives no longer than the batch. Faults are only gathered per row once a column is known to have any.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import compress, repeat
from typing import Any, NamedTuple

from ingestion import dates, ratings
from ingestion.cells import BLANKS, Cell
from ingestion.columns import ColumnPlan
from ingestion.faults import Fault, FaultCode, RawRow, Reject
from ingestion.formulas import restore
from ingestion.programmes.programme import Column, Kind
from ingestion.ratings import RatingFacts, Scale


class SessionRow(NamedTuple):
    """A valid row of a session file, in the order in which it is staged. Times are in UTC."""

    row_number: int
    line: int
    external_session_id: str
    participant_email: str
    volunteer_email: str
    scheduled_at: datetime
    completed_at: datetime | None = None
    duration_minutes: int | None = None
    rating_given: Decimal | None = None
    """As the file has it; `ratings.normalised` once the scale of the file is known."""
    feedback_text: str | None = None
    focus_area: str | None = None
    language_level: str | None = None
    topics: tuple[str, ...] = ()
    metadata: str | None = None
    """Compact JSON."""


class PersonRow(NamedTuple):
    """A valid row of the roster."""

    row_number: int
    line: int
    email: str
    name: str | None = None
    linkedin_url: str | None = None
    verification_status: str | None = None
    role: str = "participant"
    grant_access: str | None = None
    joined_at: datetime | None = None


class Validated(NamedTuple):
    """What came of some raw rows: valid ones, by the programme's kind, and rejects, both in file order."""

    sessions: list[SessionRow]
    people: list[PersonRow]
    rejects: list[Reject]
    ratings: RatingFacts
    instance_refs: frozenset[str]
    """The distinct programme instances that the rows name, as written."""


Readings = dict[str, Cell | Fault]
Faults = defaultdict[int, list[Fault]]


def validate(rows: Sequence[RawRow], plan: ColumnPlan, *, now: datetime, scale: Scale | None) -> Validated:
    """Validate rows that all have as many cells as the header.

    *scale* is the file's rating scale if it is known already. While it is not, only a rating that fits neither scale,
    or not the scale that these rows settle by themselves, is a fault here.
    """
    texts = list(zip(*[row.cells for row in rows], strict=True)) or [()] * len(plan.headers)
    values: dict[str, Iterable[Any]] = {}
    faults: Faults = defaultdict(list)
    facts = RatingFacts()
    for column in plan.programme.columns:
        if column.name not in plan.indexes:
            values[column.fills] = repeat(column.rule(column.name, ""))
            continue
        cells = texts[plan.indexes[column.name]]
        if plan.is_error_file:
            cells = tuple(map(restore, cells))
        readings = _read(column, set(cells))
        if column.oldest_years is not None:
            _refuse_old(column, readings, dates.earliest(now, column.oldest_years))
        if column.fills == "rating_given":
            facts = _refuse_off_scale(column, readings, scale)
        values[column.fills] = _spread(readings, cells, faults)
    if plan.programme.kind is Kind.PEOPLE:
        people = list(map(PersonRow._make, _good(PersonRow, rows, values, faults)))
        return Validated([], people, _rejects(rows, faults), facts, frozenset())
    _refuse_backward(values, faults)
    sessions = list(map(SessionRow._make, _good(SessionRow, rows, values, faults)))
    return Validated(sessions, [], _rejects(rows, faults), facts, _instance_refs(texts, plan))


def _read(column: Column, texts: Iterable[str]) -> Readings:
    """What each distinct text of the column says."""
    name, rule = column.name, column.rule
    readings = {text: rule(name, text) for text in texts}
    if column.required:
        missing = Fault(FaultCode.REQUIRED_MISSING, name, f"{name}: is empty; a value is required")
        readings.update([(text, missing) for text, value in readings.items() if value is None])
    return readings


def _refuse_old(column: Column, readings: Readings, first: datetime) -> None:
    for text, value in readings.items():
        if type(value) is datetime and value < first:
            readings[text] = dates.too_old(column.name, text, first)


def _refuse_off_scale(column: Column, readings: Readings, scale: Scale | None) -> RatingFacts:
    facts = ratings.facts_of(value for value in readings.values() if isinstance(value, Decimal))
    scale = scale or ratings.scale_so_far(facts)
    for text, value in readings.items():
        if type(value) is Decimal and not ratings.fits(value, scale):
            readings[text] = ratings.off_scale(column.name, text, scale)
    return facts


def _spread(readings: Readings, cells: Sequence[str], faults: Faults) -> list[Cell | Fault]:
    """The reading of every cell, in row order; its faults are added to those of their rows."""
    values = [readings[text] for text in cells]
    if Fault in set(map(type, readings.values())):
        for position, value in enumerate(values):
            if type(value) is Fault:
                faults[position].append(value)
    return values


def _refuse_backward(values: dict[str, Iterable[Any]], faults: Faults) -> None:
    """E007, where both dates are valid."""
    pairs = zip(values["scheduled_at"], values["completed_at"], strict=False)
    for position, (scheduled, completed) in enumerate(pairs):
        if type(completed) is datetime and type(scheduled) is datetime and completed < scheduled:
            faults[position].append(_backward(scheduled, completed))


def _backward(scheduled: datetime, completed: datetime) -> Fault:
    message = (
        f"completed_at: {_iso(completed)} is before scheduled_at {_iso(scheduled)}; "
        "write the end of the session, with its time, or leave the cell empty"
    )
    return Fault(FaultCode.COMPLETED_BEFORE_SCHEDULED, "completed_at", message)


def _iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _good(
    row_type: type[SessionRow] | type[PersonRow],
    rows: Sequence[RawRow],
    values: dict[str, Iterable[Any]],
    faults: Faults,
) -> Iterable[Iterable[Any]]:
    """The values of the rows without faults, in the order of the fields of the row type."""
    numbers, lines = [row.number for row in rows], [row.line for row in rows]
    defaults = row_type._field_defaults
    columns = [values.get(field) or repeat(defaults.get(field)) for field in row_type._fields[2:]]
    complete = zip(numbers, lines, *columns, strict=False)
    return compress(complete, [position not in faults for position in range(len(rows))]) if faults else complete


def _rejects(rows: Sequence[RawRow], faults: Faults) -> list[Reject]:
    return [Reject(rows[position], tuple(found)) for position, found in sorted(faults.items())]


def _instance_refs(texts: Sequence[Sequence[str]], plan: ColumnPlan) -> frozenset[str]:
    if plan.instance_ref_index is None:
        return frozenset()
    refs = set(texts[plan.instance_ref_index])
    as_written = map(restore, refs) if plan.is_error_file else refs
    return frozenset(ref for text in as_written if (ref := text.strip(BLANKS)))
