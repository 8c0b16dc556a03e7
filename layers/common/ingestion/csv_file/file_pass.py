"""The one pass over an uploaded file: its hash, its text, and what a scan of the text finds."""

import hashlib
from collections.abc import Callable, Collection, Iterable
from typing import Final

from ingestion.csv_file.chunk_digests import ChunkDigests
from ingestion.csv_file.file_limits import Limits
from ingestion.csv_file.text_scan import ScannedText, TextScan
from ingestion.csv_file.unpacking import FREE_BYTES, Unpacker
from ingestion.errors import RefusalCode, Refused

REJECT_BYTES: Final = 100
"""What a row takes in the error file at least, besides a byte for each column."""


class ScannedFile(ScannedText):
    """What one pass over an uploaded object finds. `transformed`: the chunks are cut from the text written out."""

    sha256: str
    size_bytes: int
    transformed: bool


class FilePass:
    """Hash, unpack and scan an uploaded object, block by block.

    *write* is given the text, in order, if and only if it differs from the object: then the chunks are byte ranges of
    what was written. It may be called for the first time by `finish`.
    """

    def __init__(self, limits: Limits, known_headers: Collection[str], write: Callable[[bytes], object]) -> None:
        self._hash = hashlib.sha256()
        self._ratio = limits.unpacked_ratio
        self._unpacker = Unpacker(limits.unpacked, limits.unpacked_ratio)
        self._digests = ChunkDigests()
        self._scan = TextScan(limits, known_headers)
        self._write = write

    @property
    def transformed(self) -> bool:
        """Whether the object is being written out as other bytes; final once the first few kilobytes were fed."""
        return self._unpacker.transformed

    def feed(self, block: bytes) -> None:
        """Take the next *block* of the object; a megabyte or more at a time is fastest."""
        self._hash.update(block)
        self._take(self._unpacker.feed(block))

    def finish(self) -> ScannedFile:
        """Take the object's end."""
        self._take(self._unpacker.finish())
        scanned = self._scan.finish(self._unpacker.encoding)
        hold_rows(scanned, self._unpacker.bytes_in, self._ratio)
        if self.transformed:
            scanned = scanned.model_copy(update={"chunks": self._digests.finish(scanned.chunks)})
        return ScannedFile(
            **dict(scanned),
            sha256=self._hash.hexdigest(),
            size_bytes=self._unpacker.bytes_in,
            transformed=self._unpacker.transformed,
        )

    def _take(self, texts: Iterable[bytes]) -> None:
        for text in texts:
            if self._unpacker.transformed:
                self._write(text)
            self._scan.feed(text)
            if self._unpacker.transformed:
                self._scan.digest(text, self._digests)


def hold_rows(scanned: ScannedText, bytes_in: int, ratio: int) -> None:
    """Raise `Refused(TOO_LARGE)` if the rows, rejected, would make an error file many times as large as the upload.

    Rejected, every row is as wide as the header: short rows below a wide one, or in a small gzip file, are a bomb.
    """
    columns = scanned.format.columns
    if scanned.rows * (columns + REJECT_BYTES) > max(FREE_BYTES, ratio * bytes_in):
        raise Refused(
            RefusalCode.TOO_LARGE,
            f"The file has {scanned.rows:,} rows of {columns:,} columns, far more than its {bytes_in:,} bytes can "
            "hold; remove the rows and columns that hold next to nothing.",
        )
