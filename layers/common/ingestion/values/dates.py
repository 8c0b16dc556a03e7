"""The rule for date cells: an unambiguous date becomes a moment in UTC; whatever needs a guess is a fault.

`date_forms` lists the forms. A date without a time means midnight. A date or time without an offset is in UTC, unless
the uploader declared a time zone; `03/04/2024` is a fault, unless they declared the order of day and month.
"""

import datetime as calendar
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from operator import itemgetter
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ingestion.faults import Fault, FaultCode
from ingestion.values.date_forms import DateOrder, Written, read_date
from ingestion.values.date_messages import why_not
from ingestion.values.marks import shown
from ingestion.values.spreadsheets import bare

FIRST_YEAR: Final = 1900
"""Earlier years are typing errors or a spreadsheet's zero."""

_USUAL: Final = {"--": (10, "T00:00Z"), "--T::Z": (20, ""), "--T::": (19, "Z"), "-- ::": (19, "Z")}
"""By every third character from the fifth, which together with the length identifies the forms that most cells have, at
a third of the cost of the pattern: that length, and what to append to get a moment in UTC."""
_UNUSUAL: Final = (-1, "")
_WRITTEN: Final = ("--T::Z", 20)
"""Form and length of the cells that PostgreSQL reads as the same moment as `date`."""
_ZONE_NAME = re.compile(r"UTC|GMT|[A-Z][A-Za-z]{1,20}(?:/[A-Za-z0-9_+-]{1,30}){1,2}")
_form = itemgetter(slice(4, None, 3))


class Declared(NamedTuple):
    """What the uploader declared about a file's dates; None if nothing."""

    order: DateOrder | None = None
    zone: ZoneInfo | None = None


NOTHING_DECLARED: Final = Declared()


def declared_of(order: str | None, zone: str | None) -> Declared:
    """Look up an order and a zone by their names. Raises ValueError if there is no such order or zone."""
    return Declared(DateOrder(order) if order else None, find_zone(zone) if zone else None)


def find_zone(name: str) -> ZoneInfo:
    """Return the IANA time zone of this name. Raises ValueError, also for other files in the zones' folder."""
    try:
        if not _ZONE_NAME.fullmatch(name):
            raise ValueError(f"{name} is not the name of a time zone")
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as missing:
        raise ValueError(f"there is no time zone {name}") from missing


def rule(declared: Declared) -> Callable[[str, str], datetime | Fault | None]:
    """Return the rule for date cells in a file about which this was declared."""
    if declared == NOTHING_DECLARED:
        return date
    return lambda field, text: _date(field, text, declared)


def date(field: str, text: str) -> datetime | Fault | None:
    """Read a cell as a moment in UTC."""
    length, zone = _USUAL.get(text[4::3], _UNUSUAL)
    if len(text) == length and text[11:13] != "24":  # which Python 3.14 accepts
        try:
            moment = datetime.fromisoformat(text + zone)
        except ValueError:
            pass
        else:
            return moment if moment.year >= FIRST_YEAR else _too_early(field, text)
    return _date(field, text, NOTHING_DECLARED)


def _date(field: str, text: str, declared: Declared) -> datetime | Fault | None:
    value = bare(text)
    if not value:
        return None
    try:
        written = read_date(value, declared.order)
        moment = _moment(written, declared.zone) if written else None
    except (ValueError, OverflowError) as wrong:
        reason = str(wrong) if isinstance(wrong, _NoSuchTime) else why_not(value, declared.order)
        return _invalid(field, reason)
    if moment is None:
        return _invalid(field, why_not(value, declared.order))
    return moment if moment.year >= FIRST_YEAR else _too_early(field, text)


class _NoSuchTime(ValueError):
    """A time that the clocks of its zone skip or show twice."""


def _moment(written: Written, zone: ZoneInfo | None) -> datetime:
    """Convert to UTC. Raises ValueError; OverflowError if the offset takes it out of the calendar."""
    moment = written.moment
    if moment.tzinfo or zone is None:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    local = moment.replace(tzinfo=zone)
    if local.utcoffset() != local.replace(fold=1).utcoffset():
        is_there = local.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == moment
        raise _NoSuchTime(_no_such_time(local, is_there=is_there))
    return local.astimezone(UTC)


def _no_such_time(local: datetime, *, is_there: bool) -> str:
    when = f"{local:%Y-%m-%d %H:%M} {{}} in {local.tzinfo}, where the clocks change; write "
    if not is_there:
        return when.format("does not exist") + "the time that the clocks showed"
    return when.format("occurs twice") + f"{local.isoformat()} or {local.replace(fold=1).isoformat()}"


def day_alone(text: str, declared: Declared) -> calendar.date | None:
    """Return the day in a cell without a time; None if the cell has a time or is not a date."""
    written = _written(text, declared)
    return written.day if written and written.time is None else None


def day_of(text: str, declared: Declared) -> calendar.date | None:
    """Return the day in a cell, in its own zone; None if the cell is not a date."""
    written = _written(text, declared)
    return written.day if written else None


def _written(text: str, declared: Declared) -> Written | None:
    try:
        return read_date(bare(text), declared.order)
    except ValueError:
        return None


def all_as_written(cells: Sequence[str], first: datetime) -> list[datetime] | None:
    """Read cells that all have the form `2024-11-13T14:30:00Z`; None if one hasn't, or is before *first*.

    The result is that of `date` for each cell, at a quarter of the cost.
    """
    if set(map(_form, cells)) != {_WRITTEN[0]} or set(map(len, cells)) != {_WRITTEN[1]} or "T24" in "".join(cells):
        return None
    try:
        moments = list(map(datetime.fromisoformat, cells))
    except ValueError:
        return None
    return moments if min(moments) >= first else None


def as_written(cells: Iterable[str]) -> list[str | None]:
    """Keep the cells of the form `2024-11-13T14:30:00Z`, which PostgreSQL reads as `date` does; None for the others.

    Formatting the moments as text would take ten times as long as reading them.
    """
    form, length = _WRITTEN
    return [cell if cell[4::3] == form and len(cell) == length else None for cell in cells]


def _invalid(field: str, why: str) -> Fault:
    return Fault(FaultCode.INVALID_DATE, field, f"{field}: {why}")


def _too_early(field: str, text: str) -> Fault:
    return _invalid(field, f"{shown(bare(text))} is before {FIRST_YEAR}; check the year")


def earliest(now: datetime, years: int | None) -> datetime:
    """Return the start of the day *years* before *now*; of 28 February if that year has no 29th.

    Without a limit of years, it is the start of `FIRST_YEAR`.
    """
    if years is None:
        return datetime(FIRST_YEAR, 1, 1, tzinfo=UTC)
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    try:
        return today.replace(year=today.year - years)
    except ValueError:
        return today.replace(year=today.year - years, day=28)


def too_old(field: str, text: str, first: datetime) -> Fault:
    """Return the fault of a date before *first*, the earliest accepted."""
    return _invalid(field, f"{shown(bare(text))} is too long ago; the earliest date accepted is {first:%Y-%m-%d}")
