"""Cells that a spreadsheet would run as formulas: made harmless in what we hand out, undone when it is handed back.

Which character parts cells depends on who opens the file, so a cell begins wherever any list separator or line break
stands, also inside of a cell of ours. Reversible for every text, those with apostrophes of their own among them.
"""

import re

# A beginning, then quotes, which parsers take away.
_BEGINS = re.compile(r"""(?:^|[;,|\t\r\n])["']*(?=[=+\-@\t\r])""")
_NEUTRALISED = re.compile(r"""((?:^|[;,|\t\r\n])["']*)'(?=[=+\-@\t\r])""")
_MAY_BEGIN = re.compile(r"""[=+\-@\t\r](?<=[;,|\t\r\n"'].)""", re.DOTALL)
"""Matches wherever `_BEGINS` does and behind other quotes too; looks at formulas' first characters, which are few."""


def neutralise(cell: str) -> str:
    """The cell with one more apostrophe before each place where a formula could begin."""
    return _BEGINS.sub(r"\g<0>'", cell)


def restore(cell: str) -> str:
    """The cell that was neutralised: one apostrophe less wherever one was put."""
    return _NEUTRALISED.sub(r"\1", cell) if "'" in cell else cell


def without_apostrophes(cell: str) -> str:
    """The cell without any that stand where ours would: some programs take the first one away, some all."""
    return _BEGINS.sub(lambda run: run[0].replace("'", ""), cell) if "'" in cell else cell


def may_hold_formula(cells: str) -> bool:
    """Whether a cell must be neutralised, of many joined by a list separator or a line break; that costs little."""
    return any(map(cells.__contains__, "=+-@\t\r")) and bool(_MAY_BEGIN.search("\n" + cells))
