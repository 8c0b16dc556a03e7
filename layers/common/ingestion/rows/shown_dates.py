"""Dates and times of day as a spreadsheet shows them, and whether two of them are the same.

A spreadsheet shows a date in its locale's form, without a year or a day, as a number or clipped. A numeric date in
either order is therefore any date that it may be, unless it has dots: then the day comes first. A date with slashes
that may be either of two days stays the same if day and month change places, as they do in a spreadsheet of another
locale: nobody can tell who swapped them, and read in a declared order it would be the other day. The same holds for a
date with dots that comes back with slashes and may still be that day. Swapped into dots a date counts as corrected,
because it can be only one day then.
"""

import re
from datetime import date
from decimal import Decimal
from typing import Final, NamedTuple

from ingestion.values.marks import BLANKS

_DAY_ZERO: Final = date(1899, 12, 30)
_MINUTES_OF_DAY: Final = 24 * 60
_HALF_A_MINUTE: Final = Decimal("0.0003")
"""Of a day, roughly."""

# The beginnings of months in English, Norwegian and Ukrainian, by number.
_MONTHS: Final = (
    ("jan", "січ"),
    ("feb", "лют"),
    ("mar", "бер"),
    ("apr", "кві"),
    ("may", "mai", "тра"),
    ("jun", "чер"),
    ("jul", "лип"),
    ("aug", "сер"),
    ("sep", "вер"),
    ("oct", "okt", "жов"),
    ("nov", "лис"),
    ("dec", "des", "гру"),
)
_MONTHS_OF_YEAR: Final = len(_MONTHS)
_MONTH_NUMBERS: Final = {name: number for number, names in enumerate(_MONTHS, 1) for name in names}
_TIME = (
    r"(?:[T ,]{1,3}([0-9]{1,2})[:.]([0-9]{2})(?:[:.]([0-9]{2})([.,][0-9]{1,9})?)?"
    r" ?([ap]\.?m\.?)?)? ?(Z|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?)?"
)
_YEAR_FIRST = re.compile(rf"([0-9]{{4}})[-/.]([0-9]{{1,2}})[-/.]([0-9]{{1,2}}){_TIME}", re.IGNORECASE)
_YEAR_LAST = re.compile(rf"([0-9]{{1,2}})[-/.]([0-9]{{1,2}})[-/.]([0-9]{{4}}|[0-9]{{2}}){_TIME}", re.IGNORECASE)
_DAY_NAMED = re.compile(
    rf"([0-9]{{1,2}})[. -]{{1,2}}(\w{{3,12}})[. -]{{1,2}}([0-9]{{4}}|[0-9]{{2}}){_TIME}", re.IGNORECASE
)
_NAMED_DAY = re.compile(rf"(\w{{3,12}})[. ]{{1,2}}([0-9]{{1,2}}),? ([0-9]{{4}}|[0-9]{{2}}){_TIME}", re.IGNORECASE)
_FRACTION = re.compile(r"([0-9]{1,2})[./-]([0-9]{1,2})")
_DAY_AND_MONTH = re.compile(r"([0-9]{1,2})[-. ]{1,2}([^\W\d_]{3,12})\.?|([^\W\d_]{3,12})[-. ]{1,2}([0-9]{1,2})")
_MONTH_AND_YEAR = re.compile(
    r"([0-9]{4})[-/. ]([0-9]{1,2})|([0-9]{1,2})[-/. ]([0-9]{4})|([^\W\d_]{3,12})[-. ]{1,2}([0-9]{4}|[0-9]{2})"
)
_CLIPPED = re.compile(r"([0-9]{2}):([0-9]{2})[.,][0-9]")
_CLOCK = re.compile(r"([0-9]{1,2})[:.]([0-9]{2})(?:[:.]([0-9]{2}))?(?: ?([ap])\.?m\.?)?", re.IGNORECASE)

_LETTERS = re.compile(r"[^\W\d_]+")
_DATE_WORDS: Final = frozenset({"t", "z", "utc", "gmt", "am", "pm", "a", "p", "m", "e"})

Day = tuple[int, int, int]
"""The year in its century, the month and the day."""
Clock = tuple[int, int, int]
"""Hour, minute, second."""


