"""The texts that a workbook's cells share: cells name them in any order, so they wait in a file once they are many."""

import mmap
import re
from array import array
from collections.abc import Iterable
from tempfile import TemporaryFile
from typing import Final

from ingestion.errors import RefusalCode, Refused
from ingestion.workbook.xml_parts import Attributes, XmlPart

MOST_CELL_CHARS: Final = 131_073
"""One more than a field may have: what is longer is cut, and its row rejected for it."""

_IN_MEMORY_BYTES: Final = 8 << 20
_MOST_BYTES: Final = 256 << 20
"""Half of the disk that Lambda gives; the workbook itself takes a quarter."""
_MOST_TEXTS: Final = 8_000_000
"""Where each begins takes eight bytes of memory."""
_ESCAPED: Final = re.compile("_x([0-9A-Fa-f]{4})_")
_PAIR: Final = re.compile("[\ud800-\udbff][\udc00-\udfff]")


def unescaped(text: str) -> str:
    """The text without `_x000D_` and the like, as workbooks write what XML can't hold."""
    if "_x" not in text:
        return text
    plain = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
    # A character beyond 16 bits may be escaped by its two halves.
    return _PAIR.sub(lambda pair: pair[0].encode("utf-16-le", "surrogatepass").decode("utf-16-le"), plain)


class TextRuns:
    """Collects the text of one element from its runs, `t`, but for those that say how it is read aloud, `rPh`."""

    def __init__(self, xml: XmlPart) -> None:
        self._parser = xml.parser
        self._parts: list[str] = []
        self._chars = 0
        self._is_aloud = False

    def begin(self, name: str) -> None:
        """An element of the text begins."""
        if name == "rPh":
            self._is_aloud = True
        elif name in ("t", "v") and not self._is_aloud:
            self._parser.CharacterDataHandler = self._add

    def end(self, name: str) -> None:
        """An element of the text ends."""
        self._parser.CharacterDataHandler = None
        if name == "rPh":
            self._is_aloud = False

    def take(self) -> str:
        """The text so far; what follows is another's."""
        text = "".join(self._parts)
        self._parts.clear()
        self._chars = 0
        return text[:MOST_CELL_CHARS]

    def _add(self, text: str) -> None:
        if self._chars < MOST_CELL_CHARS:
            self._parts.append(text)
            self._chars += len(text)


class SharedStrings:
    """The shared texts by their number; empty where a workbook has none."""

    def __init__(self) -> None:
        self._starts = array("Q", [0])
        self._data: bytearray | mmap.mmap = bytearray()

    def __len__(self) -> int:
        return len(self._starts) - 1

    def __getitem__(self, number: int) -> str:
        """The text of this number, from 0."""
        return self._data[self._starts[number] : self._starts[number + 1]].decode("utf-8", "surrogatepass")

    @classmethod
    def read(cls, blocks: Iterable[bytes]) -> "SharedStrings":
        """Read the part that holds them. Raises Refused."""
        found = cls()
        with TemporaryFile() as file:
            pending, written = bytearray(), 0
            for text in _texts(blocks):
                pending += text.encode("utf-8", "surrogatepass")
                found._starts.append(written + len(pending))
                if len(pending) >= _IN_MEMORY_BYTES:
                    written += file.write(pending)
                    pending.clear()
                if written > _MOST_BYTES or len(found) > _MOST_TEXTS:
                    raise Refused(
                        RefusalCode.TOO_LARGE,
                        "The workbook holds too many different texts; split it, or save it as CSV.",
                    )
            if not written:
                found._data = pending
                return found
            file.write(pending)
            file.flush()
            found._data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        return found


def _texts(blocks: Iterable[bytes]) -> Iterable[str]:
    texts: list[str] = []

    def begin(name: str, _attributes: Attributes) -> None:
        runs.begin(name)

    def end(name: str) -> None:
        name = name.rpartition(":")[2]
        runs.end(name)
        if name == "si":
            texts.append(unescaped(runs.take()))

    xml = XmlPart(begin)
    runs = TextRuns(xml)
    xml.parser.EndElementHandler = end
    for block in blocks:
        xml.feed(block)
        yield from texts
        texts.clear()
    xml.finish()
    yield from texts
