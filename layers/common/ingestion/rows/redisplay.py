"""Whether a cell that comes back from a spreadsheet is the one that was handed out, shown in another way.

A spreadsheet trims, changes line ends, shows dates and numbers in the form of its locale, and loses letters that its
encoding lacks. What it does to a date depends on who opens it, so a numeric date in either order is the date that it
may be, unless it has dots: then the day is first. A date that was handed out with slashes and may be either of two days
is the same with day and month turned round, which a spreadsheet of another locale does: nobody can tell who did it, and
read in a declared order it would be the other day. Turned round into dots it is mended: it can be but one day then.
Whether somebody wrote `03.04.2026` for `03/04/2026`, the cell does not tell; other dates of its column may.
"""

import re
import unicodedata
from decimal import Decimal, InvalidOperation
from functools import cached_property, lru_cache
from typing import Final, NamedTuple

from ingestion.rows.formulas import without_apostrophes
from ingestion.values.marks import BLANKS

_NUMBER = re.compile(r"([-+]?[0-9]{1,40})(?:[.,]([0-9]{1,40}))?(?:[eE]([-+]?[0-9]{1,3}))?")
_GENERAL_DIGITS: Final = 9
"""A spreadsheet shows at least so many digits of a number; what it cuts off behind is rounded."""
_LONGEST_VALUE: Final = 100
"""Of a number or a date; a text that is longer is neither."""
_SHOWN_IN_FULL: Final = 10**8
"""A whole number below this comes back with all of its digits."""
_TRUTHS: Final = ({"true", "wahr", "sann", "істина", "истина"}, {"false", "falsch", "usann", "хибність", "ложь"})
_LONGEST_TRUTH: Final = max(len(word) for words in _TRUTHS for word in words)
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
_DAY_NAMED = re.compile(rf"([0-9]{{1,2}})[. -]{{1,2}}(\w{{3,12}})[. -]{{1,2}}([0-9]{{4}}|[0-9]{{2}}){_TIME}", re.I)
_NAMED_DAY = re.compile(rf"(\w{{3,12}})[. ]{{1,2}}([0-9]{{1,2}}),? ([0-9]{{4}}|[0-9]{{2}}){_TIME}", re.IGNORECASE)
_FRACTION = re.compile(r"([0-9]{1,2})[./]([0-9]{1,2})")
_DAY_AND_MONTH = re.compile(r"([0-9]{1,2})[-. ]{1,2}([^\W\d_]{3,12})\.?|([^\W\d_]{3,12})[-. ]{1,2}([0-9]{1,2})")
_CLOCK = re.compile(r"([0-9]{1,2})[:.]([0-9]{2})(?:[:.]([0-9]{2}))?(?: ?([ap])\.?m\.?)?", re.IGNORECASE)
_LETTERS = re.compile(r"[^\W\d_]+")
_DATE_WORDS: Final = frozenset({"t", "z", "utc", "gmt", "am", "pm", "a", "p", "m", "e"})

Day = tuple[int, int, int]


class _Date(NamedTuple):
    days: frozenset[Day]
    """What it may be: year in the century, month, day."""
    century: int | None
    """None if its year has two digits, as spreadsheets like to show it."""
    in_order: tuple[int, int] | None
    """Of a numeric date, its first two numbers."""
    time: tuple[int, int]
    second: int | None
    zone: str


class Text:
    """A cell's text and what it may be taken for, each found out once."""

    __slots__ = ("__dict__", "text")

    def __init__(self, text: str) -> None:
        self.text = text

    @classmethod
    def of(cls, text: str) -> "Text":
        """The text; a short one that comes again is the same object."""
        return _short_text(text) if len(text) <= _LONGEST_VALUE else cls(text)

    @cached_property
    def settled(self) -> str:
        """See `settled`."""
        return settled(self.text)

    @cached_property
    def value(self) -> "_Value":
        """What a spreadsheet may take it for."""
        text = self.settled
        if len(text) > _LONGEST_VALUE or not any(map(str.isdigit, text)):
            return _NO_VALUE
        return _Value(_number(text), _clock(text), _date(text), _YEAR_LAST.fullmatch(text))


_short_text = lru_cache(maxsize=4_096)(Text)


