"""What is said of headers that no column is known by: what was read, and which known name it is nearest to."""

from collections.abc import Collection, Sequence
from difflib import SequenceMatcher
from typing import Final

from ingestion.records import PROGRAMMES
from ingestion.records.programme import plain
from ingestion.values.lookalikes import foreign_letter
from ingestion.values.marks import shown

MOST_SHOWN: Final = 20
LONGEST_COMPARED: Final = 60
_NEAR: Final = 0.6


def nearest(header: str, names: Collection[str]) -> str | None:
    """Of the known *names* the one that the header seems to mean; None if it is like none of them."""
    text = plain(header)[:LONGEST_COMPARED]
    columns = [column for programme in PROGRAMMES.values() for column in programme.columns]
    for name in names:
        if any(column.name == name and text.startswith(column.in_other_words) for column in columns):
            return name
    scored = [(_likeness(text, name), name) for name in names]
    score, name = max(scored, default=(0.0, ""))
    return name if score >= _NEAR else None


def _likeness(text: str, name: str) -> float:
    """Near is also what is the beginning of a name, or begins with it, such as `ratings` or `feedback`."""
    if len(text) >= 4 and (name.startswith(text) or text.startswith(name)):
        return 1.0
    return SequenceMatcher(None, text, name, autojunk=False).ratio()


def nearest_names(headers: Sequence[str], names: Collection[str]) -> dict[str, str]:
    """The name that each header seems to mean, of those that seem to mean one."""
    found = ((header, nearest(header, names)) for header in headers[:MOST_SHOWN])
    return {header: name for header, name in found if name}


def read_instead(headers: Sequence[str], names: Collection[str]) -> str:
    """The sentence about headers that were read and not known: each with the nearest name, or its foreign letter."""
    listed = [_with_remarks(header, names) for header in headers[:MOST_SHOWN]]
    more = f" and {len(headers) - MOST_SHOWN:,} more" if len(headers) > MOST_SHOWN else ""
    return f"Unknown headers in the file: {', '.join(listed)}{more}."


def looks_like_a_row(headers: Sequence[str]) -> bool:
    """Whether what was read as headers may be the cells of a row, which nobody repeats."""
    return any("@" in header for header in headers)


def _with_remarks(header: str, names: Collection[str]) -> str:
    letter = foreign_letter(header[:LONGEST_COMPARED])
    near = nearest(header, names)
    remarks = [f"nearest: {near}"] if near else []
    if letter:
        remarks.append(f"it holds a letter of another script: {letter}")
    return f"{shown(header)} ({'; '.join(remarks)})" if remarks else shown(header)
