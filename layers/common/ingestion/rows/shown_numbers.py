"""Numbers as spreadsheets show them: in the locale's form, as percents and fractions, shortened where room is short."""

import re
from decimal import Decimal, InvalidOperation
from typing import Final

Numbers = tuple[Decimal, ...]
"""What a text may be as a number: `1,234` is one and a fraction here, a thousand there."""

_NUMBER = re.compile(r"([-+]?(?:[0-9]{1,40}|(?=[.,][0-9])))(?:[.,]([0-9]{0,40}))?(?:[eE]([-+]?[0-9]{1,3}))?( ?%)?")
_GROUPED = re.compile(r"([-+]?[0-9]{1,3}(?:([ .,'’])[0-9]{3})(?:\2[0-9]{3}){0,12})(?:(?!\2)[.,]([0-9]{1,40}))?")
_MIXED = re.compile(r"([0-9]{1,9}) ([0-9]{1,3})/([1-9][0-9]{0,2})")
_GENERAL_DIGITS: Final = 9
"""A spreadsheet shows at least so many digits of a number; what it cuts off behind is rounded."""
_MOST_DIGITS: Final = 15
"""It keeps no more; what it cuts off behind is gone."""


def numbers(text: str) -> Numbers:
    """What the text may be as a number; nothing if it is none."""
    found: list[Decimal] = []
    if plain := _NUMBER.fullmatch(text):
        whole, fraction, exponent, percent = plain.groups()
        try:
            value = Decimal(f"{whole}.{fraction or ''}E{exponent or 0}")
        except InvalidOperation:
            return ()
        found.append(value / 100 if percent else value)
    if grouped := _GROUPED.fullmatch(text):
        found.append(Decimal(f"{grouped[1].replace(grouped[2], '')}.{grouped[3] or 0}"))
    elif mixed := _MIXED.fullmatch(text):
        found.append(Decimal(mixed[1]) + Decimal(mixed[2]) / Decimal(mixed[3]))
    return tuple(found)


def are_same(given: Numbers, back: Numbers) -> bool:
    """Whether any two of them are the same number, or what is left of it where a spreadsheet lacks room."""
    return any(_is_same(one, other) for one in given for other in back)


def _is_same(given: Decimal, back: Decimal) -> bool:
    if given == back:
        return True
    digits = len(back.normalize().as_tuple().digits)
    is_shortened = len(given.normalize().as_tuple().digits) > max(digits, _GENERAL_DIGITS)
    is_scientific = given == given.to_integral_value() and abs(given) >= Decimal(10) ** 11
    if not (is_shortened and (digits >= _GENERAL_DIGITS or is_scientific)):
        return False
    last = Decimal(10) ** (given.adjusted() - max(digits, 6) + 1)
    return abs(given - back) * 2 <= last or (digits >= _MOST_DIGITS and abs(given - back) < last)
