"""Cells that a spreadsheet would run as formulas: made harmless in what we hand out, undone when it is handed back.

Reversible for every text, those that begin with apostrophes of their own among them.
"""

import re

RISKY_FIRST = frozenset("'=+-@\t\r")
"""Most cells begin with none of these, which is known ten times as fast as that a pattern does not match."""
_RISKY = re.compile(r"'*[=+\-@\t\r]")
_NEUTRALISED = re.compile(r"'+[=+\-@\t\r]")


def neutralise(cell: str) -> str:
    """The cell with one more leading apostrophe, if it could be a formula with those it has taken away."""
    return "'" + cell if cell[:1] in RISKY_FIRST and _RISKY.match(cell) else cell


def restore(cell: str) -> str:
    """The cell that was neutralised: one leading apostrophe less, if one was put there."""
    return cell[1:] if cell[:1] == "'" and _NEUTRALISED.match(cell) else cell
