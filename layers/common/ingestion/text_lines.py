"""A text as its physical lines: what `csv` reads, and where in the text it has got to."""

import io
from collections.abc import Iterator
from itertools import chain, islice

FIRST_PIECE_CHARS, PIECE_CHARS = 512, 65_536
"""Lines are cut so many characters at a time, fewer at first: reading may stop soon, and begin again behind a bad row.
What is cut is read while it is still in the cache."""


class TextLines:
    """The lines of a text from `offset` on, each with its end, which is LF, CRLF or CR.

    Not an `io.StringIO`, which copies the text at four bytes a character and each of its lines back.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._offset = 0
        self._read = 0

    def rest(self) -> Iterator[str]:
        """The lines that are left."""
        return self._from(self.offset)

    def have_read(self, count: int) -> None:
        """So many lines were read of those that `rest` gave when it was asked last."""
        self._read = count

    @property
    def offset(self) -> int:
        """The index in the text of the next line. What was read since the last time is walked over again."""
        self._offset += sum(map(len, islice(self._from(self._offset), self._read)))
        self._read = 0
        return self._offset

    def go_on_at(self, offset: int) -> None:
        """Go on with the line that begins at this index of the text."""
        self._offset, self._read = offset, 0

    def _from(self, start: int) -> Iterator[str]:
        return chain.from_iterable(map(split_lines, self._pieces(start)))

    def _pieces(self, start: int) -> Iterator[str]:
        text, size = self._text, FIRST_PIECE_CHARS
        while start < len(text):
            end = text.rfind("\n", start, start + size) + 1 or text.find("\n", start) + 1 or len(text)
            yield text[start:end]
            start, size = end, min(2 * size, PIECE_CHARS)


def split_lines(text: str) -> list[str]:
    """The lines of *text* with their ends; `str.splitlines` alone also cuts at form feeds and the like."""
    lines, ends = text.splitlines(keepends=True), text.count("\n")
    if "\r" in text:
        ends += text.count("\r") - text.count("\r\n")
    is_cut_right = len(lines) == ends + (not text.endswith(("\n", "\r")))
    return lines if is_cut_right else list(io.StringIO(text, newline=""))
