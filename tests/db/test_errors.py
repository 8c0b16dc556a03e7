"""Errors of the database say what was wrong, and nothing of whom the rows are about: they end up in logs."""

import pytest

from ingestion.database.connection import Connection, DatabaseError, sqlstate

ADDRESS = "oksana@example.org"


@pytest.mark.parametrize(
    ("sql", "state"),
    [
        pytest.param("INSERT INTO users (email, role) VALUES (:secret, 'nobody')", "23514", id="a check"),
        pytest.param("INSERT INTO users (email, role) SELECT :secret, NULL", "23502", id="a null"),
        pytest.param("SELECT CAST(CAST(:secret AS text) AS integer)", "22P02", id="a value of another type"),
        pytest.param(
            "INSERT INTO users (email, role) SELECT :secret, 'volunteer' FROM generate_series(1, 2)",
            "23505",
            id="a key that occurs twice",
        ),
    ],
)
def test_an_error_quotes_no_data(db: Connection, sql: str, state: str) -> None:
    with pytest.raises(DatabaseError) as raised:
        db.run(sql, secret=ADDRESS)
    assert sqlstate(raised.value) == state
    assert ADDRESS not in str(raised.value)
    assert raised.value.__cause__ is None


def test_an_error_of_copy_names_the_line_and_not_what_is_in_it(db: Connection) -> None:
    db.run("CREATE TEMPORARY TABLE people (email text, number integer)")
    with pytest.raises(DatabaseError) as raised:
        db.run("COPY people FROM STDIN", stream=iter([f"a\t1\n{ADDRESS}\tx\n".encode()]))
    assert raised.value.args[0]["W"] == "COPY people, line 2"
    assert ADDRESS not in str(raised.value)
