"""What a row may consist of and still be none: blanks, delimiters and quotes, and marks that nobody sees.

Rows are counted before the encoding of a file is known, so blank is what consists of certain bytes. Those of no-break
spaces, zero-width marks and their like are letters in other characters, but no row is made of these bytes alone.
"""

import re
from collections.abc import Iterator
from functools import cache
from itertools import product
from typing import Final

DELIMITERS: Final = (",", ";", "\t", "|")

ASCII_BLANKS: Final = b' \t\r\n\v\f"' + "".join(DELIMITERS).encode()
_UNSEEN: Final = bytes({*range(0x80, 0x90), 0x9F, 0xA0, *range(0xA6, 0xB0), 0xBB, 0xBF, 0xC2, 0xE1, 0xE2, 0xE3, 0xEF})
"""The bytes of U+00A0, U+00AD, U+180E, U+2000 to U+200F, U+2028 to U+202F, U+205F to U+2069, U+3000 and U+FEFF."""

BLANK_BYTES: Final = ASCII_BLANKS + _UNSEEN

_LEAST_RUN: Final = 8


@cache
def blank_chars(encoding: str, delimiter: str) -> str:
    """The characters that `BLANK_BYTES` are in text of *encoding*, lines of UTF-8 in it among them."""
    chars = {*ASCII_BLANKS.decode(), *delimiter, *_decoded(encoding), *_decoded("utf-8")}
    return "".join(sorted(chars))


@cache
def _decoded(encoding: str) -> frozenset[str]:
    """What the bytes are one by one, and in UTF-8 also what two and three of them are together."""
    texts = [bytes([one]) for one in _UNSEEN]
    if encoding == "utf-8":
        behind = [one for one in _UNSEEN if 0x80 <= one < 0xC0]
        texts += map(bytes, product([0xC2], behind))
        texts += map(bytes, product([0xE1, 0xE2, 0xE3, 0xEF], behind, behind))
    return frozenset("".join(text.decode(encoding, "surrogateescape") for text in texts))


class BlankLines:
    """Finds runs of lines that hold nothing but *chars*, and no quote: of these nobody counts the lines one by one."""

    def __init__(self, chars: str) -> None:
        blank = re.escape(chars.replace('"', ""))
        self._here = re.compile(rf"[{blank}]*[\r\n]")
        # A literal first character makes the search many times as fast.
        self._below_lf = re.compile(rf"\n([{blank}]{{{_LEAST_RUN},}}(?<=[\r\n]))")
        self._below_any = re.compile(rf"[\r\n]([{blank}]{{{_LEAST_RUN},}}(?<=[\r\n]))")

    def end_of(self, text: str, start: int) -> int:
        """Where the blank lines end that begin at *start*; *start*, if none do."""
        found = self._here.match(text, start)
        return found.end() if found else start

    def long_runs(self, text: str) -> Iterator[tuple[int, int]]:
        """Where the runs begin and end that are worth a part of their own; within quoted texts, too."""
        has_cr = text.count("\r") > text.count("\r\n")
        if at := self.end_of(text, 0):
            yield 0, at
        pattern = self._below_any if has_cr else self._below_lf
        yield from (found.span(1) for found in pattern.finditer(text, max(at - 1, 0)))
