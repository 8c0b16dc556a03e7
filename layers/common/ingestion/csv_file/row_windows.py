"""Rows counted by the window: well-formed text, as nearly all of it is, needs no look at each row.

A window is at most as long as a field may be, so no field or row in it can break a limit.
"""

import re
from typing import NamedTuple

from ingestion.csv_file.blank_rows import ASCII_BLANKS, BLANK_BYTES
from ingestion.csv_file.quoting import blanks_beside

CR = ord("\r")
MOST_FIELDS = 1_000
"""So many fields of a row are matched at once."""


class Patterns:
    """What rows of one delimiter are made of. `short_fields` are fields of one line, well under *field_bytes* each.

    `quoted` takes the blanks behind the closing quote along; only what `behind_quoted` matches may follow.
    """

    def __init__(self, delimiter: str, field_bytes: int) -> None:
        mark = re.escape(delimiter.encode())
        # Groups are never possessive: before 3.11.5 Python gets those wrong (gh-106052). What follows ends them.
        blanks = rb"[%s]" % blanks_beside(delimiter).encode()
        quoted = rb'"[^"]*+(?:""[^"]*+)*"(?!")%s*+' % blanks
        field = rb'(?:%s*+%s|(?!%s*+")[^%s\r\n]*+)' % (blanks, quoted, blanks, mark)
        self.quoted = re.compile(quoted)
        self.before_quoted = re.compile(blanks + b"*+")
        self.behind_quoted = re.compile(rb"[%s\r\n]" % mark)
        half = max(field_bytes // 2 - 1, 0)
        short = rb'(?:"[^"\r\n]{0,%d}+"%s{0,%d}+|(?!%s*+")[^%s\r\n]{0,%d}+)' % (half, blanks, half, blanks, mark, half)
        # Python remembers each turn of a repeated group: a megabyte of delimiters, taken at once, cost 200 MB.
        self.short_fields = re.compile(rb"(?:%s%s){1,%d}" % (short, mark, MOST_FIELDS))
        self.row = re.compile(rb"%s(?:%s%s){0,%d}(?:\r\n|\n|\r)" % (field, mark, field, MOST_FIELDS))
        self.field_end = re.compile(rb"[%s\r\n]" % mark)
        self.line_end = re.compile(rb"[\r\n]")
        blank = BLANK_BYTES + delimiter.encode()
        self.not_blank = re.compile(rb"[^%s]" % re.escape(blank))
        self.blanks = blank.replace(b'"', b"")
        self.blank_lines = re.compile(rb"[%s]*[\r\n]" % re.escape(self.blanks))
        # A run of blank lines is one match. A literal first byte makes the search twenty times as fast; so the first
        # line of a window is looked at apart.
        self.blank_run = re.compile(rb"\n([%s]*)(?=\n)" % re.escape(ASCII_BLANKS + delimiter.encode()))
        self.unseen_run = re.compile(rb"\n([%s]*)(?=\n)" % re.escape(blank))
        # A quoted field as it should be, with a delimiter or a line end on either side.
        self.well_quoted = re.compile(rb'"(?<![^%s\n]")[^"]*+(?:""[^"]*+)*"(?=[%s\r\n])' % (mark, mark))

    def are_well_quoted(self, fields: bytes) -> bool:
        """Whether each quote belongs to a field that is quoted as it should be."""
        return b"".join(self.well_quoted.findall(fields)).count(b'"') == fields.count(b'"')


class Counted(NamedTuple):
    """What a window of whole rows holds."""

    size_bytes: int
    rows: int
    lines: int
    sheet_rows: int
    """Rows as a spreadsheet counts them: blank ones too, and one for a text of several lines."""


def count_window(window: bytes, patterns: Patterns) -> Counted | None:
    """Count the whole rows that *window*, which begins with a row, holds; None if it has none or takes a closer look.

    Blank lines in front are taken by themselves. If every quote belongs to a well-quoted field, then what is outside of
    these has none, and newlines there end rows.
    """
    if window[:1] in patterns.blanks and (size := _blank_size(window, patterns)):
        lines = count_lines(window, 0, size)
        return Counted(size, 0, lines, lines)
    region = window[: window.rfind(b"\n") + 1]
    quotes = region.count(b'"')
    if quotes % 2:
        region = _up_to_even_quotes(region, quotes)
        quotes = region.count(b'"')
    returns = region.count(b"\r")
    if not region or (returns and returns != region.count(b"\r\n")):
        return None
    quoted = b"".join(patterns.well_quoted.findall(region)) if quotes else b""
    if quoted.count(b'"') != quotes:
        return None
    blank = _blank_rows(region, patterns)
    lines = region.count(b"\n")
    sheet_rows = lines - quoted.count(b"\n")
    return None if blank is None else Counted(len(region), sheet_rows - blank, lines, sheet_rows)


def _blank_size(window: bytes, patterns: Patterns) -> int:
    """The size of the blank lines that *window* begins with, if they are most of it; no line end is cut in half."""
    size = min(len(window) - len(window.lstrip(patterns.blanks)), len(window) - 1)
    end = max(window.rfind(b"\n", 0, size), window.rfind(b"\r", 0, size)) + 1
    end += window[end - 1 : end + 1] == b"\r\n"
    return end if 2 * end > len(window) else 0


def count_lines(buffer: bytes, start: int, end: int) -> int:
    """The line ends, of every kind, from *start* up to *end*."""
    lines = buffer.count(b"\n", start, end)
    returns = buffer.count(b"\r", start, end)
    return lines + returns - buffer.count(b"\r\n", start, end) if returns else lines


def behind_line_end(buffer: bytes, at: int) -> int:
    """The position behind the line end that begins (or, for CRLF, also ends) at *at*."""
    return at + (2 if buffer[at] == CR and buffer[at + 1 : at + 2] == b"\n" else 1)


def _up_to_even_quotes(region: bytes, quotes: int) -> bytes:
    """Drop the last lines, which begin a row that goes on, up to where the number of quotes is even."""
    end = len(region)
    while quotes % 2:
        start = region.rfind(b"\n", 0, end - 1) + 1
        quotes -= region.count(b'"', start, end)
        end = start
    return region[:end]


def _blank_rows(region: bytes, patterns: Patterns) -> int | None:
    """How many blank rows a well-formed *region* has; None if one spans lines."""
    first_line_end = region.index(b"\n")
    blank = int(patterns.not_blank.search(region, 0, first_line_end) is None)
    if blank and region.count(b'"', 0, first_line_end) % 2:
        return None
    quotes = counted_to = 0
    pattern = patterns.blank_run if region.isascii() else patterns.unseen_run
    for found in pattern.finditer(region):
        quotes += region.count(b'"', counted_to, found.start(1))
        counted_to = found.end(1)
        if b'"' not in found[1]:
            blank += 0 if quotes % 2 else found[1].count(b"\n") + 1
            continue
        lines = found[1].split(b"\n")
        # A million equal lines are looked at once.
        if quotes % 2 == 0 and not any(line.count(b'"') % 2 for line in set(lines)):
            blank += len(lines)
            quotes += found[1].count(b'"')
            continue
        for line in lines:
            inside = line.count(b'"')
            if quotes % 2 == 0 and inside % 2:
                return None
            blank += quotes % 2 == 0
            quotes += inside
    return blank
