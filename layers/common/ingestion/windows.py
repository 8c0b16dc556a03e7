"""Rows counted by the window: well-formed text, as nearly all of it is, needs no look at each row.

A window is at most as long as a field may be, so no field or row in it can break a limit.
"""

import re
from typing import NamedTuple


class Patterns:
    """What rows of one delimiter are made of. `short_fields` are fields of one line, well under *field_bytes* each."""

    def __init__(self, delimiter: str, field_bytes: int) -> None:
        mark = re.escape(delimiter.encode())
        quoted = rb'"[^"]*+(?:""[^"]*+)*+"'
        text = rb"[^%s\r\n]*+" % mark
        field = rb'(?:%s%s|(?!")%s)' % (quoted, text, text)
        self.quoted = re.compile(quoted)
        half = max(field_bytes // 2 - 1, 0)
        short = rb'(?:"[^"\r\n]{0,%d}+"(?!")|(?!"))[^%s\r\n]{0,%d}+' % (half, mark, half)
        self.short_fields = re.compile(rb"(?:%s%s)*+" % (short, mark))
        self.row = re.compile(rb"%s(?:%s%s)*+(?:\r\n|\n|\r)" % (field, mark, field))
        self.field_end = re.compile(rb"[%s\r\n]" % mark)
        self.line_end = re.compile(rb"[\r\n]")
        self.not_blank = re.compile(rb'[^%s" \t\r\n\v\f]' % mark)
        # A literal first byte makes the search twenty times as fast; so the first line of a window is looked at apart.
        self.blank_line = re.compile(rb'\n([%s" \t\v\f]*+)(?=[\r\n])' % mark)
        self.before_quote = frozenset((b"", b"\n", delimiter.encode()))
        self.after_quote = frozenset((b"", b"\n", b"\r", delimiter.encode()))


class Counted(NamedTuple):
    """What a window of whole rows holds."""

    size_bytes: int
    rows: int
    lines: int


def count_window(window: bytes, patterns: Patterns) -> Counted | None:
    """Count the whole rows that *window*, which begins with a row, holds; None if it has none or takes a closer look.

    Splitting on quotes leaves the text outside and inside of them in turn, so long as every quote opens after a
    delimiter or a line end and closes before one. Newlines outside end rows.
    """
    region = window[: window.rfind(b"\n") + 1]
    parts = region.split(b'"')
    if len(parts) % 2 == 0:
        parts = _up_to_last_row(parts)
        region = region[: sum(map(len, parts)) + len(parts) - 1]
    returns = region.count(b"\r")
    if not region or (returns and returns != region.count(b"\r\n")):
        return None
    lines = rows = region.count(b"\n")
    if len(parts) > 1:
        outside = parts[::2]
        if not patterns.before_quote.issuperset({part[-1:] for part in outside[:-1]}):
            return None
        if not patterns.after_quote.issuperset({part[:1] for part in outside[1:]}):
            return None
        rows -= b"".join(parts[1::2]).count(b"\n")
    blank = _blank_rows(region, patterns)
    return None if blank is None else Counted(len(region), rows - blank, lines)


def _up_to_last_row(parts: list[bytes]) -> list[bytes]:
    """Drop what follows the last newline outside of quotes; *parts* ends inside of one."""
    for at in range(len(parts) - 2, -1, -2):
        newline = parts[at].rfind(b"\n")
        if newline >= 0:
            return [*parts[:at], parts[at][: newline + 1]]
    return [b""]


def _blank_rows(region: bytes, patterns: Patterns) -> int | None:
    """How many blank rows a well-formed *region* has; None if one spans lines."""
    first_line_end = region.index(b"\n")
    blank = int(patterns.not_blank.search(region, 0, first_line_end) is None)
    if blank and region.count(b'"', 0, first_line_end) % 2:
        return None
    quotes = counted_to = 0
    for found in patterns.blank_line.finditer(region):
        quotes += region.count(b'"', counted_to, found.start(1))
        counted_to = found.start(1)
        if quotes % 2 == 0:
            if found[1].count(b'"') % 2:
                return None
            blank += 1
    return blank
