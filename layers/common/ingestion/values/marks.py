"""Marks that nobody sees, and how a message shows a text that may hold them.

Blanks, at both ends of any cell, are white space of every script (NBSP, tab and line breaks among it) and the marks
without width (zero-width space and joiners, word joiner, soft hyphen, BOM, marks of direction). Inside a text they are
kept.
"""

from typing import Final

INVISIBLE: Final = (
    "\u00ad\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"
)
BLANKS: Final = "".join(mark for mark in map(chr, range(0x3001)) if mark.isspace()) + INVISIBLE

_SHOWN: Final = 60


def shown(text: str) -> str:
    """The text as a message quotes it: in quotes, marks that do not print written out, cut after 60 characters."""
    printable = text if text.isprintable() else "".join(map(_spelt, text))
    cut = printable if len(printable) <= _SHOWN else printable[: _SHOWN - 1].rstrip() + "…"
    return f'"{cut}"'


def _spelt(mark: str) -> str:
    if mark.isprintable():
        return mark
    return " " if mark.isspace() and mark < "\x7f" else f"\\u{ord(mark):04x}"
