"""Whether a cell that comes back from a spreadsheet is the one that was handed out, shown in another way.

A spreadsheet trims texts, changes line ends, shows dates and numbers in the form of its locale, and loses letters that
its encoding lacks. A cell alone does not say whether somebody wrote `03.04.2026` for `03/04/2026` or a spreadsheet
shows it so; other dates of its column may.
"""

import re
import unicodedata
from functools import cached_property, lru_cache
from typing import Final, NamedTuple

from ingestion.rows import shown_dates, shown_numbers
from ingestion.rows.formulas import without_apostrophes
from ingestion.rows.shown_dates import Clock, ShownDate, numeric_marks, read_clock, read_date
from ingestion.rows.shown_numbers import Numbers
from ingestion.values.marks import BLANKS
from ingestion.values.spreadsheets import NOTHING, is_damaged

_LONGEST_VALUE: Final = 100
"""Of a number or a date, in characters; a longer text is neither."""
_SHOWN_IN_FULL: Final = 10**8
"""A whole number below this comes back with all of its digits."""
_TRUTHS: Final = ({"true", "wahr", "sann", "істина", "истина"}, {"false", "falsch", "usann", "хибність", "ложь"})
_LONGEST_TRUTH: Final = max(len(word) for words in _TRUTHS for word in words)
_LOST: Final = frozenset("?_")
_RUN_OF_LOST = re.compile("[?_]+")
_BEYOND_16_BITS = re.compile("[\U00010000-\U0010ffff]")
_NEAREST: Final = {"ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ı": "i", "æ": "a", "Æ": "A"}
_BLANK: Final = NOTHING | {"", "na", "nan", "nat", "<na>", "null", "nil", "(null)"}
_LONGEST_BLANK: Final = max(map(len, _BLANK))


class Text:
    """A cell's text and the values that a spreadsheet may read in it, each read once."""

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
        return _Value(shown_numbers.numbers(text), read_clock(text), read_date(text), numeric_marks(text))


_short_text = lru_cache(maxsize=4_096)(Text)


class _Value(NamedTuple):
    numbers: Numbers
    clock: Clock | None
    date: ShownDate | None
    marks: str
    """See `numeric_marks`."""


_NO_VALUE = _Value((), None, None, "")


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


def is_typed_text(handed_out: Text, returned: Text) -> bool:
    """Whether a spreadsheet of some locale may have made the ISO date of a date with slashes, as it opened the file."""
    given, back = handed_out.value.date, returned.value.date
    if given is None or back is None or given.in_order is None or back.in_order is not None:
        return False
    return shown_dates.is_same_date(given._replace(in_order=None), back)


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
        found = shown_numbers.numbers(given)
        if len(found) == 1 and found[0] == found[0].to_integral_value() and abs(found[0]) < _SHOWN_IN_FULL:
            return str(int(found[0]))
        if found or shown_dates.may_be_shown_as_date(given):
            return "\0value"
    elif given[:1] == "#" and is_damaged(given):
        return "\0value"
    lossy = _without_letters_that_get_lost(given)
    # A date whose month has lost its letters has question marks for them.
    if "?" in lossy and any(map(str.isdigit, lossy)) and shown_dates.has_only_date_words(lossy):
        return "\0value"
    return lossy


_coarse = lru_cache(maxsize=4_096)(_coarse_of)


def _without_letters_that_get_lost(text: str) -> str:
    if text.isascii() and not _LOST.isdisjoint(text):
        return _RUN_OF_LOST.sub("?", text)
    if text.isascii():
        return text
    return _RUN_OF_LOST.sub("?", "".join([letter if letter.isascii() else "?" for letter in text]))


def _is_lossy(given: str, back: str) -> bool:
    """Whether only letters that an encoding lacks have become question marks, or underscores as on a Mac.

    What UTF-16 writes as two halves, such as an emoji, may have become two of them.
    """
    if _LOST.isdisjoint(back):
        return False
    return _are_lost(given, back) or _are_lost(_BEYOND_16_BITS.sub("\ufffd\ufffd", given), back)


def _are_lost(given: str, back: str) -> bool:
    if len(given) != len(back):
        return False
    return all(one == other or (other in _LOST and not one.isascii()) for one, other in zip(given, back, strict=True))


def is_worn(handed_out: Text, returned: Text) -> bool:
    """Whether a program may have made this of it that nobody would call a mending of a row that was cut or shifted.

    R and pandas write `NA` or nothing for one another and for words that mean nothing; Windows writes the nearest
    letter for one that the code page lacks, as `a` for `å`.
    """
    given, back = handed_out.normalised, returned.normalised
    if _is_blank(given) and _is_blank(back):
        return True
    if given.isascii() or len(given) != len(back):
        return False
    return all(one == other or other in _LOST or _nearest(one) == other for one, other in zip(given, back, strict=True))


def _is_blank(text: str) -> bool:
    return len(text) <= _LONGEST_BLANK and text.lower() in _BLANK


def _nearest(letter: str) -> str:
    return _NEAREST.get(letter) or unicodedata.normalize("NFD", letter)[0]


def _is_truth(given: str, back: str) -> bool:
    if len(given) > _LONGEST_TRUTH or len(back) > _LONGEST_TRUTH:
        return False
    return any(given.lower() in words and back.lower() in words for words in _TRUTHS)


def _is_value(handed_out: Text, returned: Text) -> bool:
    back = returned.normalised
    if back[:1] == "#":
        return _is_error(handed_out, back)
    if not (back[:1].isalnum() or back[:1] in "-+"):
        return False
    given, shown = handed_out.value, returned.value
    if given.numbers and shown.numbers:
        return shown_numbers.are_same(given.numbers, shown.numbers)
    if shown_dates.is_part_of_date(handed_out.normalised, back):
        return True
    if given.clock is not None:
        is_part = any(shown_dates.is_part_of_day(given.clock, one) for one in shown.numbers)
        return is_part or given.clock == shown.clock
    return given.date is not None and _is_date(given.date, shown, back)


def _is_date(given: ShownDate, shown: "_Value", back: str) -> bool:
    if shown.date is not None:
        return shown_dates.is_same_date(given, shown.date)
    return any(shown_dates.is_serial(given, one) for one in shown.numbers) or shown_dates.is_clipped(given, back)


def _is_error(handed_out: Text, back: str) -> bool:
    """Whether an error is shown in another language, or `####` where there is no room for a number or a date."""
    given = handed_out.normalised
    if given[:1] == "#":
        return is_damaged(given) and is_damaged(back)
    has_value = bool(handed_out.value.numbers or handed_out.value.date or handed_out.value.clock)
    return has_value and len(back) > 2 and not back.strip("#")
