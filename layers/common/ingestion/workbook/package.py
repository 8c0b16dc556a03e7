"""The parts of a workbook: a zip archive of XML parts, found by their relations and unpacked within limits.

Nothing that an archive says of itself is believed: what comes out of it is counted.
"""

import posixpath
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Final, NamedTuple

from ingestion.errors import RefusalCode, Refused
from ingestion.workbook.xml_parts import Attributes, Start, XmlPart

BLOCK_BYTES: Final = 64 << 10
MOST_UNPACKED_BYTES: Final = 2 << 30
"""Twice what a full sheet of a million rows and fifteen columns takes."""
FREE_UNPACKED_BYTES: Final = 64 << 20
"""Expansion is not held against a workbook before: XML repeats itself, and a small sheet of like rows packs well."""
MOST_SMALL_BYTES: Final = 16 << 20
"""Of a part that is kept in memory: the list of sheets, relations, styles."""

_MOST_DIRECTORY_BYTES: Final = 4 << 20
_ENCRYPTED_BIT: Final = 1
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_BROKEN: Final = (
    *(zipfile.BadZipFile, zlib.error, struct.error),
    *(EOFError, OSError, ValueError, OverflowError, NotImplementedError, RuntimeError),
)
_OTHER_KINDS: Final = (
    ("mimetype", "This is an OpenDocument file; save it as .xlsx or as CSV UTF-8."),
    ("index/document.iwa", "This is an Apple file, such as one of Numbers; export it as .xlsx or as CSV."),
    ("word/document.xml", "This is a Word document; upload the workbook itself."),
    ("ppt/presentation.xml", "This is a presentation; upload the workbook itself."),
)

DAMAGED: Final = "The workbook is damaged or cut off; open it, save it again as .xlsx and upload that."


class Relation(NamedTuple):
    """A part that another one names: what it is to that, such as `worksheet`, and its own name."""

    kind: str
    part: str


class Package:
    """An archive. Every method may raise `Refused`: `NOT_CSV` if it is no whole workbook, `TOO_LARGE` for a limit."""

    def __init__(self, file: IO[bytes], size_bytes: int, ratio: int) -> None:
        self._most_bytes = min(MOST_UNPACKED_BYTES, max(FREE_UNPACKED_BYTES, ratio * size_bytes))
        self._unpacked_bytes = 0
        with _refused():
            self._zip = zipfile.ZipFile(_InPieces(file))
        self._parts = {_plain(info.filename): info for info in self._zip.infolist()}

    def has(self, part: str) -> bool:
        """Whether there is a part of this name."""
        return _plain(part) in self._parts

    def main_part(self) -> str:
        """The name of the part that lists the sheets."""
        found = [one.part for one in self.relations("").values() if one.kind == "officeDocument"]
        part = found[0] if found else "xl/workbook.xml"
        if part.endswith(".bin"):
            raise Refused(RefusalCode.NOT_CSV, "This is a binary workbook (.xlsb); save it as .xlsx or as CSV UTF-8.")
        kinds = [message for name, message in _OTHER_KINDS if self.has(name)]
        if kinds or not self.has(part):
            message = "This is a zip archive, not a workbook; upload the .xlsx or .csv file itself."
            raise Refused(RefusalCode.NOT_CSV, next(iter(kinds), message))
        return part

    def relations(self, of: str) -> dict[str, Relation]:
        """The parts that a part names, by the ids that it names them by; empty if it names none."""
        folder, name = posixpath.split(of)
        part, found = posixpath.join(folder, "_rels", f"{name}.rels"), dict[str, Relation]()

        def start(tag: str, given: Attributes) -> None:
            if tag == "Relationship" and given.get("TargetMode") != "External" and {"Id", "Target"} <= given.keys():
                target = posixpath.normpath(posixpath.join("/", folder, given["Target"])).lstrip("/")
                found[given["Id"]] = Relation(given.get("Type", "").rpartition("/")[2], target)

        if self.has(part):
            self.read_small(part, start)
        return found

    def read_small(self, part: str, start: Start) -> None:
        """Parse a part whose elements are all in attributes."""
        xml, size_bytes = XmlPart(start), 0
        for block in self.blocks(part):
            size_bytes += len(block)
            if size_bytes > MOST_SMALL_BYTES:
                raise _too_large()
            xml.feed(block)
        xml.finish()

    def blocks(self, part: str) -> Iterator[bytes]:
        """Unpack a part, block by block."""
        info = self._parts.get(_plain(part))
        if info is None or info.compress_type not in _METHODS:
            raise Refused(RefusalCode.NOT_CSV, DAMAGED)
        if info.flag_bits & _ENCRYPTED_BIT:
            raise Refused(RefusalCode.NOT_CSV, "The archive is protected with a password; upload it without.")
        with _refused():
            stream = self._zip.open(info)
        with stream:
            while True:
                with _refused():
                    block = stream.read(BLOCK_BYTES)
                if not block:
                    return
                self._unpacked_bytes += len(block)
                if self._unpacked_bytes > self._most_bytes:
                    raise _too_large()
                yield block


@contextmanager
def _refused() -> Iterator[None]:
    try:
        yield
    except _BROKEN as broken:
        raise Refused(RefusalCode.NOT_CSV, DAMAGED) from broken


class _InPieces:
    """A file that is read in pieces only: an archive's directory is read at once, whatever size it claims."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int = -1) -> bytes:
        if size > _MOST_DIRECTORY_BYTES:
            raise _too_large()
        return self._file.read(min(size, _MOST_DIRECTORY_BYTES) if size >= 0 else _MOST_DIRECTORY_BYTES)

    def seekable(self) -> bool:
        return True


def _plain(name: str) -> str:
    return name.replace("\\", "/").lstrip("/").lower()


def _too_large() -> Refused:
    return Refused(
        RefusalCode.TOO_LARGE,
        "The workbook unpacks to far more than its size; keep only the sheet with the rows, or upload it as CSV.",
    )
