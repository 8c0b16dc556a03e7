"""Text decoded, also of files whose lines are in different encodings.

In a file of a code page, a line that is valid UTF-8 is read as UTF-8, and one that is neither here nor there keeps its
bytes (`surrogateescape`), so that its row is rejected: nothing is garbled. Some short words of Windows-1251 happen to
be valid UTF-8, of letters that nobody here writes: those stay what they are.
"""

import re
from typing import Final

_CYRILLIC = rb"(?:[\xd0\xd1][\x80-\xbf]){3,}"
_SURROGATES = rb"\xed[\xa0-\xaf][\x80-\xbf]\xed[\xb0-\xbf][\x80-\xbf]"
_UTF8: Final = {
    "windows-1252": re.compile(rb"\xc3[\x80-\xbf]|%s|%s" % (_CYRILLIC, _SURROGATES)),
    "windows-1251": re.compile(rb"%s|%s" % (_CYRILLIC, _SURROGATES)),
}
"""What is next to impossible in text of a page, but usual in UTF-8."""
_CYRILLIC_LETTERS: Final = re.compile("[А-Яа-яЁёЄєІіЇїҐґ]+")
_BEYOND_OUR_SCRIPTS: Final = re.compile("[\u0250-\u02ff\u0370-\u03ff\u0460-\u048f\u0492-\u1fff\u2c00-\ud7ff]")
_NOT_ASCII: Final = re.compile(r"[^\x00-\x7f]+")
_TWO_BYTES = re.compile(rb"[\xc2-\xf4][\x80-\xbf]")
_NOT_CONTINUED = bytes({*range(256)} - {*range(0x80, 0xC0)})


def decode(data: bytes, encoding: str) -> tuple[str, bool]:
    """The text of *data*, and whether it is clean: without NULs and undecodable bytes."""
    if encoding != "utf-8" and data.translate(None, _NOT_CONTINUED) and _TWO_BYTES.search(data):
        text = "".join([_decode_line(line, encoding) for line in data.splitlines(keepends=True)])
        return text, False
    try:
        return data.decode(encoding), b"\0" not in data
    except UnicodeDecodeError:
        return data.decode(encoding, "surrogateescape"), False


def _decode_line(line: bytes, encoding: str) -> str:
    if line.isascii():
        return line.decode("ascii")
    if encoding == "windows-1251" and is_cyrillic_by_chance_utf8(line):
        return line.decode(encoding)
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        mixed = _UTF8[encoding].search(line) if encoding in _UTF8 else None
        return line.decode("ascii" if mixed else encoding, "surrogateescape")


def is_cyrillic_by_chance_utf8(text: bytes) -> bool:
    """Whether it is valid UTF-8, but surely Windows-1251, as "Ні" is.

    In UTF-8 it has letters of scripts that our exports are not in, in Windows-1251 nothing but Cyrillic ones.
    """
    try:
        in_utf8 = text.decode("utf-8")
        in_page = text.decode("windows-1251")
    except UnicodeDecodeError:
        return False
    if not _BEYOND_OUR_SCRIPTS.search(in_utf8):
        return False
    return all(map(_CYRILLIC_LETTERS.fullmatch, _NOT_ASCII.findall(in_page)))
