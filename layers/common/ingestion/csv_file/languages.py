"""How likely the letters of a text are in the languages that a code page was made for.

Each list says how often a letter comes among those of the language that are not ASCII, in rough parts of a hundred.
"""

from collections.abc import Sequence
from functools import cache
from math import log
from typing import Final, NamedTuple

_LISTS: Final = {
    "norwegian": "å45 ø38 æ10 é2 ö1 ä1 ó1 ò1 ü1 ô1",
    "swedish, german, finnish": "ä40 ö26 ü14 å14 ß3 é3",
    "french, spanish, portuguese, italian": "é30 à12 è8 ó8 á8 í7 ç6 ã6 ê5 ñ4 ú4 ô2 î2 û2 õ2 â2 ù2 ï1 ë1 œ1 ü1 ò1 ì1",
    "icelandic": "ð22 á18 í17 ö9 ó9 þ8 æ5 ú5 é5 ý2",
    "polish": "ł20 ę15 ą14 ó12 ż12 ś10 ć6 ń3 ź1",
    "czech, slovak": "á18 í15 é10 ě10 č9 š8 ž8 ř7 ý7 ů4 ú2 ľ1 ť1 ď1 ň1",
    "hungarian": "á30 é30 ö9 ó9 ő8 ü5 í5 ú2 ű2",
    "romanian": "ă30 ș8 ş8 ț8 ţ8 î15 â10",
    "croatian": "č25 š25 ž20 ć15 đ8",
    "turkish": "ı30 ş13 ü13 ç8 ğ8 ö6 İ5 â1",
    "lithuanian": "ė22 ų16 š15 ž10 ą10 ū8 į8 č5 ę4",
    "latvian": "ā35 ī15 ē15 š8 ņ5 ū5 ž4 ļ4 ķ2 č2 ģ2",
    "estonian": "ä35 õ30 ü20 ö10 š1 ž1",
    "ukrainian, russian": (
        "о10 а8 н7 и6 і5 в5 т6 р5 е6 с5 к4 м3 д3 у3 л4 п3 я2 з2 ь2 г2 б2 ч1 х1 й1 ж.9 ю.8 ц.7 ш.8 щ.5 є.6 ї.6 ф.3 "
        "ы1 э.2 ъ.05 ё.1 ґ.4"
    ),
}
_WESTERN: Final = tuple(_LISTS)[:4]
_CYRILLIC: Final = ("ukrainian, russian",)
_PAGES: Final = {
    "windows-1252": _WESTERN,
    "windows-1251": _CYRILLIC,
    "cp1250": tuple(_LISTS)[4:9],
    "iso8859_2": tuple(_LISTS)[4:9],
    "cp852": tuple(_LISTS)[4:9],
    "cp1254": ("turkish",),
    "cp1257": ("norwegian", *tuple(_LISTS)[10:13]),
    "mac_roman": _WESTERN,
    "cp850": _WESTERN,
    "cp865": _WESTERN,
    "mac_cyrillic": _CYRILLIC,
    "cp866": _CYRILLIC,
    "koi8_u": _CYRILLIC,
    "iso8859_5": _CYRILLIC,
    "cp855": _CYRILLIC,
}
NAMES: Final = {
    "cp1250": "Windows-1250",
    "iso8859_2": "ISO-8859-2",
    "cp852": "DOS 852",
    "cp1254": "Windows-1254",
    "cp1257": "Windows-1257",
    "mac_roman": "Mac Roman",
    "cp850": "DOS 850",
    "cp865": "DOS 865",
    "mac_cyrillic": "Mac Cyrillic",
    "cp866": "DOS 866",
    "koi8_u": "KOI8-U",
    "iso8859_5": "ISO-8859-5",
    "cp855": "DOS 855",
}
"""The pages that our exports do not come in, but files on old machines do."""

