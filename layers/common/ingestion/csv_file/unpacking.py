"""An uploaded object turned into text that can be cut by its bytes: gzip unpacked, UTF-16 transcoded to UTF-8.

What the bytes say decides, never the file's name. Everything else passes through untouched.
"""

import codecs
import zlib
from collections.abc import Iterator

from ingestion.csv_file.encodings import Encoding, find_utf16
from ingestion.errors import RefusalCode, Refused

GZIP_MAGIC = b"\x1f\x8b"
SNIFF_BYTES = 4_096
PIECE_BYTES = 1 << 20
PACKED_BYTES = 16 << 10
"""How much is unpacked at a time: zlib copies the rest of its input after every piece and every member."""
FREE_BYTES = 8 << 20
"""Expansion is not held against a file before it has given this much: a small file of like rows packs very well."""

_GZIP_WINDOW = 16 + zlib.MAX_WBITS


class Unpacker:
    """Takes an object in blocks and gives blocks of text; memory stays flat whatever it expands to.

    *max_bytes* bounds what comes out, *max_ratio* how many times more comes out than went in. Every method may raise
    `Refused`: `TOO_LARGE` for a limit, `NOT_CSV` for broken gzip, `UNDECODABLE` for UTF-32.
    """

    def __init__(self, max_bytes: int, max_ratio: int) -> None:
        self.encoding: Encoding | None = None
        self.bytes_in = 0
        self.bytes_out = 0
        self._max_bytes = max_bytes
        self._max_ratio = max_ratio
        self._gunzip: Gunzip | None = None
        self._transcoder: _Transcoder | None = None
        self._packed_head: bytes | None = b""
        self._text_head: bytes | None = b""

    @property
    def transformed(self) -> bool:
        """Whether what comes out differs from what went in; final once anything has come out."""
        return self._gunzip is not None or self._transcoder is not None

    def feed(self, block: bytes) -> Iterator[bytes]:
        """Give the text of the next *block*, in pieces of about a megabyte at most where it was unpacked."""
        self.bytes_in += len(block)
        if self._packed_head is not None:
            block = self._packed_head + block
            if len(block) < len(GZIP_MAGIC):
                self._packed_head = block
                return
            self._packed_head = None
            self._gunzip = Gunzip() if block.startswith(GZIP_MAGIC) else None
        for plain in self._gunzip.feed(block) if self._gunzip else (block,):
            self._hold_limits(len(plain))
            yield from self._transcode(plain, final=False)

    def finish(self) -> Iterator[bytes]:
        """Give what is left once the object has ended."""
        if self._gunzip:
            self._gunzip.finish()
        rest, self._packed_head = self._packed_head or b"", None
        self._hold_limits(len(rest))
        yield from self._transcode(rest, final=True)

    def _transcode(self, plain: bytes, *, final: bool) -> Iterator[bytes]:
        if self._text_head is not None:
            plain = self._text_head + plain
            if len(plain) < SNIFF_BYTES and not final:
                self._text_head = plain
                return
            self._text_head = None
            self.encoding = find_utf16(plain[:SNIFF_BYTES])
            self._transcoder = _Transcoder(self.encoding.name) if self.encoding else None
        text = self._transcoder.feed(plain, final=final) if self._transcoder else plain
        if text:
            yield text

    def _hold_limits(self, size_bytes: int) -> None:
        self.bytes_out += size_bytes
        if self.bytes_out > self._max_bytes:
            raise Refused(
                RefusalCode.TOO_LARGE,
                f"The file holds more than {self._max_bytes:,} bytes; split it into several files.",
            )
        if self.bytes_out > max(FREE_BYTES, self._max_ratio * self.bytes_in):
            raise Refused(
                RefusalCode.TOO_LARGE,
                f"The file unpacks to more than {self._max_ratio} times its size; upload it unpacked.",
            )


class Gunzip:
    """Unpacks gzip of one or more members; zero padding after the last one is ignored, as gzip does."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(_GZIP_WINDOW)
        self._between = False
        self._start = b""

    def feed(self, block: bytes) -> Iterator[bytes]:
        """Yield what the next packed bytes hold, in pieces; Refused if they are damaged."""
        for start in range(0, len(block), PACKED_BYTES):
            yield from self._unpack(block[start : start + PACKED_BYTES])

    def _unpack(self, block: bytes) -> Iterator[bytes]:
        while block:
            if self._between:
                block = self._next_member(block)
                continue
            try:
                plain = self._member.decompress(block, PIECE_BYTES)
            except zlib.error as broken:
                raise Refused(
                    RefusalCode.NOT_CSV, "The gzip file is damaged; compress and upload it again."
                ) from broken
            block = self._member.unused_data if self._member.eof else self._member.unconsumed_tail
            self._between = self._member.eof
            if plain:
                yield plain

    def finish(self) -> None:
        """Raise `Refused(NOT_CSV)` unless the last member was whole."""
        if not self._between or self._start:
            raise Refused(RefusalCode.NOT_CSV, "The gzip file is cut off; upload it again.")

    def _next_member(self, block: bytes) -> bytes:
        start = (self._start + block).lstrip(b"\0")
        self._start = b""
        if start.startswith(GZIP_MAGIC):
            self._member = zlib.decompressobj(_GZIP_WINDOW)
            self._between = False
            return start
        if GZIP_MAGIC.startswith(start):
            self._start = start
            return b""
        raise Refused(RefusalCode.NOT_CSV, "The gzip file is followed by other data; compress and upload it again.")


class _Transcoder:
    """UTF-16 to UTF-8. What is no character becomes bytes that are no UTF-8, so that its row is found undecodable.

    An unpaired surrogate keeps its three-byte form; half a character at the end, the sign of a file cut off, becomes
    0xFF, unless it is half a line end.
    """

    def __init__(self, name: str) -> None:
        self._decoder = codecs.getincrementaldecoder(name)("surrogatepass")
        self._at_start = True

    def feed(self, block: bytes, *, final: bool) -> bytes:
        text = self._decoder.decode(block)
        if self._at_start and text:
            self._at_start = False
            text = text.removeprefix("\ufeff")
        return text.encode("utf-8", "surrogatepass") + (self._cut_off() if final else b"")

    def _cut_off(self) -> bytes:
        rest, _ = self._decoder.getstate()
        return b"" if rest in (b"", b"\n", b"\r", b"\0") else b"\xff"
