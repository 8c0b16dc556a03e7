"""Invisible characters, and how a message quotes a text that may contain them.

Blanks are trimmed from both ends of a cell: white space of every script, including NBSP, tabs and line breaks, and
zero-width characters (space, joiners, word joiner, soft hyphen, BOM, direction marks). Inside a text they are kept.
"""

from typing import Final

INVISIBLE: Final = (
    "\u00ad\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"
)
BLANKS: Final = "".join(mark for mark in map(chr, range(0x3001)) if mark.isspace()) + INVISIBLE

_SHOWN: Final = 60


def shown(text: str) -> str:
    """Quote a text for a message, with unprintable characters escaped, and cut after 60 characters."""
    printable = text if text.isprintable() else "".join(map(_spelt, text))
    cut = printable if len(printable) <= _SHOWN else printable[: _SHOWN - 1].rstrip() + "…"
    return f'"{cut}"'


def _spelt(mark: str) -> str:
    if mark.isprintable():
        return mark
    return " " if mark.isspace() and mark < "\x7f" else f"\\u{ord(mark):04x}"
