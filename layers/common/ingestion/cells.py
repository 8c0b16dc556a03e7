"""One rule per kind of cell: from the text of a cell to its value, or to the fault that says what would be right.

A rule is called with the canonical name of the column and the raw text. It answers None for a cell that holds nothing
but blanks; whether that is a fault is the column's business. Dates have a module of their own, `dates`.

Blanks, at both ends of any cell, are white space of every script (NBSP, tab and line breaks among it) and the marks
without width (zero-width space and joiners, word joiner, BOM, direction marks). Inside a text they are kept.
"""

import json
import math
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import repeat
from typing import Final

from ingestion.faults import Fault, FaultCode

Cell = str | int | Decimal | datetime | tuple[str, ...] | None
Rule = Callable[[str, str], Cell | Fault]

BLANKS: Final = (
    "".join(mark for mark in map(chr, range(0x3001)) if mark.isspace())
    + "\u00ad\u180e\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
)

LONGEST_EMAIL: Final = 255
LONGEST_SESSION: Final = 480
LONGEST_TOPICS: Final = 1_000
LONGEST_METADATA: Final = 2_000
LONGEST_NUMBER: Final = 40
"""Digits of a rating: enough for any float as Python, Excel or PostgreSQL write it, too few to cost anything."""

LEVELS: Final = ("A1", "A2", "B1", "B2", "C1", "C2")

_SHOWN: Final = 60

# Possessive, so that no text can make the pattern try twice.
_ATOM = r"[\w!#$%&'*+/=?^`{|}~-]++"
_LABEL = r"[^\W_]++(?:-++[^\W_]++)*"
_EMAIL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+(?=[^\W\d_])(?=.{{2}}){_LABEL}")
_WHOLE = re.compile(r"([0-9]{1,9})(?:[.,]0{1,2})?")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:[.,][0-9]*)?|[.,][0-9]+)")
_ESCAPED_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def shown(text: str) -> str:
    """The text as a message quotes it: in quotes, marks that do not print written out, cut after 60 characters."""
    printable = text if text.isprintable() else "".join(map(_spelt, text))
    cut = printable if len(printable) <= _SHOWN else printable[: _SHOWN - 1].rstrip() + "…"
    return f'"{cut}"'


def _spelt(mark: str) -> str:
    if mark.isprintable():
        return mark
    return " " if mark.isspace() and mark < "\x7f" else f"\\u{ord(mark):04x}"


def email(field: str, text: str) -> str | Fault | None:
    """One address, lower-case, at most 255 characters; letters of any script, any domain with a dot in it."""
    address = text.strip(BLANKS).lower()
    if not address:
        return None
    if len(address) <= LONGEST_EMAIL and _EMAIL.fullmatch(address):
        return address
    if len(address) > LONGEST_EMAIL:
        wrong = f"is longer than {LONGEST_EMAIL} characters; write one address such as name@example.org"
    elif address.count("@") > 1 and re.search(r"[\s,;/|&]", address):
        wrong = "holds more than one address; keep one"
    elif "<" in address:
        wrong = "is more than an address; write only the part between < and >"
    else:
        wrong = "is not an email address; write one such as name@example.org"
    return Fault(FaultCode.INVALID_EMAIL, field, f"{field}: {shown(text.strip(BLANKS))} {wrong}")


def text_up_to(limit: int) -> Rule:
    """The rule of a free text of at most *limit* characters, counted after trimming; line breaks inside are kept."""

    def text_rule(field: str, text: str) -> str | Fault | None:
        value = text.strip(BLANKS)
        return (value or None) if len(value) <= limit else _too_long(field, value, limit)

    return text_rule


def texts_up_to(limit: int) -> Callable[[Sequence[str]], list[str | None] | None]:
    """The rule of `text_up_to` for many texts at once, at a third of the price; None if one is too long."""

    def texts_rule(texts: Sequence[str]) -> list[str | None] | None:
        values = list(map(str.strip, texts, repeat(BLANKS)))
        return [value or None for value in values] if max(map(len, values), default=0) <= limit else None

    return texts_rule


