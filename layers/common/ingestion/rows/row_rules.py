"""The rules about several cells of a row, or about a row and its file."""

from collections.abc import Sequence
from datetime import datetime
from operator import lt
from typing import Any

from ingestion.faults import Fault, FaultCode
from ingestion.file_warnings import WarningCode
from ingestion.records.record_type import RecordType
from ingestion.rows import session_types
from ingestion.rows.formulas import restore
from ingestion.rows.readings import Findings
from ingestion.values import dates, spreadsheets
from ingestion.values.dates import Declared
from ingestion.values.marks import shown


def refuse_backward(
    record: RecordType, values: dict[str, Sequence[Any]], given: dict[str, Sequence[str]], found: Findings
) -> None:
    """Add E007 to rows that end before they start, if both dates are valid."""
    if record.starts_and_ends is None:
        return
    first, last = record.starts_and_ends
    starts, ends = values[first], values[last]
    if set(map(type, starts)) == set(map(type, ends)) == {datetime} and not any(map(lt, ends, starts)):
        return
    for position, (scheduled, completed) in enumerate(zip(starts, ends, strict=True)):
        if type(completed) is datetime and type(scheduled) is datetime and completed < scheduled:
            start, end = given[first][position], given[last][position]
            if not _is_day_of_start_or_later(start, end, found.plan.declared):
                found.faults[position].append(_backward(record.starts_and_ends, start, end))


def _is_day_of_start_or_later(start: str, end: str, declared: Declared) -> bool:
    """Whether the end has no time and is, as written, the day of the start or a later one.

    Such an end is not known to be before the start, which may be in another zone.
    """
    day, day_of_start = dates.day_alone(end, declared), dates.day_of(start, declared)
    return day is not None and day_of_start is not None and day >= day_of_start


def _backward(fields: tuple[str, str], start: str, end: str) -> Fault:
    first, last = fields
    message = (
        f"{last}: {shown(spreadsheets.bare(end))} is before {first} {shown(spreadsheets.bare(start))}; "
        "write the end of the session, with its time, or leave the cell empty"
    )
    return Fault(FaultCode.COMPLETED_BEFORE_SCHEDULED, last, message, end)


def refuse_other_programmes(texts: Sequence[Sequence[str]], found: Findings) -> None:
    """Add E012 to rows of a combined export that belong elsewhere; a type that names no programme only warns."""
    plan = found.plan
    if plan.session_type_index is None:
        return
    cells = texts[plan.session_type_index]
    if plan.is_error_file:
        cells = tuple(map(restore, cells))
    faults: dict[str, Fault] = {}
    for text in set(cells):
        value = spreadsheets.bare(text)
        if spreadsheets.is_damaged(value) and not spreadsheets.is_nothing(value):
            message = spreadsheets.damaged("session_type", value)
            faults[text] = Fault(FaultCode.DAMAGED_BY_SPREADSHEET, "session_type", message, text)
            continue
        said = session_types.read(text)
        if said is None:
            found.warnings[WarningCode.SESSION_TYPES_UNKNOWN] += cells.count(text)
        elif said not in ("", plan.programme.program_type):
            faults[text] = session_types.other_programme(text, said, plan.programme)
    if faults:
        for position, text in enumerate(cells):
            if text in faults:
                found.faults[position].append(faults[text])