class ShownDate(NamedTuple):
    """A date, with a time or without, as far as its text says."""

    days: frozenset[Day]
    """The days that it may be."""
    century: int | None
    """None if its year has two digits, as spreadsheets like to show it."""
    in_order: tuple[int, int] | None
    """The first two numbers of a numeric date."""
    time: tuple[int, int]
    second: int | None
    has_fraction: bool
    zone: str


def is_serial(given: ShownDate, number: Decimal) -> bool:
    """Whether the number is what a spreadsheet counts for the date and its time."""
    clock = Decimal(given.time[0] * 60 + given.time[1]) / _MINUTES_OF_DAY
    return any(abs((day - _DAY_ZERO).days + clock - number) < _HALF_A_MINUTE for day in _whole_days(given))


def is_part_of_day(clock: Clock, number: Decimal) -> bool:
    """Whether the number is what a spreadsheet keeps of a time: `12:00` is half a day."""
    hour, minute, second = clock
    return abs((Decimal(hour * 60 + minute) + Decimal(second) / 60) / _MINUTES_OF_DAY - number) < _HALF_A_MINUTE


def is_clipped(given: ShownDate, back: str) -> bool:
    """Whether only minutes and seconds are shown, as some spreadsheet does with fractions of a second: `00:30.7`."""
    found = _CLIPPED.fullmatch(back)
    return found is not None and given.has_fraction and (int(found[1]), int(found[2])) == (given.time[1], given.second)


def _whole_days(given: ShownDate) -> set[date]:
    found = set()
    for year, month, day in given.days:
        try:
            found.add(date((20 if given.century is None else given.century) * 100 + year, month, day))
        except ValueError:
            continue
    return found


def may_be_shown_as_date(text: str) -> bool:
    """Whether *text* is a date, a part of one, or what a spreadsheet of some locale makes one of."""
    said = read_date(text) or _day_and_month(text) or _month_and_year(text)
    return said is not None or any(form.fullmatch(text) for form in (_CLOCK, _FRACTION, _CLIPPED))


def is_part_of_date(given: str, back: str) -> bool:
    """Whether both are the same day without its year, or the same month: a spreadsheet takes either for a date."""
    if any((said := part(given)) is not None and said == part(back) for part in (_day_and_month, _month_and_year)):
        return True
    return _is_day_of_fraction(given, back)


def _day_and_month(text: str) -> tuple[int, int] | None:
    """The numbers of a day and of its month, whose name is written."""
    if not (found := _DAY_AND_MONTH.fullmatch(text)):
        return None
    day, name = (found[1], found[2]) if found[1] else (found[4], found[3])
    month = _MONTH_NUMBERS.get(name.lower()[:3])
    return (int(day), month) if month else None


def _month_and_year(text: str) -> tuple[int, int] | None:
    """The month and the year in its century."""
    if found := _MONTH_AND_YEAR.fullmatch(text):
        year, month = found[1] or found[4] or found[6], found[2] or found[3]
        number = int(month) if month else _MONTH_NUMBERS.get(found[5].lower()[:3])
        return (number, int(year) % 100) if number else None
    return None


def _is_day_of_fraction(given: str, back: str) -> bool:
    """Whether a spreadsheet has made 4 May or 5 April of 4.5 or 4/5, in whatever year."""
    fraction = _FRACTION.fullmatch(given)
    if not fraction:
        return False
    numbers = {int(fraction[1]), int(fraction[2])}
    if _DAY_AND_MONTH.fullmatch(back):
        return set(_day_and_month(back) or ()) == numbers
    shown = read_date(back)
    return shown is not None and shown.time == (0, 0) and any({month, day} == numbers for _, month, day in shown.days)


def read_clock(text: str) -> Clock | None:
    """A time of day, which is what a spreadsheet takes 1:30 for."""
    found = _CLOCK.fullmatch(text) if ":" in text else None
    if not found:
        return None
    hour, minute, second = int(found[1]), int(found[2]), int(found[3] or 0)
    if found[4]:
        hour = hour % 12 + (12 if found[4].lower() == "p" else 0)
    return hour, minute, second


