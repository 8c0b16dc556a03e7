"""A row walked field by field, over as many blocks as it takes: one that is long or unclosed, or the file's last."""

from typing import Final

from ingestion.csv_file.row_windows import CR, Patterns, behind_line_end, count_lines


class LongRow:
    """Walks along a row, and notes what is to be known of it; a field may have *field_limit* bytes.

    `start` is the byte of the file where it begins; `lines` are the line ends in its fields.
    """

    def __init__(self, patterns: Patterns, field_limit: int, start: int) -> None:
        self.start: Final = start
        self.lines = 0
        self.unclosed = False
        self.unreadable = False
        self.has_text = False
        self.stands_out = False
        """Whether `csv` might cut it in other places."""
        self._patterns = patterns
        self._limit = field_limit
        self._field_bytes = 0
        self._in_text = False
        self._buffer = b""
        self._pos = 0

    def walk(self, buffer: bytes, pos: int, *, final: bool) -> tuple[int, bool]:
        """Go on at *pos* of *buffer*; how far that led, and whether the row ends there, or that is yet to be seen."""
        self._buffer, self._pos = buffer, pos
        is_ended = self._walk(final)
        self._buffer = b""
        return self._pos, is_ended

    def _walk(self, final: bool) -> bool:
        while self._pos < len(self._buffer):
            if not self._in_text:
                self._pass_short_fields()
                if self._pos == len(self._buffer):
                    break
                quote = self._find_quote(final)
                if quote is None or (quote >= 0 and not self._pass_quoted(quote, final)):
                    return False
                self._in_text = True
            self._pass_text()
            if self._pos == len(self._buffer):
                break
            if self._buffer[self._pos] in b"\r\n":
                if self._buffer[self._pos] == CR and self._pos + 1 == len(self._buffer) and not final:
                    return False
                self._pos = behind_line_end(self._buffer, self._pos)
                return True
            self._pos += 1
            self._field_bytes = 0
            self._in_text = False
        return final

    def _pass_short_fields(self) -> None:
        """Move past the plain fields that follow one another, to where the next field begins."""
        found = self._patterns.short_fields.match(self._buffer, self._pos)
        if found and found.end() > self._pos:
            fields = found[0]
            self.stands_out = self.stands_out or (b'"' in fields and not self._patterns.are_well_quoted(fields))
            self._pass(found.end())
            self._field_bytes = 0

    def _find_quote(self, final: bool) -> int | None:
        """Where the quote is that the field at hand begins with, behind blanks; -1 without one, None if unseen yet."""
        found = self._patterns.before_quoted.match(self._buffer, self._pos)
        quote = found.end() if found else self._pos
        if quote == len(self._buffer) and not final and quote - self._pos <= self._limit:
            return None
        return quote if self._buffer[quote : quote + 1] == b'"' else -1

    def _pass_quoted(self, quote: int, final: bool) -> bool:
        """Move past a quoted field, or note that its quote does not close it; False if that is yet to be seen."""
        buffer, start, limit = self._buffer, self._pos, self._limit
        found = self._patterns.quoted.match(buffer, quote, min(start + limit, len(buffer)))
        end = found.end() if found else start + limit
        if (not found or end == len(buffer)) and not final and len(buffer) - start <= limit:
            return False
        if found and (end == len(buffer) or self._patterns.behind_quoted.match(buffer, end)):
            self.lines += count_lines(buffer, start, end)
            self.stands_out = self.stands_out or quote > start or not buffer.endswith(b'"', start, end)
            self._pass(end)
            return True
        # The reader sees text behind the quote too; only this walk sees that there is no end within the limit.
        self.unclosed = True
        self.unreadable = self.unreadable or not found or end == start + limit
        return True

    def _pass_text(self) -> None:
        """Move to the end of an unquoted field, or of the line if a quote in it is unclosed, or of the buffer."""
        pattern = self._patterns.line_end if self.unclosed else self._patterns.field_end
        found = pattern.search(self._buffer, self._pos)
        end = found.start() if found else len(self._buffer)
        self.stands_out = self.stands_out or self._buffer.find(b'"', self._pos, end) >= 0
        self._pass(end)
        if self._field_bytes > self._limit:
            self.unreadable = True

    def _pass(self, end: int) -> None:
        self.has_text = self.has_text or self._patterns.not_blank.search(self._buffer, self._pos, end) is not None
        self._field_bytes += end - self._pos
        self._pos = end
