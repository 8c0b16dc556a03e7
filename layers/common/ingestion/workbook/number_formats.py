"""What the style of a cell says of its number: nothing, or that it is a date, a date with a time, or a time alone."""

import re
from enum import Enum
from typing import Final

from ingestion.workbook.xml_parts import Attributes


class Meaning(Enum):
    """What a number means."""

    NUMBER = "number"
    DATE = "date"
    MOMENT = "moment"
    """A date with a time of day."""
    TIME = "time"
    """A time of day, or a duration."""


_BUILT_IN: Final = {
    **dict.fromkeys([*range(14, 18), *range(27, 32), 36, *range(50, 55), 57, 58], Meaning.DATE),
    **dict.fromkeys([18, 19, 20, 21, 32, 33, 34, 35, 45, 46, 47, 55, 56], Meaning.TIME),
    22: Meaning.MOMENT,
}
"""The formats that have a number and no code (ECMA-376, 18.8.30)."""

_NOT_LETTERS: Final = re.compile(r'"[^"]*"?|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]\[]*\]|general|am/pm|a/p', re.IGNORECASE)
"""What stands in a code for itself, for a colour, a currency or a condition."""
_LONGEST_CODE: Final = 1_000


def meaning_of_code(code: str) -> Meaning:
    """What a format's code, such as `dd.mm.yyyy hh:mm`, makes of a number; its first section counts."""
    letters = set(_NOT_LETTERS.sub("", code[:_LONGEST_CODE]).lower().partition(";")[0])
    has_clock = bool(letters & set("hs"))
    # An m is a month, unless hours or seconds stand beside it.
    has_day = bool(letters & set("dy")) or ("m" in letters and not has_clock)
    if has_day:
        return Meaning.MOMENT if has_clock else Meaning.DATE
    return Meaning.TIME if has_clock else Meaning.NUMBER


class NumberFormats:
    """The meanings of a workbook's styles, by their number; read from the part that holds them."""

    def __init__(self) -> None:
        self.by_style: list[Meaning] = []
        self._codes: dict[str, Meaning] = {}
        self._is_of_cells = False

    def start(self, name: str, given: Attributes) -> None:
        """Take an element of the part."""
        if name == "numFmt":
            self._codes[given.get("numFmtId", "")] = meaning_of_code(given.get("formatCode", ""))
        elif name in ("cellXfs", "cellStyleXfs", "dxfs", "cellStyles"):
            self._is_of_cells = name == "cellXfs"
        elif name == "xf" and self._is_of_cells:
            self.by_style.append(self._meaning(given.get("numFmtId", "0")))

    def _meaning(self, number: str) -> Meaning:
        if number in self._codes:
            return self._codes[number]
        return _BUILT_IN.get(int(number), Meaning.NUMBER) if number.isascii() and number.isdigit() else Meaning.NUMBER
