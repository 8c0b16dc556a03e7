"""What spreadsheets do to cells: they wrap a text as `="…"`, replace it with an error, or shorten a long number.

Also, what people and programs write for "no value", such as `N/A`. In text columns only `#N/A` means that.
"""

import re
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

from ingestion.values.marks import BLANKS, shown
from ingestion.values.months import MONTHS

NOTHING: Final = frozenset({"-", "–", "—", "n/a", "n.a.", "null", "none", "\\n", "#n/a"})
"""In lower case."""
_NO_ID: Final = NOTHING | {"na", "nan", "nat", "<na>", "nil"}
"""What R and pandas write for it is no id, but may be a text."""
_NOT_AVAILABLE: Final = "#n/a"
_LONGEST_NOTHING: Final = 4

_HELD = '="'
_HELD_TEXT = re.compile(r'="([^"]*+(?:""[^"]*+)*)"')
_DAMAGED = re.compile(
    r"[+-]?[0-9](?:[.,][0-9]{1,17})?E[+-][0-9]{2,3}"  # a shortened long number
    r"|#[A-ZÆØÅА-ЯІЇЄҐ0-9/_]{1,20}[!?]|#N/A|#I/T|#Н/Д|#{3,}|Loading(?:\.\.\.|…)",
    re.IGNORECASE,
)
_SIGNS_OF_DAMAGE: Final = ("#", "=", "+", ".", "…", "E", "e")
"""Every damaged or wrapped text contains one of them, and searching for a single character runs at memory speed."""
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
    """Trim the text, and unwrap it from a spreadsheet's `="…"`."""
    value = text.strip(BLANKS)
    if value[:2] == _HELD and (held := _HELD_TEXT.fullmatch(value)):
        return held[1].replace('""', '"').strip(BLANKS)
    return value


def may_be_held(joined: str) -> bool:
    """Whether any of these joined texts may be wrapped in `="…"`."""
    return "=" in joined and _HELD in joined


def holds_damage(values: Sequence[str], joined: str) -> bool:
    """Whether any of the trimmed values is damaged or wrapped in `="…"`; *joined* is all of them in one text."""
    if not any(sign in joined for sign in _SIGNS_OF_DAMAGE):
        return False
    return may_be_held(joined) or any(map(_DAMAGED.fullmatch, values))


def is_damaged(value: str) -> bool:
    """Whether a spreadsheet replaced a value with this: `2.02603E+11`, `#REF!`, `Loading...`."""
    if value[:1] not in _FIRST_OF_DAMAGED or len(value) > _LONGEST_DAMAGED:
        return False
    return _DAMAGED.fullmatch(value) is not None


def is_nothing(value: str) -> bool:
    """Whether the trimmed value means that there is none."""
    return len(value) <= _LONGEST_NOTHING and value.lower() in NOTHING


def is_not_available(value: str) -> bool:
    """Whether this is `#N/A`, which means "no value" in text columns too, since no person writes it."""
    return value.lower() == _NOT_AVAILABLE


def is_no_id(value: str) -> bool:
    """Whether the trimmed value says that there is no id."""
    return len(value) <= _LONGEST_NOTHING and value.lower() in _NO_ID


def holds_no_id(values: Sequence[str]) -> bool:
    """Whether any of the trimmed values says that there is no id."""
    is_short = min(map(len, values), default=_LONGEST_NOTHING + 1) <= _LONGEST_NOTHING
    return is_short and not _NO_ID.isdisjoint(map(str.lower, values))


def damaged(field: str, value: str) -> str:
    """Return the message about a damaged value."""
    return (
        f"{field}: {shown(value)} is what a spreadsheet left of the value; copy the value from the original export, "
        "and format the column as text"
    )


def day_of_serial(value: str) -> date | None:
    """Return the day that a serial number such as `45609` or `45609.5` stands for; None for other texts."""
    serial = _SERIAL.fullmatch(value)
    return _DAY_ZERO + timedelta(days=int(serial[1])) if serial else None


def fraction_of_date(value: str) -> str | None:
    """Return the `4/5` that a spreadsheet turned into `05. apr`, `4-May` or a whole date; None for other texts."""
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
    """Guess which number came first, for a message only: if one of them is 5, the rating was out of five."""
    return f"{day}/{month}" if month == _TOP or day != _TOP else f"{month}/{day}"