def _too_long(field: str, value: str, limit: int) -> Fault:
    wrong = f"has {len(value):,} characters; shorten it to at most {limit:,}"
    return Fault(FaultCode.TEXT_TOO_LONG, field, f"{field}: {shown(value)} {wrong}")


def duration(field: str, text: str) -> int | Fault | None:
    """Whole minutes from 1 to 480; "60.0" and "60,00" are whole, as Excel writes them, but "1,000" says too little."""
    value = text.strip(BLANKS)
    if not value:
        return None
    whole = _WHOLE.fullmatch(value)
    minutes = int(whole[1]) if whole else 0
    if 1 <= minutes <= LONGEST_SESSION:
        return minutes
    wrong = f"is not a whole number of minutes from 1 to {LONGEST_SESSION}; write one such as 60"
    return Fault(FaultCode.INVALID_DURATION, field, f"{field}: {shown(value)} {wrong}")


def rating(field: str, text: str) -> Decimal | Fault | None:
    """A number, exactly as written, with a decimal point or comma. Whether it fits a scale: see `ratings`."""
    value = text.strip(BLANKS)
    if not value:
        return None
    if len(value) <= LONGEST_NUMBER and _DECIMAL.fullmatch(value):
        return Decimal(value.replace(",", "."))
    wrong = "is not a number; write one such as 4.5, or leave the cell empty"
    return Fault(FaultCode.INVALID_RATING, field, f"{field}: {shown(value)} {wrong}")


def level(field: str, text: str) -> str | Fault | None:
    """A level of the Common European Framework, upper-case."""
    value = text.strip(BLANKS).upper()
    if not value or value in LEVELS:
        return value or None
    wrong = f"is not a CEFR level; write one of {', '.join(LEVELS)}"
    return Fault(FaultCode.INVALID_LEVEL, field, f"{field}: {shown(text.strip(BLANKS))} {wrong}")


def comma_list(field: str, text: str) -> tuple[str, ...] | Fault:
    """The topics of a comma list of at most 1,000 characters, in order, the empty ones left out."""
    value = text.strip(BLANKS)
    if len(value) > LONGEST_TOPICS:
        return _too_long(field, value, LONGEST_TOPICS)
    return tuple(topic for part in value.split(",") if (topic := part.strip(BLANKS)))


def metadata(field: str, text: str) -> str | Fault | None:
    """JSON of at most 2,000 characters, as compact JSON with sorted keys; a JSON null is None, like an empty cell.

    What PostgreSQL's jsonb can't hold is refused: NaN and Infinity, numbers beyond a double, \\u0000, half surrogates.
    """
    value = text.strip(BLANKS)
    if not value:
        return None
    if len(value) > LONGEST_METADATA:
        return _too_long(field, value, LONGEST_METADATA)
    try:
        compact = _compact(_DECODER.decode(value))
    except (ValueError, RecursionError) as reason:
        wrong = f'is not JSON{_detail(reason)}; write such as {{"room": "A"}}, or leave the cell empty'
        return Fault(FaultCode.METADATA_NOT_JSON, field, f"{field}: {shown(value)} {wrong}")
    return None if compact == "null" else compact


def _compact(value: object) -> str:
    compact = _ENCODER.encode(value)
    compact.encode()
    if "\\u0000" in compact and _ESCAPED_NUL.search(compact):
        raise ValueError("\\u0000 can't be stored")
    return compact


def _detail(reason: Exception) -> str:
    if isinstance(reason, json.JSONDecodeError):
        return f" from character {reason.pos + 1} on"
    if isinstance(reason, UnicodeEncodeError):
        return " that can be stored (half a surrogate pair)"
    return " that can be stored" if isinstance(reason, RecursionError) else f" that can be stored ({reason})"


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError(f"{shown(digits)} is too large a number")
    return number


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number")


_DECODER = json.JSONDecoder(parse_float=_finite, parse_constant=_no_constant)
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True)
