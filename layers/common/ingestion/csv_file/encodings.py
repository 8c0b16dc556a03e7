"""Which encoding a file is in, decided by rule: byte order mark, NUL pattern, strict UTF-8, then a scored choice.

Nothing is guessed that can be known: UTF-8 is accepted only if the whole file is valid, and the code pages are the few
that our exports come in.
"""

import codecs
import re
from enum import StrEnum
from typing import Final, NamedTuple

from ingestion.csv_file.code_pages import choose_page
from ingestion.csv_file.mixed_text import is_cyrillic_by_chance_utf8
from ingestion.errors import RefusalCode, Refused


class ChosenBy(StrEnum):
    """How an encoding was found; recorded in `csvMetadata.encodingChosenBy`."""

    BOM = "bom"
    NUL_PATTERN = "nul_pattern"
    STRICT_UTF8 = "strict_utf8"
    SCORE = "score"


class Encoding(NamedTuple):
    """A codec's name as Python and the API know it, and how it was chosen."""

    name: str
    chosen_by: ChosenBy


UTF8_BOM = codecs.BOM_UTF8
UTF8_BY_BOM = Encoding("utf-8", ChosenBy.BOM)
SAMPLE_WORDS = 2_000

_MAGIC = (
    (b"PK\x03\x04", "This is an Excel workbook or a zip archive; open it and save the sheet as CSV UTF-8."),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "This is an old Excel workbook; save the sheet as CSV UTF-8."),
    (b"%PDF-", "This is a PDF document; export the data as CSV."),
    (b"\x89PNG\r\n", "This is an image; export the data as CSV."),
    (b"\xff\xd8\xff", "This is an image; export the data as CSV."),
    (b"GIF8", "This is an image; export the data as CSV."),
    (b"\x1f\x8b\x08", "This was compressed twice; upload the CSV itself, or compress it once with gzip."),
    (b"BZh", "This is a bzip2 archive; upload the CSV itself, or compress it with gzip."),
    (b"7z\xbc\xaf\x27\x1c", "This is a 7-Zip archive; upload the CSV itself, or compress it with gzip."),
    (b"PAR1", "This is a Parquet file; export the data as CSV."),
    (b"Rar!", "This is a RAR archive; upload the CSV itself, or compress it with gzip."),
    (b"\xfd7zXZ\0", "This is an xz archive; upload the CSV itself, or compress it with gzip."),
    (b"\x28\xb5\x2f\xfd", "This is a Zstandard archive; upload the CSV itself, or compress it with gzip."),
    (b"SQLite format 3\0", "This is an SQLite database; export the data as CSV."),
)
_MARKUP = (
    (re.compile(rb"<(?:!doctype\s+html|html|head|body|table|meta|div)\b", re.IGNORECASE), "an HTML page"),
    (re.compile(rb"<(?:\?xml|[a-z][\w:.-]*[\s/>])", re.IGNORECASE), "an XML document"),
    (re.compile(rb"\{\\rtf"), "a document in Rich Text Format"),
    (re.compile(rb'[\[{]\s*(?:[{\["\]}]|-?\d+\s*,)'), "a JSON document"),
)
_LONGEST_INDENT = 4_096
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\v\f\r\x1a\x1b")) + b"\x7f"
_MOST_CONTROLS = 0.05

_PIECE_BYTES = 4_096
_ALL_HIGH = bytes(range(128, 256))
_WORD = re.compile(rb"[A-Za-z]?[\x80-\xff][A-Za-z\x80-\xff]*+")
_LONGEST_WORD = 80
_TWICE = re.compile(
    rb"\xc3[\x82\x83]\xc2[\x80-\xbf]|(?:\xc3[\x90\x91](?:\xc2[\x80-\xbf]|\xe2[\x80-\x84].|[\xc5\xc6\xcb].)){2,}"
)
"""Letters of UTF-8 that were read as Windows-1252 and written as UTF-8 once more, as in "MÃ¸te"."""
_TWICE_CYRILLIC = re.compile(
    rb"(?:\xd0[\xa0\xa1](?:\xc2[\x80-\xbf]|\xe2[\x80-\x84].|\xd0[\x82-\x8f]|\xd1[\x91-\x9f]|\xd2[\x90\x91])){3,}"
)
"""The same by way of Windows-1251: "Дуже" becomes "Р”СѓР¶Рµ"."""
_OFTEN_TWICE: Final = ((b"\xc2", "Р°".encode()), (b"\x95", "Рѕ".encode()))
"""What the commonest letters, а and о, become, which no word has; and the byte of each that hardly any text has, since
a single byte is found at ten times the speed."""


def refuse_binary(head: bytes) -> None:
    """Raise `Refused(NOT_CSV)` if a file's first bytes are those of a workbook, an archive, an image or no text."""
    for magic, message in _MAGIC:
        if head.startswith(magic):
            raise Refused(RefusalCode.NOT_CSV, message)
    start = head[:_LONGEST_INDENT].removeprefix(UTF8_BOM).lstrip()
    for pattern, kind in _MARKUP:
        if pattern.match(start):
            raise Refused(RefusalCode.NOT_CSV, f"This is {kind}, not a CSV file; export the data as CSV UTF-8.")
    controls = len(head) - len(head.translate(None, _CONTROLS))
    if controls > 2 and controls > _MOST_CONTROLS * len(head):
        raise Refused(RefusalCode.NOT_CSV, "This is not a text file; export the data as CSV UTF-8.")


