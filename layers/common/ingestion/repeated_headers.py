"""Header rows further down, of files put together: found as rows that hold no address but names that we know.

What stands below one is read by it, though its columns may come in another order.
"""

import re
from collections.abc import Collection, Sequence

from ingestion.errors import RefusalCode, Refused
from ingestion.programmes.programme import header_name
from ingestion.quoting import email_columns
from ingestion.windows import Counted

_LINE = re.compile(rb"[^\r\n]*+(?:\r\n|\r|\n|\Z)")


class HeaderWatch:
    """Knows the header of a file, and so its repetitions. *header* are its names, *raw* is the row itself."""

    def __init__(self, header: Sequence[str], known: Collection[str], delimiter: str) -> None:
        self._names = list(map(header_name, header))
        self._known = frozenset(self._names).intersection(known)
        self._addresses = len(email_columns(header))
        self._delimiter = delimiter
        self._needle = max((header[at].strip() for at in email_columns(header)), key=len, default="").encode()

    @property
    def is_on(self) -> bool:
        """Whether the header says enough for another one to be known."""
        return self._addresses > 0 and len(self._known) > 1

    def first_in(self, window: bytes, counted: Counted) -> tuple[int, int] | None:
        """Where the first repetition in the rows that were counted begins and ends; a window without one costs little.

        A usual row holds as many addresses as there are columns of them.
        """
        size, usual = counted.size_bytes, counted.rows * self._addresses
        addresses = window.count(b"@", 0, size)
        if addresses == usual or (addresses > usual and window.find(self._needle, 0, size) < 0):
            return None
        quotes = counted_to = 0
        for found in _LINE.finditer(window, 0, size):
            if b"@" in found[0] or not self.is_header(found[0]):
                continue
            quotes += window.count(b'"', counted_to, found.start())
            counted_to = found.start()
            if quotes % 2 == 0:
                return found.span()
        return None

    def is_header(self, line: bytes) -> bool:
        """Whether a line names most of the columns that the header does."""
        return b"mail" in line.lower() and 2 * len(self._known.intersection(self._names_of(line))) > len(self._known)

    def order_below(self, line: bytes, number: int) -> tuple[int, ...]:
        """Where the cells of the rows below stand, in the order of the first header; nothing if that is theirs.

        Raises `Refused(BROKEN_HEADER)` if the columns are others.
        """
        names = self._names_of(line)
        if names == self._names:
            return ()
        if sorted(names) != sorted(self._names):
            raise Refused(
                RefusalCode.BROKEN_HEADER,
                f"Line {number:,} is a second header row whose columns are others than those of the first; upload what "
                "stands below it as a file of its own.",
            )
        places: dict[str, list[int]] = {}
        for at, name in enumerate(names):
            places.setdefault(name, []).append(at)
        return tuple(places[name].pop(0) for name in self._names)

    def _names_of(self, line: bytes) -> list[str]:
        text = line.decode("utf-8", "replace").strip("\r\n").replace('"', "")
        return list(map(header_name, text.split(self._delimiter)))
