"""The lineage of a session as a tree: file, batch, session and its earlier versions."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import click

from cli.api import Api, Json
from cli.words import clean, local_time

FRAME: Final = ("id", "programType", "programInstance", "version")
"""Fields of a record that are neither its key, which follows the id, nor its content."""
LONGEST_VALUE: Final = 60


def fetch(api: Api, path: str) -> Json:
    """A session's lineage with all its earlier versions, however many pages they fill. Raises Failure."""
    found = api.get(path)
    cursor = found.pop("nextCursor", None)
    while cursor:
        page = api.get(path, cursor=cursor)
        found["earlierVersions"] += page["earlierVersions"]
        cursor = page.get("nextCursor")
    return found


@dataclass
class Branch:
    """A line and its branches."""

    text: str
    under: list[Branch] = field(default_factory=list)


def tree_of(lineage: Json) -> Branch:
    """File → batch → session → earlier versions, newest first."""
    session, batch, row = lineage["session"], lineage["batch"], lineage["row"]
    by = f" by {lineage['importedBy']}" if lineage["importedBy"] else ""
    at = f", imported {local_time(lineage['importedAt'])}{by}" if lineage["importedAt"] else ""
    name = f"session {session['programType']}:{session[_key_of(session)]}"
    found = Branch(f"{name} (id {session['id']}), version {session['version']}, {_place(row)}")
    found.under += [Branch(text) for text in _content(session)]
    found.under += _earlier(session, lineage["earlierVersions"])
    batches = Branch(f"batch {batch['batchId']}, {batch['status']}{at}", [found])
    file = lineage["file"]
    return Branch(f"file {file['name']}", [Branch(f"at {_origin(file)}"), batches])


def _earlier(session: Json, versions: list[Json]) -> list[Branch]:
    """Earlier versions, each with what its replacement changed."""
    branches = []
    newer = session
    for earlier in versions:
        older = earlier["session"]
        branch = Branch(f"version {older['version']}, replaced {local_time(earlier['replacedAt'])}")
        branch.under.append(Branch(f"from {earlier['file']['name']}, {_place(earlier['row'])}"))
        branch.under.append(Branch(f"batch {earlier['batch']['batchId']}, {earlier['batch']['status']}"))
        branch.under += [
            Branch(f"{key}: {_value(key, older[key])} → {_value(key, newer[key])}")
            for key in _content_of(newer)
            if older.get(key) != newer.get(key)
        ]
        branches.append(branch)
        newer = older
    return branches


def _content(session: Json) -> list[str]:
    return [
        f"{key}: {_value(key, session[key])}" for key in _content_of(session) if session.get(key) not in (None, [], "")
    ]


def _key_of(session: Json) -> str:
    return list(session)[1]


def _content_of(session: Json) -> list[str]:
    """The fields in which versions may differ, for any type of record."""
    return [name for name in session if name not in (*FRAME, _key_of(session))] + ["programInstance"]


def _value(key: str, value: object) -> str:
    if value is None:
        return "–"
    text = (
        local_time(str(value)) if key.endswith("At") else ", ".join(value) if isinstance(value, list) else clean(value)
    )
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"


def _place(row: Json) -> str:
    return f"row {row['number']}, line {row['line']}"


def _origin(file: Json) -> str:
    version = f", version {file['versionId']}" if file["versionId"] else ""
    return f"{file['key']}{version}, sha256 {file['sha256']}"


def lines_of(branch: Branch) -> Iterator[str]:
    """The tree as text, for terminals and pipes."""
    yield clean(branch.text)
    for number, twig in enumerate(branch.under, 1):
        fork, beam = ("├── ", "│   ") if number < len(branch.under) else ("└── ", "    ")
        first, *rest = lines_of(twig)
        yield fork + first
        yield from (beam + text for text in rest)


def show_tree(lineage: Json) -> None:
    """Print the tree; in ASCII if the terminal can't show box-drawing characters."""
    text = "\n".join(lines_of(tree_of(lineage)))
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        text = text.replace("├── ", "|-- ").replace("└── ", "`-- ").replace("│   ", "|   ").replace("→", "->")
    click.echo(text)
