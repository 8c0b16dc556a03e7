"""XML read as it comes: no part is held whole, no document type is accepted, no element may be endlessly long."""

from collections.abc import Callable
from typing import Final, TypeAlias
from xml.parsers import expat

from ingestion.errors import RefusalCode, Refused

Attributes: TypeAlias = dict[str, str]
Start: TypeAlias = Callable[[str, Attributes], object]
"""Called with an element's name, without its prefix, and its attributes."""

_MOST_TAG_BYTES: Final = 1 << 20
"""A tag of a megabyte is no tag: the parser would hold it as a whole, however long."""


class XmlPart:
    """A parser of one part. Raises `Refused(NOT_CSV)` for what is no XML, or has a document type or endless tags."""

    def __init__(self, start: Start) -> None:
        self._start = start
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._begin
        self.parser.StartDoctypeDeclHandler = _refuse_doctype
        self._fed = 0

    def _begin(self, name: str, attributes: Attributes) -> None:
        self._start(name.rpartition(":")[2], attributes)

    def feed(self, block: bytes) -> None:
        """Take the next *block*."""
        self._parse(block, is_final=False)
        self._fed += len(block)
        if self._fed - self.parser.CurrentByteIndex > _MOST_TAG_BYTES:
            raise _damaged()

    def finish(self) -> None:
        """Take the part's end."""
        self._parse(b"", is_final=True)

    def _parse(self, block: bytes, *, is_final: bool) -> None:
        try:
            self.parser.Parse(block, is_final)
        except expat.ExpatError as broken:
            raise _damaged() from broken


def _refuse_doctype(*_: object) -> None:
    raise _damaged()


def _damaged() -> Refused:
    return Refused(
        RefusalCode.NOT_CSV, "A part of the workbook can't be read; open it, save it again as .xlsx and upload that."
    )
