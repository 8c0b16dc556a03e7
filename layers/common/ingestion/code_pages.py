"""The choice among the code pages that our exports come in, by how well their words read in each.

Windows-1252 and Windows-1251 share their byte values, so the letters' neighbours decide: Norwegian letters stand among
ASCII ones, Cyrillic letters stand together.
"""

from collections.abc import Iterator, Sequence

from ingestion.errors import RefusalCode, Refused
from ingestion.rival_pages import find_rival

_LEAST_WORDS = 5
_TAKEN = "UTF-8, UTF-16, Windows-1252, ISO-8859-1 and Windows-1251"
_UNDEFINED_IN_1252 = b"\x81\x8d\x8f\x90\x9d"
_CYRILLIC = frozenset("АБВГҐДЕЄЖЗИІЇЙКЛМНОПРСТУФХЦЧШЩЬЮЯЫЪЭЁабвгґдеєжзиіїйклмнопрстуфхцчшщьюяыъэё")
_WESTERN = frozenset(
    char
    for char in bytes(set(range(128, 256)) - set(_UNDEFINED_IN_1252)).decode("cp1252")
    if char.isalpha() and char not in "ªºƒˆ"
)
_NORWEGIAN = frozenset("æøåÆØÅ".encode("cp1252"))
"""Would be ж, ш and е, of which no text is made alone; side by side, as in "æøå", they score as Cyrillic."""
_BETWEEN_LETTERS = frozenset("’‘´·\xa0\xad–—…“”«»„•")


def choose_page(words: Sequence[bytes], present: bytes) -> str:
    """The code page of a file, by a sample of its *words* that hold other than ASCII and all the bytes above 127 in it.

    Raises `Refused(UNDECODABLE)` if the words read like none of them, or better in a page that is none of them.
    """
    if not set(present) - _NORWEGIAN:
        return "windows-1252"
    western = sum(_western_score(word.decode("cp1252", "replace")) for word in words)
    cyrillic = sum(_cyrillic_score(word.decode("cp1251", "replace")) for word in words)
    if len(words) >= _LEAST_WORDS and max(western, cyrillic) < -len(words):
        raise Refused(RefusalCode.UNDECODABLE, f"The file is in none of {_TAKEN}; save it as CSV UTF-8.")
    page = "windows-1251" if cyrillic > western else "windows-1252"
    # What reads badly as a Western text may still be a Cyrillic one; a handful of words tell little of Western pages.
    is_cyrillic = cyrillic > western or western < 0
    rival = find_rival("windows-1251" if is_cyrillic else page, words)
    if rival and (is_cyrillic or len(words) >= _LEAST_WORDS):
        message = f"The file reads like one in {rival}, but must be in one of {_TAKEN}; save it as CSV UTF-8."
        raise Refused(RefusalCode.UNDECODABLE, message)
    if page == "windows-1251":
        return page
    # Windows-1252 has characters where ISO-8859-1 has controls, so it also serves a file that has neither.
    return "iso-8859-1" if set(present).intersection(_UNDEFINED_IN_1252) else "windows-1252"


def _western_score(word: str) -> int:
    """How much *word* looks like Windows-1252: its letters stand among ASCII ones, or alone."""
    score = 0
    for char, kin, ascii_kin in _neighbours(word, _WESTERN):
        if char in _WESTERN:
            score += 2 * ascii_kin - kin + (kin + ascii_kin == 0)
        else:
            score -= _out_of_place(char, kin, ascii_kin)
    return score


def _cyrillic_score(word: str) -> int:
    """How much *word* looks like Windows-1251: its letters stand together, capitals in front or throughout.

    Capitals behind small letters are what other Cyrillic code pages (KOI8, CP866, ISO-8859-5) look like in this one.
    """
    score = 0
    mixed = not word.isupper()
    for at, (char, kin, ascii_kin) in enumerate(_neighbours(word, _CYRILLIC)):
        if char not in _CYRILLIC:
            score -= _out_of_place(char, kin, ascii_kin)
        elif at and mixed and char.isupper():
            score -= 3
        else:
            score += 2 * kin - 4 * ascii_kin
    return score


def _neighbours(word: str, letters: frozenset[str]) -> Iterator[tuple[str, int, int]]:
    """Each character that is not ASCII; how many of its neighbours are in *letters*, and how many ASCII letters."""
    padded = f" {word} "
    for left, char, right in zip(padded, word, padded[2:], strict=False):
        if not char.isascii():
            kin = (left in letters) + (right in letters)
            yield char, kin, (left.isascii() and left.isalpha()) + (right.isascii() and right.isalpha())


def _out_of_place(char: str, kin: int, ascii_kin: int) -> int:
    """What a symbol costs where it stands: most inside of a word."""
    if char in _BETWEEN_LETTERS:
        return 0
    return 3 if kin + ascii_kin == 2 else kin
