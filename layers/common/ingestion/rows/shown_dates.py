"""Dates and times of day as a spreadsheet shows them, and whether two of them are the same.

How a spreadsheet shows a date depends on who opens it, so a numeric date in either order is the date that it may be,
unless it has dots: then the day comes first. A date with slashes that may be either of two days stays the same if day
and month change places, as they do in a spreadsheet of another locale: nobody can tell who swapped them, and read in a
declared order it would be the other day. Swapped into dots it counts as corrected, because it can be only one day then.
"""

import re
from typing import Final, NamedTuple

from ingestion.values.marks import BLANKS

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
    r"(?:[T ,]{1,3}([0-9]{1,2})[:.]([0-9]{2})(?:[:.]([0-9]{2})(?:[.,][0-9]{1,9})?)?"
    r" ?([ap]\.?m\.?)?)? ?(Z|UTC|GMT|[+-][0-9]{2}:?[0-9]{2})?"
)
_YEAR_FIRST = re.compile(rf"([0-9]{{4}})[-/.]([0-9]{{1,2}})[-/.]([0-9]{{1,2}}){_TIME}", re.IGNORECASE)
_YEAR_LAST = re.compile(rf"([0-9]{{1,2}})[-/.]([0-9]{{1,2}})[-/.]([0-9]{{4}}|[0-9]{{2}}){_TIME}", re.IGNORECASE)
_DAY_NAMED = re.compile(
    rf"([0-9]{{1,2}})[. -]{{1,2}}(\w{{3,12}})[. -]{{1,2}}([0-9]{{4}}|[0-9]{{2}}){_TIME}", re.IGNORECASE
)
_NAMED_DAY = re.compile(rf"(\w{{3,12}})[. ]{{1,2}}([0-9]{{1,2}}),? ([0-9]{{4}}|[0-9]{{2}}){_TIME}", re.IGNORECASE)
_FRACTION = re.compile(r"([0-9]{1,2})[./]([0-9]{1,2})")
_DAY_AND_MONTH = re.compile(r"([0-9]{1,2})[-. ]{1,2}([^\W\d_]{3,12})\.?|([^\W\d_]{3,12})[-. ]{1,2}([0-9]{1,2})")
_CLOCK = re.compile(r"([0-9]{1,2})[:.]([0-9]{2})(?:[:.]([0-9]{2}))?(?: ?([ap])\.?m\.?)?", re.IGNORECASE)
_LETTERS = re.compile(r"[^\W\d_]+")
_DATE_WORDS: Final = frozenset({"t", "z", "utc", "gmt", "am", "pm", "a", "p", "m", "e"})

Day = tuple[int, int, int]
"""The year in its century, the month and the day."""
Clock = tuple[int, int, int]


class ShownDate(NamedTuple):
    """A date, with a time or without, as far as its text tells."""

    days: frozenset[Day]
    """The days that it may be."""
    century: int | None
    """None if its year has two digits, as spreadsheets like to show it."""
    in_order: tuple[int, int] | None
    """The first two numbers of a numeric date."""
    time: tuple[int, int]
    second: int | None
    zone: str


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
    hour, minute, second, half, zone = time
    hours = int(hour or 0)
    if half:
        if not 1 <= hours <= 12:
            return None
        hours = hours % 12 + (12 if half.lower().startswith("p") else 0)
    century = int(year) // 100 if len(year) == 4 else None
    seconds = int(second) if second else None
    return ShownDate(frozenset(days), century, in_order, (hours, int(minute or 0)), seconds, zone or "")


def is_same_date(given: ShownDate, back: ShownDate) -> bool:
    """Whether a spreadsheet may show the date *given* as *back*."""
    if given.in_order in (None, back.in_order):
        is_same_day = bool(given.days & back.days)
    elif _is_ambiguous(given) and _is_ambiguous(back):
        is_same_day = given.days == back.days
    else:
        # With day and month swapped, it is the same only if both can be only one day.
        is_same_day = len(given.days) == 1 and {day for day in back.days if day[1] <= _MONTHS_OF_YEAR} == given.days
    is_same_day = is_same_day and (given.century == back.century or None in (given.century, back.century))
    is_same_second = back.second is None or back.second == (given.second or 0)
    return is_same_day and given.time == back.time and is_same_second and back.zone.upper() in ("", given.zone.upper())


def _is_ambiguous(date: ShownDate) -> bool:
    return len(date.days) > 1 and date.in_order is not None and max(date.in_order) <= _MONTHS_OF_YEAR


def is_day_of_fraction(given: str, back: str) -> bool:
    """Whether a spreadsheet has made 4 May or 5 April of 4.5 or 4/5, in whatever year."""
    fraction = _FRACTION.fullmatch(given)
    if not fraction:
        return False
    numbers = {int(fraction[1]), int(fraction[2])}
    if found := _DAY_AND_MONTH.fullmatch(back):
        day, name = (found[1], found[2]) if found[1] else (found[4], found[3])
        return {int(day), _MONTH_NUMBERS.get(name.lower()[:3])} == numbers
    shown = read_date(back)
    return shown is not None and shown.time == (0, 0) and any({month, day} == numbers for _, month, day in shown.days)


def may_be_shown_as_date(text: str) -> bool:
    """Whether *text* is a date, a part of one, or what a spreadsheet makes one of."""
    return any(form.fullmatch(text) for form in (_CLOCK, _FRACTION)) or (
        read_date(text) is not None or _is_day_and_month(text)
    )


def _is_day_and_month(text: str) -> bool:
    found = _DAY_AND_MONTH.fullmatch(text)
    return found is not None and (found[2] or found[3]).lower()[:3] in _MONTH_NUMBERS


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
