"""Letters that look like those of another script: readers can't tell them apart, so messages name them."""

import unicodedata
from collections import Counter
from typing import Final

_CYRILLIC_TO_LATIN: Final = str.maketrans("АВСЕНІКМОРТХавсеіорху", "ABCEHIKMOPTXabceiopxy")
_SCRIPTS: Final = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "HEBREW", "ARABIC", "GEORGIAN")


def in_latin(text: str) -> str:
    """Replace the Cyrillic letters that look like Latin ones."""
    return text.translate(_CYRILLIC_TO_LATIN)


def foreign_letter(text: str) -> str | None:
    """Name the first letter of the rarer script in a text of two scripts, such as `Cyrillic о, U+043E`."""
    if text.isascii():
        return None
    scripts = [(mark, _script(mark)) for mark in text]
    counts = Counter(script for _, script in scripts if script)
    if len(counts) < 2:
        return None
    rarest = min(counts, key=lambda script: (counts[script], script == "LATIN"))
    letter = next(mark for mark, script in scripts if script == rarest)
    return f"{rarest.title()} {letter}, U+{ord(letter):04X}"


def _script(mark: str) -> str | None:
    name = unicodedata.name(mark, "") if mark.isalpha() else ""
    return next((script for script in _SCRIPTS if name.startswith(script)), None)


def noted(text: str) -> str:
    """Return what a message adds about a text in letters of two scripts; empty for other texts."""
    letter = foreign_letter(text)
    return f" (it contains a letter of another script: {letter})" if letter else ""