def read_date(text: str) -> ShownDate | None:
    """The date that *text* is, in any form that a spreadsheet may show."""
    if found := _YEAR_FIRST.fullmatch(text):
        year, month, day = map(int, found.groups()[:3])
        return _dated(found[1], {(year % 100, month, day)}, None, found.groups()[3:])
    if found := _YEAR_LAST.fullmatch(text):
        first, second, year = map(int, found.groups()[:3])
        days = {(year % 100, second, first)}
        if _marks_of(found) != "..":  # with dots, the day is first everywhere
            days.add((year % 100, first, second))
        return _dated(found[3], days, (first, second), found.groups()[3:])
    if found := _DAY_NAMED.fullmatch(text):
        named, name, wanted = found[1], found[2], found[3]
    elif found := _NAMED_DAY.fullmatch(text):
        named, name, wanted = found[2], found[1], found[3]
    else:
        return None
    number = _MONTH_NUMBERS.get(name.lower()[:3])
    days = {(int(wanted) % 100, number or 0, int(named))}
    return _dated(wanted, days, None, found.groups()[3:]) if number else None


def _dated(
    year: str, days: set[Day], in_order: tuple[int, int] | None, time: tuple[str | None, ...]
) -> ShownDate | None:
    hour, minute, second, fraction, half, zone = time
    hours = int(hour or 0)
    if half:
        if not 1 <= hours <= 12:
            return None
        hours = hours % 12 + (12 if half.lower().startswith("p") else 0)
    century = int(year) // 100 if len(year) == 4 else None
    seconds = int(second) if second else None
    return ShownDate(
        frozenset(days), century, in_order, (hours, int(minute or 0)), seconds, fraction is not None, zone or ""
    )


def _is_ambiguous(date: ShownDate) -> bool:
    return len(date.days) > 1 and date.in_order is not None and max(date.in_order) <= _MONTHS_OF_YEAR


def is_same_date(given: ShownDate, back: ShownDate) -> bool:
    """Whether a spreadsheet may show the date *given* as *back*."""
    if given.in_order in (None, back.in_order):
        is_same_day = bool(given.days & back.days)
    elif _is_ambiguous(given) and _is_ambiguous(back):
        is_same_day = given.days == back.days
    else:
        # With day and month swapped, it is the same only if what was handed out can be only one day.
        is_same_day = len(given.days) == 1 and given.days <= back.days
    is_same_day = is_same_day and (given.century == back.century or None in (given.century, back.century))
    seconds = (given.second or 0, (given.second or 0) + given.has_fraction)
    is_same_second = back.second is None or back.second in seconds
    return is_same_day and given.time == back.time and is_same_second and _is_zone(given.zone, back.zone)


def has_only_date_words(text: str) -> bool:
    """Whether every word is one that dates are written with, so that others, lost from it, may name the month."""
    return all(word in _DATE_WORDS or word[:3] in _MONTH_NUMBERS for word in _LETTERS.findall(text.lower()))


def numeric_marks(text: str) -> str:
    """The two marks between the numbers of a date with the year last, such as `//`; empty if it is no such date."""
    found = _YEAR_LAST.fullmatch(text)
    return _marks_of(found) if found else ""


def _marks_of(date: re.Match[str]) -> str:
    return f"{date.string[date.end(1)]}{date.string[date.end(2)]}"


def is_left_alone(text: str) -> bool:
    """Whether it is a date with slashes or hyphens that no spreadsheet has changed which shows dates with dots."""
    found = _YEAR_LAST.fullmatch(text.strip(BLANKS)) if text[1:3].strip("0123456789") else None
    return found is not None and "." not in _marks_of(found) and int(found[1]) <= 31 and int(found[2]) <= 12


def may_be_either(text: str) -> bool:
    """Whether it is a date with slashes or hyphens of which a spreadsheet of every locale would make a date."""
    found = _YEAR_LAST.fullmatch(text.strip(BLANKS)) if text[1:3].strip("0123456789") else None
    return found is not None and "." not in _marks_of(found) and max(int(found[1]), int(found[2])) <= _MONTHS_OF_YEAR


def _is_zone(given: str, back: str) -> bool:
    """Whether the zone that was handed out may come back as this, or be left out: all names of UTC are one."""
    return back == "" or _offset(given) == _offset(back)


def _offset(zone: str) -> str:
    digits = zone.upper().replace(":", "")
    return "+0000" if digits in ("Z", "UTC", "GMT", "-0000", "+00", "-00") else digits
