"""A text as its physical lines, as `csv` reads them."""

import io
from collections.abc import Iterator
from itertools import chain

PIECE_CHARS = 65_536
"""Lines are cut so many characters at a time: what is cut is read while it is still in the cache."""


def lines_of(text: str) -> Iterator[str]:
    """The lines of *text*, each with its end, which is LF, CRLF or CR.

    Not an `io.StringIO`, which copies the text at four bytes a character and each of its lines back.
    """
    return chain.from_iterable(map(split_lines, _pieces(text)))


def _pieces(text: str) -> Iterator[str]:
    start = 0
    while start < len(text):
        end = text.rfind("\n", start, start + PIECE_CHARS) + 1 or text.find("\n", start) + 1 or len(text)
        yield text[start:end]
        start = end


def split_lines(text: str) -> list[str]:
    """The lines of *text* with their ends; `str.splitlines` alone also cuts at form feeds and the like."""
    lines, ends = text.splitlines(keepends=True), text.count("\n")
    if "\r" in text:
        ends += text.count("\r") - text.count("\r\n")
    is_cut_right = len(lines) == ends + (not text.endswith(("\n", "\r")))
    return lines if is_cut_right else list(io.StringIO(text, newline=""))