def find_utf16(head: bytes) -> Encoding | None:
    """The UTF-16 that a file's first bytes show, by byte order mark or by the NULs that pair with Latin characters.

    Without a mark, nearly every pair must be Latin or Cyrillic and one in twenty Latin, as delimiters, digits and
    emails are. UTF-32 is refused as undecodable: nothing that makes our exports writes it.
    """
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise Refused(RefusalCode.UNDECODABLE, "The file is in UTF-32; save it as CSV UTF-8.")
    if head.startswith(codecs.BOM_UTF16_LE):
        return Encoding("utf-16-le", ChosenBy.BOM)
    if head.startswith(codecs.BOM_UTF16_BE):
        return Encoding("utf-16-be", ChosenBy.BOM)
    pairs = len(head) // 2
    even, odd = head[: 2 * pairs : 2], head[1 : 2 * pairs : 2]
    if pairs >= 2 and _is_paired(even, odd):
        return Encoding("utf-16-le", ChosenBy.NUL_PATTERN)
    return Encoding("utf-16-be", ChosenBy.NUL_PATTERN) if pairs >= 2 and _is_paired(odd, even) else None


def _is_paired(low: bytes, high: bytes) -> bool:
    """Whether bytes are the low and the high halves of mostly Latin and Cyrillic characters."""
    latin = sum(1 for char, page in zip(low, high, strict=True) if page == 0 and (char >= 32 or char in b"\t\r\n"))
    cyrillic = high.count(4)
    return latin >= 0.05 * len(low) and latin + cyrillic >= 0.9 * len(low)


class EncodingDetector:
    """Watches a file go by, in blocks, and says at its end which encoding it is in."""

    def __init__(self) -> None:
        self._words: list[bytes] = []
        self._absent_high = _ALL_HIGH
        self._is_utf8 = True
        self._tail = b""
        self.encoded_twice = 0
        self.is_unsure = False

    def feed(self, block: bytes) -> None:
        """Take the next *block*, of any size. ASCII costs next to nothing."""
        if block.isascii() and not self._tail:
            return
        if len(self._words) < SAMPLE_WORDS:
            self._sample(block)
        if block.find(b"\xc2") >= 0:  # as what UTF-8 goes on with is written, once it is encoded twice
            self.encoded_twice += len(_TWICE.findall(block))
        if any(block.find(rare) >= 0 and block.find(letter) >= 0 for rare, letter in _OFTEN_TWICE):
            self.encoded_twice += len(_TWICE_CYRILLIC.findall(block))
        if self._is_utf8:
            self._decode(block, final=False)
        if not self._is_utf8:
            self._absent_high = self._absent_high.translate(None, block)

    def finish(self, declared: Encoding | None) -> Encoding:
        """The file's encoding; *declared* is what its first bytes said, if they did.

        A file that declared itself, or is UTF-8 for the most part, stays UTF-8 with a few undecodable rows: better some
        rejected rows than every name in it garbled. Raises `Refused(UNDECODABLE)` if it is not what it declared, or
        text in none of the code pages.
        """
        if self._is_utf8:
            self._decode(b"", final=True)
        if self._is_utf8:
            self.is_unsure = bool(self._words) and all(map(is_cyrillic_by_chance_utf8, self._words))
            return declared or Encoding("utf-8", ChosenBy.STRICT_UTF8)
        valid = sum(1 for word in self._words if _is_utf8(word))
        mostly_valid = 2 * valid > len(self._words)
        if declared:
            if len(self._words) >= 20 and not mostly_valid:
                raise Refused(
                    RefusalCode.UNDECODABLE,
                    f"The file says it is {declared.name}, but it is not; save it as CSV UTF-8.",
                )
            return declared
        if mostly_valid:
            return Encoding("utf-8", ChosenBy.SCORE)
        present = _ALL_HIGH.translate(None, self._absent_high)
        page, self.is_unsure = choose_page([word for word in self._words if not _is_utf8(word)], present)
        return Encoding(page, ChosenBy.SCORE)

    def _sample(self, block: bytes) -> None:
        """Keep the words that hold other than ASCII, from the pieces of *block* that have any."""
        covered = 0
        for start in range(0, len(block), _PIECE_BYTES):
            end = start + _PIECE_BYTES
            if block[start:end].isascii():
                continue
            for found in _WORD.finditer(block, max(start, covered), min(end + _LONGEST_WORD, len(block))):
                if found.start() >= end:
                    break
                covered = found.end()
                self._words.append(found[0][:_LONGEST_WORD])
            if len(self._words) >= SAMPLE_WORDS:
                return

    def _decode(self, block: bytes, *, final: bool) -> None:
        data = self._tail + block if self._tail else block
        try:
            _, used = codecs.utf_8_decode(data, "strict", final)
        except UnicodeDecodeError:
            self._is_utf8 = False
        else:
            self._tail = data[used:]


def _is_utf8(word: bytes) -> bool:
    try:
        word.decode(
            "utf-8", "surrogatepass"
        )  # as Java and old databases write what is beyond 16 bits; the row is rejected
    except UnicodeDecodeError:
        return False
    return not is_cyrillic_by_chance_utf8(word)
