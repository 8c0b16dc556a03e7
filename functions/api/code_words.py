"""What the API says of a code beside the code itself: its title and its advice, in English."""

from collections.abc import Mapping
from typing import Any

from ingestion.catalogue import CatalogueCode, Language, Text
from ingestion.limits import limits


def in_english(text: Text) -> str:
    """The text as the API says it."""
    return text.read(Language.ENGLISH, limits())


def described(stored: Mapping[str, Any], family: type[CatalogueCode]) -> dict[str, Any]:
    """What is stored under a code, with the code's title and advice; without, if the code is none of ours any more."""
    try:
        about = family(stored["code"]).about
    except ValueError:
        return dict(stored)
    return {**stored, "title": in_english(about.title), "advice": in_english(about.advice)}
