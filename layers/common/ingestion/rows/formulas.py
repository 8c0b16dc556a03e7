"""Make cells that a spreadsheet would run as formulas harmless in files we hand out, and undo it when they come back.

The delimiter depends on who opens the file, so a cell may begin after any list separator or line break, even inside one
of our cells. This is reversible for every text, including those with apostrophes of their own.
"""

import re

# The beginning of a cell, then quotes, which parsers remove.
_BEGINS = re.compile(r"""(?:^|[;,|\t\r\n])["']*(?=[=+\-@\t\r])""")
_NEUTRALISED = re.compile(r"""((?:^|[;,|\t\r\n])["']*)'(?=[=+\-@\t\r])""")
_MAY_BEGIN = re.compile(r"""[=+\-@\t\r](?<=[;,|\t\r\n"'].)""", re.DOTALL)
"""Matches wherever `_BEGINS` does, and after other quotes too. It is fast because it starts from the first character of
a formula, which is rare."""


def neutralise(cell: str) -> str:
    """Put one more apostrophe before each place where a formula could begin."""
    return _BEGINS.sub(r"\g<0>'", cell)


def restore(cell: str) -> str:
    """Undo `neutralise`: remove one apostrophe from each place."""
    return _NEUTRALISED.sub(r"\1", cell) if "'" in cell else cell


def without_apostrophes(cell: str) -> str:
    """Remove all apostrophes from the places where ours would be: some programs remove the first, some all."""
    return _BEGINS.sub(lambda run: run[0].replace("'", ""), cell) if "'" in cell else cell


def may_hold_formula(cells: str) -> bool:
    """Whether any of these cells, joined by a list separator or line breaks, must be neutralised, in one search."""
    return any(map(cells.__contains__, "=+-@\t\r")) and bool(_MAY_BEGIN.search("\n" + cells))
