"""The forms in which a cell may hold a date: parse its day, time and zone, and judge nothing else."""

import re
from datetime import UTC, date, datetime, time, timedelta, timezone
from enum import StrEnum
from typing import Final, NamedTuple

from ingestion.values.months import MONTHS

LONGEST: Final = 64
"""Characters: far more than any date needs."""


class DateOrder(StrEnum):
    """How the uploader reads `03/04/2024`."""

    DAY_FIRST = "day-first"
    MONTH_FIRST = "month-first"


class Written(NamedTuple):
    """A date as it is written: a whole day if it has no time, in any zone if it names none."""

    day: date
    time: time | None
    zone: timezone | None

    @property
    def moment(self) -> datetime:
        """The date and time, in its own zone if it names one."""
        return datetime.combine(self.day, self.time or time(), self.zone)


_ISO = r"(?P<iso_year>[0-9]{4})(?P<sep>[-/])(?P<iso_month>[0-9]{2})(?P=sep)(?P<iso_day>[0-9]{2})"
_DOTTED = r"(?P<dot_day>[0-9]{1,2})\.(?P<dot_month>[0-9]{1,2})\.(?P<dot_year>[0-9]{4})(?: {1,8}(?= [0-9]))?"
_DAY_FIRST = (
    r"(?P<day>[0-9]{1,2})(?:st|nd|rd|th|\.)?[ -](?P<month>[^\W\d_]{3,10})\.?,?[ -](?P<year>[0-9]{4})(?: р\.| року)?"
)
_MONTH_FIRST = r"(?P<m_month>[^\W\d_]{3,10})\.? (?P<m_day>[0-9]{1,2})(?:st|nd|rd|th)?,? (?P<m_year>[0-9]{4})"
_DECLARED = r"(?P<first>[0-9]{1,2})(?P<mark>[/-])(?P<second>[0-9]{1,2})(?P=mark)(?P<d_year>[0-9]{4})"
_CLOCK = (
    r"(?P<hour>[0-9]{1,2})(?P<colon>[:.])(?P<minute>[0-9]{2})(?:(?P=colon)(?P<second_>[0-9]{2})(?:[.,](?P<parts>[0-9]{1,9}))?)?"
    r"(?: ?(?P<half>[ap])\.?m\.?)?"
)
_ZONE = r" ?(?P<zone>z|utc|gmt|[+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?)"
"""No place on earth is more than 14 hours from UTC."""
_REST = rf"(?:(?:t|,? | at |,? kl\.? | о ){_CLOCK}(?:{_ZONE})?)?"

_DATE = re.compile(rf"(?:{_ISO}|{_DOTTED}|{_DAY_FIRST}|{_MONTH_FIRST}){_REST}")
_IN_ORDER = re.compile(rf"{_DECLARED}{_REST}")


def read_date(text: str, order: DateOrder | None = None) -> Written | None:
    """Parse a trimmed text; None if it has none of the forms.

    Raises ValueError if it has one of the forms, but the day or the time does not exist.
    """
    if len(text) > LONGEST:
        return None
    plain = "".join(" " if mark.isspace() else mark for mark in text).lower()
    if found := _DATE.fullmatch(plain):
        day = _day(found)
    elif order and (found := _IN_ORDER.fullmatch(plain)):
        day = in_order(found["first"], found["second"], found["d_year"], order)
    else:
        return None
    return Written(day, _time(found), _zone(found["zone"])) if day else None


def read_slashed(text: str) -> tuple[str, str, str, Written] | None:
    """Parse a date whose order is unknown: first part, second part, year, and its time and zone on 1 January."""
    plain = "".join(" " if mark.isspace() else mark for mark in text[:LONGEST]).lower()
    found = _IN_ORDER.fullmatch(plain)
    if not found:
        return None
    try:
        written = Written(date(int(found["d_year"]), 1, 1), _time(found), _zone(found["zone"]))
    except ValueError:
        return None
    return found["first"], found["second"], found["d_year"], written


def in_order(first: str, second: str, year: str, order: DateOrder) -> date:
    """Read the parts in this order. Raises ValueError if there is no such day."""
    day, month = (first, second) if order is DateOrder.DAY_FIRST else (second, first)
    return date(int(year), int(month), int(day))


def _day(found: re.Match[str]) -> date | None:
    """Return the day, or None if a word is not a month. Raises ValueError if there is no such day."""
    for year, month, day in (("iso_year", "iso_month", "iso_day"), ("dot_year", "dot_month", "dot_day")):
        if found[year]:
            return date(int(found[year]), int(found[month]), int(found[day]))
    month_number = MONTHS.get(found["month"] or found["m_month"])
    if month_number is None:
        return None
    return date(int(found["year"] or found["m_year"]), month_number, int(found["day"] or found["m_day"]))


def _time(found: re.Match[str]) -> time | None:
    """Return the time, if there is one. Raises ValueError if no clock shows it."""
    if not found["hour"]:
        return None
    hour = int(found["hour"])
    if found["half"]:
        if not 1 <= hour <= 12:
            raise ValueError(f"{hour} is not an hour from 1 to 12")
        hour = hour % 12 + 12 * (found["half"] == "p")
    return time(hour, int(found["minute"]), int(found["second_"] or 0), int(f"{found['parts'] or '0':0<6}"[:6]))


def _zone(text: str | None) -> timezone | None:
    if not text:
        return None
    if text[0] not in "+-":
        return UTC
    digits = text[1:].replace(":", "")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:] or 0))
    return timezone(-offset if text[0] == "-" else offset)
