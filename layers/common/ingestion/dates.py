"""The rule of a date cell: unambiguous dates become moments in UTC, anything that would need a guess is a fault.

Taken: `2024-11-13`, `2024-11-13T14:30`, with seconds and fractions, with a space for the `T`, with `Z`, an offset or
none (UTC); and, as Norwegian Excel writes it, `13.11.2024` and `13.11.2024 14:30`. A date alone is its midnight.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from operator import itemgetter
from typing import Final

from ingestion.cells import BLANKS, shown
from ingestion.faults import Fault, FaultCode

FIRST_YEAR: Final = 1900
"""Earlier years are slips of the keyboard or a spreadsheet's zero."""

_USUAL: Final = {"--": (10, "T00:00Z"), "--T::Z": (20, ""), "--T::": (19, "Z"), "-- ::": (19, "Z")}
"""Every third character from the fifth, of the forms that most cells have: with the length it tells the form, at a
third of the price of the pattern. What is to be appended makes it a moment in UTC."""
_UNUSUAL: Final = (-1, "")
_WRITTEN: Final = ("--T::Z", 20)
"""Form and length of the cells that PostgreSQL reads as the moment that `date` reads."""
_form = itemgetter(slice(4, None, 3))

_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:[.,][0-9]{1,9})?)?"
_ISO = re.compile(rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}(?:[Tt ]{_TIME}([Zz]|[+-][0-9]{{2}}(?::?[0-9]{{2}})?)?)?")
_DOTTED = re.compile(rf"([0-9]{{1,2}})\.([0-9]{{1,2}})\.([0-9]{{4}})(?: +({_TIME}))?")
_SLASHED = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})(?!\d).*", re.DOTALL)
_WRITE = "write 2024-11-13 or 2024-11-13T14:00:00Z"


def date(field: str, text: str) -> datetime | Fault | None:
    """The moment that the cell names, in UTC."""
    length, zone = _USUAL.get(text[4::3], _UNUSUAL)
    try:
        moment = datetime.fromisoformat(text + zone) if len(text) == length else _read(text.strip(BLANKS))
    except (ValueError, OverflowError):
        return _invalid(field, _why_not(text.strip(BLANKS)))
    if moment is not None and moment.year < FIRST_YEAR:
        return _invalid(field, f"{shown(text.strip(BLANKS))} is before {FIRST_YEAR}; check the year")
    return moment


def all_as_written(cells: Sequence[str], first: datetime) -> list[datetime] | None:
    """The moments of cells that all are `2024-11-13T14:30:00Z` or such, and none before *first*; None if any is not.

    What `date` says of each, at a quarter of the price.
    """
    if set(map(_form, cells)) != {_WRITTEN[0]} or set(map(len, cells)) != {_WRITTEN[1]}:
        return None
    try:
        moments = list(map(datetime.fromisoformat, cells))
    except ValueError:
        return None
    return moments if min(moments) >= first else None


def as_written(cells: Iterable[str]) -> list[str | None]:
    """The cells of the usual form `2024-11-13T14:30:00Z`, which PostgreSQL reads as the moment that `date` reads.

    To write them out again as text takes ten times as long as to read them.
    """
    form, length = _WRITTEN
    return [cell if cell[4::3] == form and len(cell) == length else None for cell in cells]


def _read(value: str) -> datetime | None:
    """Raises ValueError if it is no date; OverflowError if its offset takes it out of the calendar."""
    if not value:
        return None
    if iso := _ISO.fullmatch(value):
        zone = "" if iso[1] else "Z" if len(value) > 10 else "T00:00Z"
        return datetime.fromisoformat(value.upper() + zone).astimezone(UTC)
    if dotted := _DOTTED.fullmatch(value):
        day, month, year, time = dotted.groups()
        return datetime.fromisoformat(f"{year}-{month:0>2}-{day:0>2}T{time or '00:00'}Z")
    raise ValueError


def _invalid(field: str, why: str) -> Fault:
    return Fault(FaultCode.INVALID_DATE, field, f"{field}: {why}")


def _why_not(value: str) -> str:
    if slashed := _SLASHED.fullmatch(value):
        return _why_not_slashed(value, int(slashed[1]), int(slashed[2]), slashed[3])
    if _ISO.fullmatch(value) or _DOTTED.fullmatch(value):
        return f"{shown(value)} is not a day of the calendar; {_WRITE}"
    return f"{shown(value)} is not a date; {_WRITE}"


def _why_not_slashed(value: str, first: int, second: int, year: str) -> str:
    """Name every reading that such a date can have: day first is tried before month first."""
    pairs = ((second, first), (first, second))
    readings = [f"{year}-{month:02}-{day:02}" for month, day in pairs if 1 <= month <= 12 and 1 <= day <= 31]
    if not readings:
        return f"{shown(value)} is not a date; {_WRITE}"
    iso, other = readings[0], readings[-1]
    if iso == other:
        return f"{shown(value)} is written with slashes, which are never guessed; write {iso} or {iso}T14:00:00Z"
    return f"{shown(value)} is ambiguous; write {iso} or {other}, or with the time {iso}T14:00:00Z"


def earliest(now: datetime, years: int | None) -> datetime:
    """The first moment of the day *years* before *now*; of 28 February where that year has no 29th.

    Without a limit of years, the first that is no slip of the keyboard.
    """
    if years is None:
        return datetime(FIRST_YEAR, 1, 1, tzinfo=UTC)
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    try:
        return today.replace(year=today.year - years)
    except ValueError:
        return today.replace(year=today.year - years, day=28)


def too_old(field: str, text: str, first: datetime) -> Fault:
    """The fault of a date before *first*, the earliest that is taken."""
    return _invalid(field, f"{shown(text.strip(BLANKS))} is too long ago; dates from {first:%Y-%m-%d} on are taken")
