"""What a spreadsheet has done to a cell: held a text as `="…"`, put an error in its place, or cut a long number.

And what people and programs write where there is nothing: it is nothing only in a cell that is no text, but for `#N/A`.
"""

import re
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

from ingestion.values.marks import BLANKS, shown
from ingestion.values.months import MONTHS

NOTHING: Final = frozenset({"-", "–", "—", "n/a", "n.a.", "null", "none", "\\n", "#n/a"})
"""In lower case."""
_NOT_AVAILABLE: Final = "#n/a"
_LONGEST_NOTHING: Final = 4

_HELD = '="'
_HELD_TEXT = re.compile(r'="([^"]*+(?:""[^"]*+)*)"')
_DAMAGED = re.compile(
    r"[+-]?[0-9](?:[.,][0-9]{1,17})?E[+-][0-9]{2,3}"  # what is left of a long number
    r"|#[A-ZÆØÅА-ЯІЇЄҐ0-9/_]{1,20}[!?]|#N/A|#I/T|#Н/Д|#{3,}|Loading(?:\.\.\.|…)",
    re.IGNORECASE,
)
_SIGNS_OF_DAMAGE: Final = ("#", "=", "+", ".", "…", "E", "e")
"""One of them is in all that is damaged or held. A single character is looked for at memory's speed."""
_LONGEST_DAMAGED: Final = 40
_FIRST_OF_DAMAGED: Final = frozenset("#+-0123456789lL")

_DAY_AND_MONTH = re.compile(
    r"(?:(?P<day>[0-9]{1,2})[-. ]{1,2}(?P<month>[^\W\d_]{3,9})"
    r"|(?P<month_first>[^\W\d_]{3,9})[-. ](?P<day_last>[0-9]{1,2}))\.?"
)
_WHOLE_DATE = re.compile(r"[0-9]{4}-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})(?:[T ]00:00(?::00)?)?")
_DOTTED = re.compile(r"(?P<day>[0-9]{1,2})\.(?P<month>[0-9]{1,2})\.(?:[0-9]{4})?")
_SERIAL = re.compile(r"([2-6][0-9]{4})(?:[.,][0-9]{1,12})?")
_TOP = 5
_DAY_ZERO: Final = date(1899, 12, 30)


def bare(text: str) -> str:
    """The text without blanks around it, and without the `="…"` that a spreadsheet holds it by."""
    value = text.strip(BLANKS)
    if value[:2] == _HELD and (held := _HELD_TEXT.fullmatch(value)):
        return held[1].replace('""', '"').strip(BLANKS)
    return value


def may_be_held(joined: str) -> bool:
    """Whether any of the texts that are joined here may be held by `="…"`."""
    return "=" in joined and _HELD in joined


def holds_damage(values: Sequence[str], joined: str) -> bool:
    """Whether any of the values, without blanks, is damaged or held by `="…"`; *joined* they are one text."""
    if not any(sign in joined for sign in _SIGNS_OF_DAMAGE):
        return False
    return may_be_held(joined) or any(map(_DAMAGED.fullmatch, values))


def is_damaged(value: str) -> bool:
    """Whether a spreadsheet has put this in the place of a value: `2.02603E+11`, `#REF!`, `Loading...`."""
    if value[:1] not in _FIRST_OF_DAMAGED or len(value) > _LONGEST_DAMAGED:
        return False
    return _DAMAGED.fullmatch(value) is not None


def is_nothing(value: str) -> bool:
    """Whether the value, without blanks, says that there is none."""
    return len(value) <= _LONGEST_NOTHING and value.lower() in NOTHING


def is_not_available(value: str) -> bool:
    """Whether a spreadsheet says that there is no value, which no person writes: so it does in a text too."""
    return value.lower() == _NOT_AVAILABLE


def holds_nothing(values: Sequence[str]) -> bool:
    """Whether any of the values, without blanks, says that there is none."""
    is_short = min(map(len, values), default=_LONGEST_NOTHING + 1) <= _LONGEST_NOTHING
    return is_short and not NOTHING.isdisjoint(map(str.lower, values))


def damaged(field: str, value: str) -> str:
    """What is said of a value that is damaged."""
    return (
        f"{field}: {shown(value)} is what a spreadsheet made of the value; take it from the original export, "
        "and have the spreadsheet read the column as text"
    )


def day_of_serial(value: str) -> date | None:
    """The day that a spreadsheet's serial number such as `45609` or `45609.5` counts to; None if it is none."""
    serial = _SERIAL.fullmatch(value)
    return _DAY_ZERO + timedelta(days=int(serial[1])) if serial else None


def fraction_of_date(value: str) -> str | None:
    """`4/5`, of which a spreadsheet has made `05. apr`, `4-May` or a whole date; None if it looks like no date."""
    if len(value) > _LONGEST_DAMAGED:
        return None
    if words := _DAY_AND_MONTH.fullmatch(value):
        month, day = MONTHS.get((words["month"] or words["month_first"]).lower()), words["day"] or words["day_last"]
    elif found := _WHOLE_DATE.fullmatch(value) or _DOTTED.fullmatch(value):
        month, day = int(found["month"]), found["day"]
    else:
        return None
    return _of_five(int(day), month) if month else None


def _of_five(day: int, month: int) -> str:
    """Which of the two was the rating, no date tells; out of five, if one of them is."""
    return f"{day}/{month}" if month == _TOP or day != _TOP else f"{month}/{day}"
