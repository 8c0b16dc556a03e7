"""Read the text of a chunk from the upload itself.

The unpacked copy that the import made is kept for days only, the upload for as long as its batch. So a packed file is
unpacked again, as far as the chunk.
"""

import codecs
from collections.abc import Iterator
from contextlib import closing
from typing import Final, NamedTuple

from ingestion.aws import s3
from ingestion.csv_file.chunk_spans import ChunkSpan
from ingestion.csv_file.file_limits import Limits
from ingestion.csv_file.unpacking import GZIP_MAGIC, Unpacker
from ingestion.database.tables.batches import Batch
from ingestion.workbook.as_text import WorkbookText

MOST_UNPACKED_BYTES = 64 << 20
"""About a second of unpacking; rows further into a packed file are not read while somebody waits."""
MOST_WORKBOOK_BYTES = 8 << 20
"""Reading a sheet takes ten times as long; so much text is some 40,000 rows."""

_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_UNIT_BYTES: Final = 2
_CONTINUED: Final = bytes(range(0x80, 0xC0))
_BELOW_ASTRAL: Final = bytes(range(0xF0))


class TooFar(Exception):
    """The text lies too far into a packed file."""


class SpanText(NamedTuple):
    """The text of a chunk. `start` is the byte of the upload at which it begins; None if the upload is packed."""

    data: bytes
    start: int | None
    is_utf16: bool = False
    """Whether the upload is UTF-16, and the text UTF-8."""

    def place(self, at: int) -> int | None:
        """Return the byte of the upload for a byte of the text."""
        if self.start is None:
            return None
        return self.start + (_UNIT_BYTES * _utf16_units(self.data[:at]) if self.is_utf16 else at)


def read_span(batch: Batch, span: ChunkSpan) -> SpanText:
    """Read a chunk, and what may be read behind it. Raises NoSuchFile, InColdStorage, TooFar, Unavailable."""
    if batch.work_key is None:
        data = s3.read_range(batch.bucket, batch.key, batch.version_id, span.start, span.fetch_end)
        return SpanText(data, span.start)
    if span.end > (MOST_WORKBOOK_BYTES if batch.file_format.sheet else MOST_UNPACKED_BYTES):
        raise TooFar
    text, at, units = bytearray(), 0, 0
    unpacked = UnpackedText(batch)
    for piece in unpacked.pieces():
        above = piece[: max(0, span.start - at)]
        units += _utf16_units(above)
        text += piece[len(above) : max(0, span.fetch_end - at)]
        at += len(piece)
        if at >= span.fetch_end:
            break
    if unpacked.is_packed:
        return SpanText(bytes(text), None)
    return SpanText(bytes(text), unpacked.mark_bytes + _UNIT_BYTES * units, is_utf16=True)


class UnpackedText:
    """The text of an upload that is packed or in UTF-16, from its beginning."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        self.is_packed = batch.file_format.sheet is not None
        self.mark_bytes = 0
        """The size of a byte order mark, which is no part of the text."""

    def pieces(self) -> Iterator[bytes]:
        """Give the text in order; memory stays flat."""
        limits, sheet = Limits(), self._batch.file_format.sheet
        unpacker: Unpacker | WorkbookText
        if sheet:
            unpacker = WorkbookText(limits.unpacked, limits.unpacked_ratio, sheet)
        else:
            unpacker = Unpacker(limits.unpacked, limits.unpacked_ratio)
        head: bytes | None = None if sheet else b""
        # Closing it also closes the response from S3.
        with closing(s3.blocks(self._batch.bucket, self._batch.key, self._batch.version_id)) as blocks:
            for block in blocks:
                if head is not None and len(head := head + block[:_UNIT_BYTES]) >= _UNIT_BYTES:
                    self.is_packed = head.startswith(GZIP_MAGIC)
                    self.mark_bytes = _UNIT_BYTES if head[:_UNIT_BYTES] in _MARKS else 0
                    head = None
                yield from unpacker.feed(block)
            yield from unpacker.finish()


def _utf16_units(text: bytes) -> int:
    """How many units of UTF-16 a text in UTF-8 has: one for each character, two for those beyond the basic plane."""
    return len(text.translate(None, _CONTINUED)) + len(text.translate(None, _BELOW_ASTRAL))