_PUNCTUATION: Final = frozenset("’‘´·\xa0\xad–—…“”«»„•№€°")
_MAY_STAND_ALONE: Final = frozenset("åøàéóáíýаявузійоєжик")
_FOREIGN = log(0.0008)
_SYMBOL = -6.0
_INSIDE = -3.0
"""Of a capital or a punctuation mark within a word, and a letter that stands for no word alone."""
_AMONG_ASCII = -4.0
_SIDE_BY_SIDE = -1.5
_OTHER_LANGUAGE = -4.0
"""The price of a word in another language than the rest."""


class _Char(NamedTuple):
    """What one byte is in a page: its weights by language, or a symbol's if there are none."""

    weights: tuple[float, ...]
    is_letter: bool
    is_capital: bool
    is_punctuation: bool
    may_stand_alone: bool


def likelihood(page: str, words: Sequence[tuple[bytes, int]]) -> float:
    """How likely, as a logarithm, the words of a file are in a page, each with how often it comes.

    A word holds at least one byte above 127, and is in the language of the file, or at a price in another one.
    """
    chars = _chars(page)
    scores = [(_scores(word, chars, is_cyrillic=_PAGES[page] is _CYRILLIC), count) for word, count in words]
    return max(
        sum(count * max(each[language], max(each) + _OTHER_LANGUAGE) for each, count in scores)
        for language in range(len(_PAGES[page]))
    )


def _scores(word: bytes, chars: Sequence[_Char], *, is_cyrillic: bool) -> list[float]:
    """The likelihood of a word in each language of a page."""
    letters = [chars[byte] for byte in word]
    is_shouted = all(char.is_capital or not char.is_letter for char in letters)
    place, weights = 0.0, []
    for at, (byte, char) in enumerate(zip(word, letters, strict=True)):
        if byte < 128:
            continue
        before, behind = letters[at - 1] if at else None, letters[at + 1] if at + 1 < len(letters) else None
        beside = [each for each in (before, behind) if each and each.is_letter]
        weights.append(char.weights)
        if char.is_punctuation:
            place += _INSIDE * (len(beside) == 2 and byte not in b"\x91\x92\xb4\xad\xa0")
        elif not char.is_letter:
            place += _INSIDE * len(beside)
        else:
            place += _INSIDE * (char.is_capital and bool(before and before.is_letter) and not is_shouted)
            place += _INSIDE * (not beside and not char.may_stand_alone)
            place += sum(_beside(word, at, side, letters, is_cyrillic) for side in (at - 1, at + 1))
    return [place + sum(column) for column in zip(*weights, strict=True)]


def _beside(word: bytes, at: int, side: int, letters: Sequence[_Char], is_cyrillic: bool) -> float:
    """The price of a letter that stands beside one of the other kind: Cyrillic ones keep together, others do not."""
    if not 0 <= side < len(word) or not letters[side].is_letter:
        return 0.0
    if is_cyrillic:
        return _AMONG_ASCII if word[side] < 128 else 0.0
    return _SIDE_BY_SIDE if word[side] >= 128 else 0.0


@cache
def _chars(page: str) -> tuple[_Char, ...]:
    languages = [_weights(language) for language in _PAGES[page]]
    return tuple(_char(bytes([byte]).decode(page, "replace"), languages) for byte in range(256))


def _char(char: str, languages: Sequence[dict[str, float]]) -> _Char:
    is_letter = char.isalpha() and char not in "ªºƒˆ"
    lower = char if char == "İ" else char.lower()
    other = _FOREIGN if is_letter else -1.0 if char in _PUNCTUATION else _SYMBOL
    if char == "„":  # rare, but what Д, with which many texts begin, is to another page
        other = 2 * _SYMBOL
    if char == "\ufffd" or "\x80" <= char < "\xa0":
        other = 2 * _SYMBOL
    return _Char(
        weights=tuple(language.get(lower, other) for language in languages),
        is_letter=is_letter,
        is_capital=char.isupper(),
        is_punctuation=char in _PUNCTUATION,
        may_stand_alone=lower in _MAY_STAND_ALONE,
    )


@cache
def _weights(language: str) -> dict[str, float]:
    parts = {entry[0]: float(entry[1:]) for entry in _LISTS[language].split()}
    return {letter: log(part / sum(parts.values())) for letter, part in parts.items()}
