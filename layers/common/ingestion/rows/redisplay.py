"""Whether a cell that comes back from a spreadsheet is the one that was handed out, shown in another way.

A spreadsheet trims texts, changes line ends, shows dates and numbers in the form of its locale, and loses letters that
its encoding lacks. A cell alone does not say whether somebody wrote `03.04.2026` for `03/04/2026` or a spreadsheet
shows it so; other dates of its column may.
"""

import re
import unicodedata
from decimal import Decimal, InvalidOperation
from functools import cached_property, lru_cache
from typing import Final, NamedTuple

from ingestion.rows.formulas import without_apostrophes
from ingestion.rows.shown_dates import (
    Clock,
    ShownDate,
    has_only_date_words,
    is_day_of_fraction,
    is_same_date,
    may_be_shown_as_date,
    numeric_marks,
    read_clock,
    read_date,
)
from ingestion.values.marks import BLANKS

_NUMBER = re.compile(r"([-+]?[0-9]{1,40})(?:[.,]([0-9]{1,40}))?(?:[eE]([-+]?[0-9]{1,3}))?")
_GENERAL_DIGITS: Final = 9
"""A spreadsheet shows at least this many digits of a number, and rounds away the rest."""
_LONGEST_VALUE: Final = 100
"""Of a number or a date, in characters; a longer text is neither."""
_SHOWN_IN_FULL: Final = 10**8
"""A whole number below this comes back with all of its digits."""
_TRUTHS: Final = ({"true", "wahr", "sann", "істина", "истина"}, {"false", "falsch", "usann", "хибність", "ложь"})
_LONGEST_TRUTH: Final = max(len(word) for words in _TRUTHS for word in words)


class Text:
    """A cell's text and the values that it may be taken for, each read once."""

    __slots__ = ("__dict__", "text")

    def __init__(self, text: str) -> None:
        self.text = text

    @classmethod
    def of(cls, text: str) -> "Text":
        """The text; a short one that comes again is the same object."""
        return _short_text(text) if len(text) <= _LONGEST_VALUE else cls(text)

    @cached_property
    def normalised(self) -> str:
        """See `normalised`."""
        return normalised(self.text)

    @cached_property
    def value(self) -> "_Value":
        """What a spreadsheet may take it for."""
        text = self.normalised
        if len(text) > _LONGEST_VALUE or not any(map(str.isdigit, text)):
            return _NO_VALUE
        return _Value(_number(text), read_clock(text), read_date(text), numeric_marks(text))


_short_text = lru_cache(maxsize=4_096)(Text)


class _Value(NamedTuple):
    number: Decimal | None
    clock: Clock | None
    date: ShownDate | None
    marks: str
    """See `numeric_marks`."""


_NO_VALUE = _Value(None, None, None, "")


def is_same(handed_out: str, returned: str) -> bool:
    """Whether the text that was handed out may come back as this, though nobody changed it."""
    return is_same_text(Text.of(handed_out), Text.of(returned))


def is_same_text(handed_out: Text, returned: Text) -> bool:
    """As `is_same`, for texts that are compared with many others."""
    if handed_out.text == returned.text:
        return True
    given, back = handed_out.normalised, returned.normalised
    return given == back or _is_lossy(given, back) or _is_truth(given, back) or _is_value(handed_out, returned)


def is_dotted(handed_out: str, returned: str) -> bool:
    """Whether dots stand for the slashes or hyphens of a date: somebody wrote them, or a spreadsheet shows it so."""
    return is_dotted_text(Text.of(handed_out), Text.of(returned))


def is_dotted_text(handed_out: Text, returned: Text) -> bool:
    """As `is_dotted`, for texts that are compared with many others."""
    if handed_out.text == returned.text:
        return False
    given, back = handed_out.value.marks, returned.value.marks
    return bool(given) and "." not in given and back == ".."


def normalised(text: str) -> str:
    """The text without what trimming, other line ends and our apostrophes change in it.

    Invisible marks are trimmed too; inside of a text no spreadsheet removes them, but somebody who corrects it may.
    """
    if text.isascii() and text.isalnum():
        return text
    bare = without_apostrophes(text)
    if not text.isascii():
        bare = unicodedata.normalize("NFC", bare)
    return " ".join(bare.strip(BLANKS).split())


def coarse(text: str) -> str:
    """A key that all texts share which `is_same` takes for one, to look rows up by.

    Ids stay apart as far as they can: whole numbers that a spreadsheet shows in full, and what is no date or number.
    """
    return _coarse(text) if len(text) <= _LONGEST_VALUE else _coarse_of(text)


def _coarse_of(text: str) -> str:
    given = normalised(text)
    if len(given) > _LONGEST_VALUE:
        return _without_letters_that_get_lost(given)
    if any(given.lower() in words for words in _TRUTHS):
        return "\0truth"
    if any(map(str.isdigit, given)):
        number = _number(given)
        if number is not None and number == number.to_integral_value() and abs(number) < _SHOWN_IN_FULL:
            return str(int(number))
        if number is not None or may_be_shown_as_date(given):
            return "\0value"
    lossy = _without_letters_that_get_lost(given)
    # A date whose month has lost its letters has question marks for them.
    if "?" in lossy and any(map(str.isdigit, lossy)) and has_only_date_words(lossy):
        return "\0value"
    return lossy


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
    back = returned.normalised
    if not (back[:1].isalnum() or back[:1] in "-+"):
        return False
    given, shown = handed_out.value, returned.value
    if given.number is not None and shown.number is not None:
        return _is_same_number(given.number, shown.number)
    if given.clock is not None and given.clock == shown.clock:
        return True
    if is_day_of_fraction(handed_out.normalised, back):
        return True
    return given.date is not None and shown.date is not None and is_same_date(given.date, shown.date)


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
