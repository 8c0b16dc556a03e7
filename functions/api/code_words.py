"""What the API returns with a code: its title and its advice, in English."""

from collections.abc import Mapping
from typing import Any

from ingestion.catalogue import CatalogueCode, Language, Text
from ingestion.limits import limits


def in_english(text: Text) -> str:
    """The text in English, with its limits filled in."""
    return text.read(Language.ENGLISH, limits())


def described(stored: Mapping[str, Any], family: type[CatalogueCode]) -> dict[str, Any]:
    """The stored entry with its code's title and advice; without them if the code no longer exists."""
    try:
        about = family(stored["code"]).about
    except ValueError:
        return dict(stored)
    return {**stored, "title": in_english(about.title), "advice": in_english(about.advice)}
