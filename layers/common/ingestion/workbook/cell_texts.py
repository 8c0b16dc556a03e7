"""The text of a cell's stored value: numbers with all of their digits, dates in ISO form, whatever the sheet shows."""

import re
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Final

from ingestion.workbook.number_formats import Meaning

_PLAIN_WHOLE: Final = re.compile("-?(?:0|[1-9][0-9]{0,40})")
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]{1,400}(?:\.[0-9]{0,400})?|\.[0-9]{1,400})(?:[Ee][+-]?[0-9]{1,4})?")
_DIGITS: Final = 15
"""A spreadsheet keeps no more; behind them a file has what is left of binary fractions."""
_MOST_EXPONENT: Final = 400

_FROM_1900: Final = date(1899, 12, 30)
_FROM_1904: Final = date(1904, 1, 1)
_LEAP_DAY: Final = 60
"""29 February 1900, which was none: spreadsheets count it all the same."""
_LAST_DAY: Final = date(9999, 12, 31)
_MILLISECONDS: Final = 86_400_000
"""A day has so many."""
_MOST_DAYS: Final = 10_000_000
_LONGEST_DURATION: Final = 20 * 366
"""In days; what counts more is a date whose day the format does not show."""


def text_of_number(stored: str) -> str:
    """A number in digits: `1E+5` is `100000`, `60.0` is `60`, `0.1000000000000000055` is `0.1`.

    What is no number stays as it is.
    """
    if _PLAIN_WHOLE.fullmatch(stored):
        return stored if stored != "-0" else "0"
    if not _NUMBER.fullmatch(stored):
        return stored
    exact = Decimal(stored)
    if abs(exact.adjusted()) > _MOST_EXPONENT:
        return stored
    digits = exact if exact == exact.to_integral_value() else Decimal(f"{exact:.{_DIGITS}g}")
    text = f"{digits:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text.removeprefix("+")


def text_of_date(stored: str, meaning: Meaning, *, is_1904: bool) -> str:
    """A date, a date with its time, or a time, of the days that a cell counts; exact to the millisecond.

    A date whose number has a fraction has a time, even if the sheet does not show it. What is no date stays a number.
    """
    if not _NUMBER.fullmatch(stored) or abs(float(stored)) > _MOST_DAYS:
        return text_of_number(stored)
    # A float of days is exact to less than a microsecond.
    days, milliseconds = divmod(round(float(stored) * _MILLISECONDS), _MILLISECONDS)
    if meaning is Meaning.TIME and 0 <= days < _LONGEST_DURATION:
        return _clock(milliseconds, 24 * days)
    day = _day(days, is_1904=is_1904)
    if day is None:
        return text_of_number(stored)
    return day if meaning is Meaning.DATE and not milliseconds else f"{day}T{_clock(milliseconds)}"


@lru_cache(maxsize=4_096)
def _day(days: int, *, is_1904: bool) -> str | None:
    start = _FROM_1904 if is_1904 else _FROM_1900
    if not is_1904 and days <= _LEAP_DAY:
        if days in (0, _LEAP_DAY) or days < 0:
            return None
        days += 1
    if not 0 <= days <= (_LAST_DAY - start).days:
        return None
    return (start + timedelta(days=days)).isoformat()


def _clock(milliseconds: int, hours_before: int = 0) -> str:
    seconds, thousandths = divmod(milliseconds, 1_000)
    fraction = f".{thousandths:03}" if thousandths else ""
    return f"{hours_before + seconds // 3_600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{fraction}"