class _Value(NamedTuple):
    number: Decimal | None
    clock: tuple[int, int, int] | None
    date: _Date | None
    numeric: re.Match[str] | None
    """A date of three numbers, the year last."""


_NO_VALUE = _Value(None, None, None, None)


def is_same(handed_out: str, returned: str) -> bool:
    """Whether the text that was handed out may come back as this, though nobody changed it."""
    return is_same_text(Text.of(handed_out), Text.of(returned))


def is_same_text(handed_out: Text, returned: Text) -> bool:
    """The same of texts that are compared with many."""
    if handed_out.text == returned.text:
        return True
    given, back = handed_out.settled, returned.settled
    return given == back or _is_lossy(given, back) or _is_truth(given, back) or _is_value(handed_out, returned)


def is_dotted(handed_out: str, returned: str) -> bool:
    """Whether dots stand for the slashes or hyphens of a date: somebody wrote them, or a spreadsheet shows it so."""
    return is_dotted_text(Text.of(handed_out), Text.of(returned))


def is_dotted_text(handed_out: Text, returned: Text) -> bool:
    """The same of texts that are compared with many."""
    if handed_out.text == returned.text:
        return False
    given, back = handed_out.value.numeric, returned.value.numeric
    return bool(given and back) and "." not in _marks_of(given) and _marks_of(back) == ".."


def is_left_alone(text: str) -> bool:
    """Whether it is a date with slashes or hyphens, which a spreadsheet that shows dates with dots would show so."""
    found = _YEAR_LAST.fullmatch(text.strip(BLANKS)) if text[1:3].strip("0123456789") else None
    return found is not None and "." not in _marks_of(found) and int(found[1]) <= 31 and int(found[2]) <= 12


def _marks_of(date: re.Match[str] | None) -> str:
    return f"{date.string[date.end(1)]}{date.string[date.end(2)]}" if date else ""


def settled(text: str) -> str:
    """The text without what trimming, other line ends and our apostrophes change in it.

    Marks that nobody sees are trimmed too; inside, no spreadsheet takes them away, but who mends a text does.
    """
    if text.isascii() and text.isalnum():
        return text
    bare = without_apostrophes(text)
    if not text.isascii():
        bare = unicodedata.normalize("NFC", bare)
    return " ".join(bare.strip(BLANKS).split())


def coarse(text: str) -> str:
    """What is the same for all texts that `is_same` takes for one: to look rows up by.

    Ids stay apart as far as they can: whole numbers that a spreadsheet shows in full, and what is no date or number.
    """
    return _coarse(text) if len(text) <= _LONGEST_VALUE else _coarse_of(text)


def _coarse_of(text: str) -> str:
    given = settled(text)
    if len(given) > _LONGEST_VALUE:
        return _without_letters_that_get_lost(given)
    if any(given.lower() in words for words in _TRUTHS):
        return "\0truth"
    if any(map(str.isdigit, given)):
        number = _number(given)
        if number is not None and number == number.to_integral_value() and abs(number) < _SHOWN_IN_FULL:
            return str(int(number))
        if number is not None or any(form.fullmatch(given) for form in (_CLOCK, _FRACTION)):
            return "\0value"
        if _date(given) is not None or _is_day_and_month(given):
            return "\0value"
    lossy = _without_letters_that_get_lost(given)
    if "?" in lossy and any(map(str.isdigit, lossy)):  # may be a date whose month has lost its letters
        words = _LETTERS.findall(lossy.lower())
        if all(word in _DATE_WORDS or word[:3] in _MONTH_NUMBERS for word in words):
            return "\0value"
    return lossy


def _is_day_and_month(text: str) -> bool:
    found = _DAY_AND_MONTH.fullmatch(text)
    return found is not None and (found[2] or found[3]).lower()[:3] in _MONTH_NUMBERS


_coarse = lru_cache(maxsize=4_096)(_coarse_of)


def _without_letters_that_get_lost(text: str) -> str:
    return text if text.isascii() else "".join([letter if letter.isascii() else "?" for letter in text])


def _is_lossy(given: str, back: str) -> bool:
    """Whether only letters that an encoding lacks have become question marks."""
    if "?" not in back or len(given) != len(back):
        return False
    return all(one == other or (other == "?" and not one.isascii()) for one, other in zip(given, back, strict=True))


