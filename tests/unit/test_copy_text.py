"""COPY's text format: whatever goes out comes back the same, from a real PostgreSQL."""

import json
from itertools import repeat

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ingestion.database.connection import Connection
from ingestion.database.copy_text import NULL, array, lines, plain, text, texts

# What means something to COPY, to an array or to copy_text itself, more often than chance would have it.
SPECIAL = st.sampled_from(
    ["\\", "\n", "\r", "\t", "\x1e", "\x1f", '"', "{", "}", ",", "N", ".", " ", "NULL", "\\N", "\\."]
)
CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
TEXTS = st.lists(SPECIAL | CHARACTERS, max_size=8).map("".join)
ROWS = st.lists(
    st.tuples(st.none() | TEXTS, st.none() | TEXTS, st.lists(TEXTS, max_size=3).map(tuple)), min_size=1, max_size=8
)

Row = tuple[str | None, str | None, tuple[str, ...]]


@pytest.fixture
def table(db: Connection) -> str:
    """A temporary table of a number, two texts and a list."""
    db.run("CREATE TEMPORARY TABLE copied (number integer, first text, second text, list text[], chunk integer)")
    return "copied"


def copied(db: Connection, table: str, rows: list[Row]) -> list[list[object]]:
    """The rows as the database has them after a COPY."""
    first, second, lists = zip(*rows, strict=True)
    sent = lines(map(plain, range(len(rows))), texts(first), map(text, second), map(array, lists), repeat("7"))
    db.run(f"DELETE FROM {table}")
    db.run(f"COPY {table} FROM STDIN", stream=iter([("\n".join(sent) + "\n").encode()]))
    return db.run(f"SELECT first, second, list, chunk FROM {table} ORDER BY number")


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS)
@example(rows=[("", "", ()), (None, None, ("",))])
@example(rows=[("\x1e", None, ()), (None, "\x1f", ()), ("a", "b", ("\x1e", "\x1f"))])
@example(rows=[("\x1f", "\\N", ("NULL", "null")), (None, "\\.", ('"', "\\"))])
def test_what_is_copied_is_what_was_given(db: Connection, table: str, rows: list[Row]) -> None:
    expected = [[first, second, list(each) or None, 7] for first, second, each in rows]
    assert copied(db, table, rows) == expected


@pytest.mark.parametrize("text", ['{"a": "x\\ny\\t\\"z\\" \\\\ å"}', '{"n": [1, null, "\\u2028"]}', '"Ґ, {}"'])
def test_json_is_copied_as_a_text_and_read_as_json(db: Connection, text: str) -> None:
    db.run("CREATE TEMPORARY TABLE documents (document jsonb)")
    db.run("COPY documents FROM STDIN", stream=iter([("\n".join(texts([text, None])) + "\n").encode()]))
    assert db.run("SELECT document FROM documents") == [[json.loads(text)], [None]]


def test_no_rows_are_no_lines() -> None:
    assert lines(texts([]), map(array, []), map(plain, [])) == []
    assert list(map(plain, [None, 1])) == [NULL, "1"]
