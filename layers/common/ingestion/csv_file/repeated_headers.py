"""Header rows further down, of files put together: found as rows that hold no address but names that we know.

What stands below one is read by it, though its columns may come in another order.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Final

from ingestion.csv_file.quoting import email_columns
from ingestion.csv_file.row_windows import Counted
from ingestion.errors import RefusalCode, Refused
from ingestion.records.programme import header_name

_LEAST_OTHERS: Final = 3
"""Names known of any programme, which no row has in its cells: then the columns below are others."""


_WORDS: Final = (b"ail", b"AIL", b"ession", b"ESSION")
"""Of "email" and "session_id", however they begin."""


class RepeatedHeaders:
    """Knows the header of a file, and so its repetitions. *header* are its names, *tail* what every line ends with."""

    def __init__(self, header: Sequence[str], known: Collection[str], delimiter: str, tail: str = "") -> None:
        self._names = list(map(header_name, header))
        self._known = frozenset(map(header_name, known))
        self._named = self._known.intersection(self._names)
        self._addresses = len(email_columns(header))
        self._delimiter = delimiter
        self._tail = tail

    @property
    def is_on(self) -> bool:
        """Whether the header says enough for another one to be known."""
        return self._addresses > 0 and len(self._named) > 1

    def first_in(self, window: bytes, counted: Counted) -> tuple[int, int] | None:
        """Where the first repetition in the rows that were counted begins and ends; a window without one costs little.

        Their lines end with LF or CRLF.
        """
        quotes = counted_to = 0
        for start, end in _lines_with_names(window, counted.size_bytes):
            if b"@" in (line := window[start:end]) or not self.is_header(line):
                continue
            quotes += window.count(b'"', counted_to, start)
            counted_to = start
            if quotes % 2 == 0:
                return start, end
        return None

    def is_header(self, line: bytes) -> bool:
        """Whether a line, without an address, names most of the columns that the header does, or several others.

        Its own columns of addresses may have other names.
        """
        if not any(word in line.lower() for word in (b"mail", b"ession")):
            return False
        names = set(self._names_of(line))
        is_like_it = 2 * len(names & self._named) > len(self._named)
        return is_like_it or len(names & self._known) >= _LEAST_OTHERS

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
                f"Line {number:,} is a second header row whose columns differ from those of the first; upload what "
                "stands below it as a file of its own.",
            )
        places: dict[str, list[int]] = {}
        for at, name in enumerate(names):
            places.setdefault(name, []).append(at)
        return tuple(places[name].pop(0) for name in self._names)

    def _names_of(self, line: bytes) -> list[str]:
        text = line.decode("utf-8", "replace").strip("\r\n").replace('"', "").removesuffix(self._tail)
        return list(map(header_name, text.split(self._delimiter)))


def _lines_with_names(window: bytes, size: int) -> Iterator[tuple[int, int]]:
    """Where the lines begin and end that may name columns of addresses or ids. Bytes are found at memory's speed."""
    end = 0
    for at in sorted(at for word in _WORDS for at in _places(word, window, size)):
        if at >= end:
            start = window.rfind(b"\n", 0, at) + 1
            end = window.find(b"\n", at, size) + 1 or size
            yield start, end


def _places(word: bytes, window: bytes, size: int) -> Iterator[int]:
    at = window.find(word, 0, size)
    while at >= 0:
        yield at
        at = window.find(word, at + 1, size)
