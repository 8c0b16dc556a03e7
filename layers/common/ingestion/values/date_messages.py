"""Messages about cells that are not dates: each says what would be right, and repeats no time but the cell's own."""

import re
from datetime import date
from typing import Final

from ingestion.values.date_forms import DateOrder, Written, in_order, read_date, read_slashed
from ingestion.values.marks import shown
from ingestion.values.spreadsheets import day_of_serial

_WRITE: Final = "write it as YYYY-MM-DD or YYYY-MM-DDThh:mm:ssZ"
_YEAR_OF_TWO_DIGITS = re.compile(
    r"[0-9]{1,2}([./ -])(?:[0-9]{1,2}|[^\W\d_]{3,10})\1[0-9]{2}(?:[ ,].{0,30})?", re.DOTALL
)


def why_not(value: str, order: DateOrder | None) -> str:
    """Explain why a trimmed value is not a date in a file of this order."""
    if slashed := read_slashed(value):
        return _why_not_slashed(value, slashed, order)
    if serial := day_of_serial(value):
        return (
            f"{shown(value)} looks like a spreadsheet's serial number for {serial}; write the date itself, or format "
            "the column as a date before saving it as CSV"
        )
    if _YEAR_OF_TWO_DIGITS.fullmatch(value):
        return f"{shown(value)} has a two-digit year, which could be in any century; {_WRITE}"
    try:
        read_date(value)
    except ValueError:
        return f"{shown(value)} has a day or a time that does not exist; {_WRITE}"
    return f"{shown(value)} is not a date; {_WRITE}"


def _why_not_slashed(value: str, parts: tuple[str, str, str, Written], order: DateOrder | None) -> str:
    """Name every possible reading of such a date, day first before month first."""
    first, second, year, written = parts
    days = {each: _find_day(first, second, year, each) for each in DateOrder}
    readings = list(dict.fromkeys(_iso(day, written) for day in days.values() if day))
    if not readings:
        return f"{shown(value)} is not a date; {_WRITE}"
    if order:
        return f"{shown(value)} can't be {order}, which this file was declared to be; write {readings[0]}"
    marks = "slashes" if "/" in value else "hyphens"
    if len(readings) == 1:
        return f"{shown(value)} has {marks}, and the order of day and month is never guessed; write {readings[0]}"
    return (
        f"{shown(value)} is ambiguous; write {readings[0]} or {readings[1]}, "
        "or say whether the file's dates are day-first or month-first (date-order)"
    )


def _find_day(first: str, second: str, year: str, order: DateOrder) -> date | None:
    try:
        return in_order(first, second, year, order)
    except ValueError:
        return None


def _iso(day: date, written: Written) -> str:
    if written.time is None:
        return str(day)
    return f"{day}T{written._replace(day=day).moment.timetz().isoformat()}".replace("+00:00", "Z")
