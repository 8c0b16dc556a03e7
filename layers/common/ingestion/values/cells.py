"""One rule for each kind of cell: it turns the text into a value, or into a fault that says what would be right.

A rule takes the canonical name of the column and the raw text. It returns None for a blank cell; the column decides
whether that is a fault. Addresses, durations and dates have their own modules.
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
from ingestion.file_warnings import WarningCode
from ingestion.values.lookalikes import in_latin
from ingestion.values.marks import BLANKS, shown
from ingestion.values.spreadsheets import (
    bare,
    damaged,
    fraction_of_date,
    holds_damage,
    holds_no_id,
    is_damaged,
    is_no_id,
    may_be_held,
)

__all__ = ["BLANKS", "Cell", "Rule", "shown"]

Cell = str | int | Decimal | datetime | tuple[str, ...] | None
Rule = Callable[[str, str], Cell | Fault]

LONGEST_TOPICS: Final = 1_000
LONGEST_METADATA: Final = 2_000
DEEPEST_METADATA: Final = 100
"""Nested lists and objects: more than anybody writes, fewer than any JSON parser fails at."""
LONGEST_NUMBER: Final = 40
"""Digits of a rating: enough for any float that Python, Excel or PostgreSQL writes, too few to be expensive."""

LEVELS: Final = ("A1", "A2", "B1", "B2", "C1", "C2")

_DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:[.,][0-9]*)?|[.,][0-9]+)")
_ESCAPED_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def text_up_to(limit: int) -> Rule:
    """Return the rule for free text of at most *limit* characters after trimming; it keeps inner line breaks."""

    def text_rule(field: str, text: str) -> str | Fault | None:
        value = bare(text)
        return (value or None) if len(value) <= limit else _too_long(field, value, limit)

    return text_rule


def texts_up_to(limit: int) -> Callable[[Sequence[str]], list[str | None] | None]:
    """Return `text_up_to` for many texts at once, at a third of the cost; it yields None if one needs a closer look."""

    def texts_rule(texts: Sequence[str]) -> list[str | None] | None:
        joined = "".join(texts)
        values = _stripped(texts, joined)
        if max(map(len, values), default=0) > limit or may_be_held(joined):
            return None
        return [value or None for value in values]

    return texts_rule


def label_up_to(limit: int) -> Rule:
    """Return the rule for a text of a few words, such as a name; spreadsheet damage is a fault."""

    def label_rule(field: str, text: str) -> str | Fault | None:
        value = bare(text)
        if is_damaged(value):
            return _damaged(field, value)
        return (value or None) if len(value) <= limit else _too_long(field, value, limit)

    return label_rule


def _damaged(field: str, value: str) -> Fault:
    return Fault(FaultCode.DAMAGED_BY_SPREADSHEET, field, damaged(field, value))


def id_up_to(limit: int) -> Rule:
    """Return the rule for an id: `N/A` and the like mean that it is missing, and spreadsheet damage is a fault."""

    def id_rule(field: str, text: str) -> str | Fault | None:
        value = bare(text)
        if is_damaged(value) and not is_no_id(value):
            return _damaged(field, value)
        if len(value) > limit:
            return _too_long(field, value, limit)
        return None if is_no_id(value) else value or None

    return id_rule


def ids_up_to(limit: int) -> Callable[[Sequence[str]], list[str | None] | None]:
    """Return `id_up_to` for many texts at once; it yields None if one needs a closer look."""

    def ids_rule(texts: Sequence[str]) -> list[str | None] | None:
        joined = "".join(texts)
        values = _stripped(texts, joined)
        if max(map(len, values), default=0) > limit or holds_damage(values, joined) or holds_no_id(values):
            return None
        return [value or None for value in values]

    return ids_rule


def _stripped(texts: Sequence[str], joined: str) -> list[str]:
    """Trim the texts; ASCII takes half the time."""
    return list(map(str.strip, texts)) if joined.isascii() else list(map(str.strip, texts, repeat(BLANKS)))


def _too_long(field: str, value: str, limit: int) -> Fault:
    wrong = f"has {len(value):,} characters; shorten it to at most {limit:,}"
    return Fault(FaultCode.TEXT_TOO_LONG, field, f"{field}: {shown(value)} {wrong}")


def rating(field: str, text: str) -> Decimal | Fault | None:
    """Read a number exactly, with a decimal point or comma. `ratings` decides whether it fits a scale."""
    value = bare(text)
    if not value:
        return None
    if len(value) <= LONGEST_NUMBER and _DECIMAL.fullmatch(value):
        return Decimal(value.replace(",", "."))
    fraction = fraction_of_date(value)
    if fraction:
        wrong = f"looks like {fraction} after a spreadsheet made a date of it; write only the number, such as 4"
    else:
        wrong = "is not a number; write a number such as 4.5, or leave the cell empty"
    return Fault(FaultCode.INVALID_RATING, field, f"{field}: {shown(value)} {wrong}")


def level(field: str, text: str) -> str | Fault | None:
    """Read a level of the Common European Framework as upper case; Cyrillic lookalikes become Latin letters."""
    value = bare(text).upper()
    if not value or value in LEVELS:
        return value or None
    if (latin := in_latin(value)) in LEVELS:
        return latin
    wrong = f"is not a CEFR level; write one of {', '.join(LEVELS)}"
    return Fault(FaultCode.INVALID_LEVEL, field, f"{field}: {shown(bare(text))} {wrong}")


def doubt_of_level(text: str) -> WarningCode | None:
    """Return a warning if the level was written in lookalike letters."""
    return WarningCode.LOOKALIKE_LETTERS if not bare(text).isascii() else None


def comma_list(field: str, text: str) -> tuple[str, ...] | Fault:
    """Split a comma list of at most 1,000 characters into topics, in order, without the empty ones."""
    value = bare(text)
    if is_damaged(value):
        return _damaged(field, value)
    if len(value) > LONGEST_TOPICS:
        return _too_long(field, value, LONGEST_TOPICS)
    return tuple(topic for part in value.split(",") if (topic := part.strip(BLANKS)))


def metadata(field: str, text: str) -> str | Fault | None:
    """Read JSON of at most 2,000 characters as compact JSON with sorted keys; null is None, like an empty cell.

    Numbers keep all of their digits. What jsonb can't hold or would change is a fault: NaN and Infinity, numbers out of
    a double's range, \\u0000, half surrogate pairs, and repeated keys in an object, since jsonb keeps only one.
    """
    value = bare(text)
    if not value:
        return None
    if len(value) > LONGEST_METADATA:
        return _too_long(field, value, LONGEST_METADATA)
    try:
        compact = _compact(value)
    except (ValueError, RecursionError) as reason:
        wrong = f'is not JSON{_detail(reason)}; write JSON such as {{"room": "A"}}, or leave the cell empty'
        return Fault(FaultCode.METADATA_NOT_JSON, field, f"{field}: {shown(value)} {wrong}")
    return None if compact == "null" else compact


def _compact(text: str) -> str:
    if text[0] not in "{[" and is_damaged(text):
        raise ValueError("it may be what is left of a longer number")
    value = _DECODER.decode(text)
    if _ESCAPED_NUL.search(text):
        raise ValueError("\\u0000 can't be stored")
    if _depth(value) > DEEPEST_METADATA:
        raise ValueError(f"more than {DEEPEST_METADATA} levels deep")
    compact = _ENCODER.encode(value)
    compact.encode()
    return _DIGITS.sub(r"\1", compact)


def _depth(value: object) -> int:
    """Count nested lists and objects, level by level: a recursion would fail on deep ones."""
    depth, level = 0, [value]
    while level := [each for each in level if isinstance(each, dict | list)]:
        depth += 1
        level = [part for each in level for part in (each.values() if isinstance(each, dict) else each)]
    return depth


def _detail(reason: Exception) -> str:
    if isinstance(reason, json.JSONDecodeError):
        return f" (error at character {reason.pos + 1})"
    if isinstance(reason, UnicodeEncodeError):
        return " that can be stored (half a surrogate pair)"
    return " that can be stored" if isinstance(reason, RecursionError) else f" that can be stored ({reason})"


def _digits(digits: str) -> str:
    """Keep a number with a point or an exponent as written, between NULs, which JSON text can't contain."""
    number = float(digits)
    if math.isinf(number):
        raise ValueError(f"{shown(digits)} is too large a number")
    if number == 0:
        if re.match(r"-?[0.]*[1-9]", digits):
            raise ValueError(f"{shown(digits)} is too small a number")
        return "\0000.0\000"
    return f"\000{digits}\000"


def _distinct(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(key for at, (key, _) in enumerate(pairs) if key in dict(pairs[:at]))
        raise ValueError(f"the key {shown(twice)} occurs twice")
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number")


_DECODER = json.JSONDecoder(parse_float=_digits, parse_constant=_no_constant, object_pairs_hook=_distinct)
_DIGITS = re.compile(r'"\\u0000([0-9.eE+-]+)\\u0000"')
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True)
