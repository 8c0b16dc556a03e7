"""Marks that end a file without being text: a Ctrl-Z of old systems, NULs that fill a block."""

from collections.abc import Iterator
from typing import Final

_MARKS: Final = b"\0\x1a"
_BESIDE: Final = _MARKS + b" \t\r\n"
_PIECE_BYTES: Final = 1 << 16


class EndMarks:
    """Holds back what may be the end of a file until it is seen whether text follows.

    A long tail of one byte is only counted: it may be longer than what fits into memory.
    """

    def __init__(self) -> None:
        self._held = b""
        self._repeated = 0

    @property
    def has_marks(self) -> bool:
        """Whether what was fed so far ends with such a mark."""
        return bool(self._held)

    def feed(self, block: bytes) -> Iterator[bytes]:
        """Give the text up to the end of the next *block*, but for what may be the end of the file."""
        if self._held and self._may_hold(block):
            return
        yield from self._release()
        tail_start = len(block.rstrip(_BESIDE))
        marks = [at for at in (block.find(mark, tail_start) for mark in (b"\0", b"\x1a")) if at >= 0]
        kept = min(marks, default=len(block))
        self._held = block[kept:]
        if kept:
            yield block[:kept]

    def _may_hold(self, block: bytes) -> bool:
        if block.strip(_BESIDE):
            return False
        if not self._repeated and len(self._held) + len(block) <= _PIECE_BYTES:
            self._held += block
            return True
        if block.strip(self._held[-1:]):
            return False
        self._repeated += len(block)
        return True

    def _release(self) -> Iterator[bytes]:
        last = self._held[-1:]
        if self._held:
            yield self._held
        for size in range(self._repeated, 0, -_PIECE_BYTES):
            yield last * min(size, _PIECE_BYTES)
        self._held, self._repeated = b"", 0
