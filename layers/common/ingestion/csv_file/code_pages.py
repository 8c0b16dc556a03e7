"""The choice among the code pages that our exports come in, by how well their words read in each.

A text that reads better in a page that is none of them is refused: better no import than every name garbled.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

from ingestion.csv_file.languages import NAMES, likelihood
from ingestion.errors import RefusalCode, Refused

_UNDEFINED: Final = {"windows-1252": b"\x81\x8d\x8f\x90\x9d", "windows-1251": b"\x98"}
_MOST_WORDS: Final = 200
_PRIOR: Final = 3.0
"""How much likelier our exports' own pages are before a word is read, as a logarithm."""
_SURE: Final = 3.0
_CERTAIN: Final = 8.0
"""By how much a page must lead to be named."""


class PageChoice(NamedTuple):
    """A code page; `is_unsure` if the words are too few to tell it from others."""

    page: str
    is_unsure: bool


def choose_page(words: Sequence[bytes], present: bytes) -> PageChoice:
    """The code page of a file, by a sample of its *words* that hold other than ASCII and all the bytes above 127 in it.

    Raises `Refused(UNDECODABLE)` if it holds bytes that none of our pages has, or reads better in another page.
    """
    common = Counter(words).most_common(_MOST_WORDS)
    pages = [page for page, undefined in _UNDEFINED.items() if not set(present).intersection(undefined)]
    own = {page: likelihood(page, common) + _PRIOR for page in pages} if common else dict.fromkeys(pages, _PRIOR)
    others = {page: likelihood(page, common) for page in NAMES} if common else {}
    best = max(own, key=lambda page: own[page], default=None)
    rivals = sorted(others, key=lambda page: others[page], reverse=True)
    if best is None or (rivals and others[rivals[0]] > own[best] + _SURE):
        raise Refused(RefusalCode.UNDECODABLE, _why(rivals, others))
    return PageChoice(best, is_unsure=bool(common) and not _is_sure(best, list(own), [word for word, _ in common]))


def _is_sure(best: str, own: Sequence[str], words: Sequence[bytes]) -> bool:
    """Whether the words alone tell the page from the others, each of them once.

    A word that comes again says nothing new.
    """
    once = [(word, 1) for word in words]
    rivals = [page for page in {*own, *NAMES} if page != best]
    prior = dict.fromkeys(own, _PRIOR)
    least = likelihood(best, once) + _PRIOR - _SURE
    return all(least >= likelihood(page, once) + prior.get(page, 0.0) for page in rivals)


def _why(rivals: Sequence[str], likelihoods: dict[str, float]) -> str:
    """The message of a refusal; it names a page only if that is certain and no other page could be mistaken for it."""
    if len(rivals) > 1 and likelihoods[rivals[0]] > likelihoods[rivals[1]] + _CERTAIN:
        return f"The file reads like one in {NAMES[rivals[0]]}, which is not supported; save it as CSV UTF-8."
    return "The encoding of the file's letters is not certain; save it as CSV UTF-8."
