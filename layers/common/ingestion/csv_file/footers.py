"""Last lines that sum up a file, such as `Total,,,,,180` and `(480 rows)`: no rows, but what they count is compared."""

import re
from typing import Final, NamedTuple

from ingestion.csv_file.blank_rows import BLANK_BYTES

MOST_FOOTERS: Final = 3
"""Lines at the end of a file that may sum up."""

_LONGEST_LINE = 4_096
_ROWS = r"rows?|records?|sessions?|lines?|rader|rad|økter|рядк\w*|запис\w*|сесі\w*|зустріч\w*"
_SUM = r"grand|sub|totals?|totalt|sums?|i|alt|sammen|antall|count|number|of|exported|selected|разом|усього|всього"
_NUMBER = r"\d[\d ,.\u00a0]*+"
_WORDS = rf"(?:{_ROWS}|{_SUM})(?:[\s-]++(?:{_ROWS}|{_SUM}))*"
_SUMS_UP = re.compile(
    rf"[#*(\[=\s–—-]*+(?:{_NUMBER})?\s*+{_WORDS}\s*+[:=]?\s*+(?:{_NUMBER})?[\s)\].*=–—-]*+", re.IGNORECASE
)
_SAYS_SUM = re.compile(
    r"\W*(?:(?:grand|sub)[\s-]*)?(?:totals?|totalt|sums?|i alt|разом|усього|всього)\b", re.IGNORECASE
)
_COUNTS_ROWS = re.compile(rf"\b(?:{_ROWS})\b", re.IGNORECASE)
_FIGURE = re.compile(r"[-+]?\d[\d\s.,:%]*")


class Footer(NamedTuple):
    """A line that sums up: where it starts, and how many rows it says there are, if it does."""

    start: int
    said: int | None


def find_footer(text: bytes, start: int, delimiter: str) -> Footer | None:
    """The last line of *text*, from *start* on, that is not blank, if it sums up what stands above."""
    end = len(text.rstrip(BLANK_BYTES))
    line_start = max(text.rfind(b"\n", start, end), text.rfind(b"\r", start, end)) + 1
    line = text[line_start : line_start + _LONGEST_LINE]
    if line_start <= start or end - line_start > _LONGEST_LINE:
        return None
    cells = line.decode("utf-8", "replace").splitlines()[0].split(delimiter)
    filled = [bare for cell in cells if (bare := cell.strip(' \t"'))]
    if (
        not filled
        or not _SUMS_UP.fullmatch(filled[0])
        or not (_SAYS_SUM.match(filled[0]) or re.search(r"\d", filled[0]))
    ):
        return None
    if not all(_SUMS_UP.fullmatch(cell) or _FIGURE.fullmatch(cell) for cell in filled[1:]):
        return None
    return Footer(line_start, _count(filled))


def _count(filled: list[str]) -> int | None:
    """The number in the cell that speaks of rows, or in the next one; what else is summed up counts no rows."""
    at = next((at for at, cell in enumerate(filled) if _COUNTS_ROWS.search(cell)), len(filled))
    numbers = ("".join(re.findall(r"\d", cell)) for cell in filled[at : at + 2])
    digits = next(filter(None, numbers), "")
    return int(digits) if digits and len(digits) < 12 else None
