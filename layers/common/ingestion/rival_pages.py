"""Code pages that our exports do not come in but files on old machines do, so that such a file is refused, not garbled.

Letters that are common in one page are rare letters, symbols or capitals in the middle of a word in another: a reading
is weighed by how common its letters are in Ukrainian, Russian and the languages of the West, and by its capitals.
"""

from collections.abc import Sequence
from typing import Final

RIVALS: Final = {
    "windows-1251": {
        "koi8_u": "KOI8-U",
        "cp866": "DOS 866",
        "mac_cyrillic": "Mac Cyrillic",
        "iso8859_5": "ISO-8859-5",
        "cp855": "DOS 855",
    },
    "windows-1252": {"mac_roman": "Mac Roman", "cp850": "DOS 850", "cp865": "DOS 865"},
}

_CYRILLIC: Final = {"оаиніетв": 6, "рсклду": 5, "мпязьбгчй": 4, "хжюцшїєщы": 3, "фґэёъ": 1}
_WESTERN: Final = {"åøæ": 6, "äöüéèß": 5, "áàâêëíîïóôúûñçþð": 3, "ãõìòùýœšžÿ": 1}
_WEIGHTS: Final = {
    page: {letter: weight for letters, weight in by_weight.items() for letter in letters}
    for page, by_weight in (("windows-1251", _CYRILLIC), ("windows-1252", _WESTERN))
}
_BETWEEN_WORDS: Final = frozenset("’‘´·\xa0\xad–—…“”«»„•№€°")
_NO_LETTER: Final = -4
_CAPITAL_INSIDE: Final = -3
_MARGIN: Final = 6.0
"""By how much a rival must read better: two capitals in the middle of words are not enough."""


def find_rival(page: str, words: Sequence[bytes]) -> str | None:
    """The name of a code page in which the *words* of a file read clearly better than in *page*, if there is one.

    Cyrillic pages look like each other's letters. Western ones look like symbols in each other: a reading that makes
    sense has no rival, however many letters its symbols would be in another.
    """
    rivals = RIVALS[page]
    merits = {codec: _merit(words, codec, _WEIGHTS[page]) for codec in (page, *rivals)}
    best = max(merits, key=lambda codec: merits[codec])
    makes_sense = page == "windows-1252" and merits[page] >= 0
    return None if makes_sense or merits[best] <= merits[page] + _MARGIN else rivals[best]


def _merit(words: Sequence[bytes], codec: str, weights: dict[str, int]) -> float:
    return sum(_weight(word.decode(codec, "replace"), weights) for word in words)


def _weight(word: str, weights: dict[str, int]) -> float:
    is_shouted = len(word) > 1 and word.isupper()
    total = 0.0
    for at, char in enumerate(word):
        if char.isascii() or char in _BETWEEN_WORDS:
            continue
        total += weights.get(char.lower(), _NO_LETTER)
        if char.isupper() and at and not is_shouted:
            total += _CAPITAL_INSIDE
    return total
