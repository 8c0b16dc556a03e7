"""The rule for durations: whole minutes, with or without a unit."""

import re
from typing import Final

from ingestion.faults import Fault, FaultCode
from ingestion.values.marks import shown
from ingestion.values.spreadsheets import bare

LONGEST_SESSION: Final = 480

_WHOLE = re.compile(r"([0-9]{1,9})(?:[.,]0{1,2})?")
_HOURS = r"(?:h|hr|hrs|hour|hours|t|time|timer|год|година|години|годин)"
_MINUTES = r"(?:m|min|mins|minute|minutes|minutt|minutter|хв|хвилина|хвилини|хвилин)"
_IN_WORDS = re.compile(
    rf"(?:([0-9]{{1,2}}) ?{_HOURS}\.?)?(?: ?(?<![0-9])([0-9]{{1,3}})(?:[.,]0{{1,2}})? ?{_MINUTES}\.?)?"
)
_ISO = re.compile(r"pt(?:([0-9]{1,2})h)?(?:([0-9]{1,3})m)?(?:0{1,2}s)?")
_CLOCK = re.compile(r"([0-9]{1,2}):([0-5][0-9])(?::00)?")
_OF_HOURS = re.compile(r"([0-9]{1,2})[.,](25|50?|75)")
_LONGEST = 40


def duration(field: str, text: str) -> int | Fault | None:
    """Read whole minutes from 1 to 480; "60.0" and "60,00" (as Excel writes them) are whole, "1,000" is ambiguous."""
    value = bare(text)
    if not value:
        return None
    whole = _WHOLE.fullmatch(value)
    minutes = int(whole[1]) if whole else _in_words(value)
    if 1 <= minutes <= LONGEST_SESSION:
        return minutes
    wrong = f"is not a whole number of minutes from 1 to {LONGEST_SESSION}; {_advice(value)}"
    return Fault(FaultCode.INVALID_DURATION, field, f"{field}: {shown(value)} {wrong}")


def _in_words(value: str) -> int:
    """Return the minutes of `1h 30m`, `60 min` or `PT1H30M`; 0 for any other text."""
    if len(value) > _LONGEST:
        return 0
    words = "".join(" " if mark.isspace() else mark for mark in value).lower()
    found = _IN_WORDS.fullmatch(words) or _ISO.fullmatch(words)
    return int(found[1] or 0) * 60 + int(found[2] or 0) if found else 0


def _advice(value: str) -> str:
    """Say what to write: hours and minutes are never guessed, but converted for the reader of the message."""
    if clock := _CLOCK.fullmatch(value):
        hours, minutes = map(int, clock.groups())
        return f"write {hours * 60 + minutes} if it means {hours} h {minutes} min"
    if of_hours := _OF_HOURS.fullmatch(value):
        minutes = int(of_hours[1]) * 60 + {"5": 30, "50": 30, "25": 15, "75": 45}[of_hours[2]]
        return f"write {minutes} if it means {value} hours"
    return "write a number such as 60"
