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

_LINE_END: Final = re.compile(r"\r\n|\r|\n")
_LEAST_RUN: Final = 8
_MOST_RUN: Final = 65_536
"""A longer run is several: of each that borders on a quoted text a copy is made."""


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
    """Finds runs of lines that hold nothing but *chars*: of these nobody counts the lines one by one."""

    def __init__(self, chars: str) -> None:
        blank = re.escape(chars.replace('"', ""))
        self._here = re.compile(rf"[{blank}]*[\r\n]")
        run = rf'([{blank}"]{{{_LEAST_RUN},{_MOST_RUN}}}(?:(?<=\n)|(?<=\r)(?!\n)))'
        # A literal first character makes the search many times as fast.
        self._below_lf = re.compile(rf"\n{run}")
        self._below_any = re.compile(rf"(?:\n|\r(?!\n)){run}")

    def end_of(self, text: str, start: int) -> int:
        """Where the blank lines without a quote end that begin at *start*; *start*, if none do."""
        found = self._here.match(text, start)
        return found.end() if found else start

    def long_runs(self, text: str) -> Iterator[tuple[int, int]]:
        """Where the runs of blank rows begin and end that are worth a part of their own, in rows well quoted."""
        has_cr = text.count("\r") > text.count("\r\n")
        if at := self.end_of(text, 0):
            yield 0, at
        pattern = self._below_any if has_cr else self._below_lf
        quotes = counted_to = 0
        for found in pattern.finditer(text, max(at - 1, 0)):
            start = found.start(1)
            quotes += text.count('"', counted_to, start)
            counted_to = start
            first, last = _whole_rows(found[1], is_inside=quotes % 2 == 1)
            if first < last:
                yield start + first, start + last


def _whole_rows(run: str, *, is_inside: bool) -> tuple[int, int]:
    """Where the whole rows of a run of lines begin and end; *is_inside* if it begins inside of a quoted text.

    Every other piece between quotes is quoted: no row ends there.
    """
    if not is_inside and run.count('"') % 2 == 0:
        return 0, len(run)
    pieces = run.split('"')
    quoted = slice(int(not is_inside), None, 2)
    pieces[quoted] = list(map(" ".__mul__, map(len, pieces[quoted])))
    bare = '"'.join(pieces)
    end = max(bare.rfind("\n"), bare.rfind("\r")) + 1
    first = _LINE_END.search(bare) if is_inside else None
    return (first.end() if first else end if is_inside else 0), end