def _is_truth(given: str, back: str) -> bool:
    if len(given) > _LONGEST_TRUTH or len(back) > _LONGEST_TRUTH:
        return False
    return any(given.lower() in words and back.lower() in words for words in _TRUTHS)


def _is_value(handed_out: Text, returned: Text) -> bool:
    back = returned.settled
    if not (back[:1].isalnum() or back[:1] in "-+"):
        return False
    given, shown = handed_out.value, returned.value
    if given.number is not None and shown.number is not None:
        return _is_same_number(given.number, shown.number)
    if given.clock is not None and given.clock == shown.clock:
        return True
    if _is_day_of_fraction(handed_out.settled, back):
        return True
    return given.date is not None and shown.date is not None and _is_same_date(given.date, shown.date)


def _is_day_of_fraction(given: str, back: str) -> bool:
    """Whether a spreadsheet has made 4 May or 5 April of 4.5 or 4/5, of whatever year."""
    fraction = _FRACTION.fullmatch(given)
    if not fraction:
        return False
    numbers = {int(fraction[1]), int(fraction[2])}
    if found := _DAY_AND_MONTH.fullmatch(back):
        day, name = (found[1], found[2]) if found[1] else (found[4], found[3])
        return {int(day), _MONTH_NUMBERS.get(name.lower()[:3])} == numbers
    shown = _date(back)
    return shown is not None and shown.time == (0, 0) and any({month, day} == numbers for _, month, day in shown.days)


def _clock(text: str) -> tuple[int, int, int] | None:
    """A time of the day, which is what a spreadsheet takes 1:30 for."""
    found = _CLOCK.fullmatch(text) if ":" in text else None
    if not found:
        return None
    hour, minute, second = int(found[1]), int(found[2]), int(found[3] or 0)
    if found[4]:
        hour = hour % 12 + (12 if found[4].lower() == "p" else 0)
    return hour, minute, second


def _number(text: str) -> Decimal | None:
    found = _NUMBER.fullmatch(text)
    if not found:
        return None
    whole, fraction, exponent = found.groups()
    try:
        return Decimal(f"{whole}.{fraction or 0}E{exponent or 0}")
    except InvalidOperation:
        return None


def _is_same_number(given: Decimal, back: Decimal) -> bool:
    """The same number; or what is left of it where a spreadsheet has no room for all of its digits."""
    if given == back:
        return True
    digits = len(back.normalize().as_tuple().digits)
    is_shortened = len(given.normalize().as_tuple().digits) > max(digits, _GENERAL_DIGITS)
    is_scientific = given == given.to_integral_value() and abs(given) >= Decimal(10) ** 11
    if not (is_shortened and (digits >= _GENERAL_DIGITS or is_scientific)):
        return False
    return abs(given - back) * 2 <= Decimal(10) ** (given.adjusted() - max(digits, 6) + 1)


def _date(text: str) -> _Date | None:
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


def _dated(year: str, days: set[Day], in_order: tuple[int, int] | None, time: tuple[str | None, ...]) -> _Date | None:
    hour, minute, second, half, zone = time
    hours = int(hour or 0)
    if half:
        if not 1 <= hours <= 12:
            return None
        hours = hours % 12 + (12 if half.lower().startswith("p") else 0)
    century = int(year) // 100 if len(year) == 4 else None
    seconds = int(second) if second else None
    return _Date(frozenset(days), century, in_order, (hours, int(minute or 0)), seconds, zone or "")


def _is_ambiguous(date: _Date) -> bool:
    return len(date.days) > 1 and date.in_order is not None and max(date.in_order) <= _MONTHS_OF_YEAR


def _is_same_date(given: _Date, back: _Date) -> bool:
    if given.in_order in (None, back.in_order):
        is_same_day = bool(given.days & back.days)
    elif _is_ambiguous(given) and _is_ambiguous(back):
        is_same_day = given.days == back.days
    else:
        # Turned round, it is the same only if both can be but one day.
        is_same_day = len(given.days) == 1 and {day for day in back.days if day[1] <= _MONTHS_OF_YEAR} == given.days
    is_same_day = is_same_day and (given.century == back.century or None in (given.century, back.century))
    is_same_second = back.second is None or back.second == (given.second or 0)
    return is_same_day and given.time == back.time and is_same_second and back.zone.upper() in ("", given.zone.upper())
