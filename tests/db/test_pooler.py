"""Behind PgBouncer in transaction mode: each transaction may get another server connection, set by somebody else."""

import io
from collections.abc import Iterator
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest

from ingestion.database import connection as database_module
from ingestion.database.connection import (
    Connection,
    DatabaseError,
    DatabaseSecret,
    connect,
    connection,
    rows,
    sqlstate,
    transaction,
)
from ingestion.database.session_settings import SESSION
from ingestion.errors import Unavailable
from local.postgres import Database
from tests.conftest import FUNCTIONS, FUNCTIONS_PASSWORD, secret_of
from tests.pgbouncer import LEFT_BEHIND, is_wanted, running_pooler

TRANSACTIONS = 8
"""More than there are connections to the server, which take turns."""


@pytest.fixture(scope="module")
def pooled(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DatabaseSecret]:
    """The way to a database through PgBouncer."""
    secret = secret_of(module_database)
    if is_wanted():
        yield secret
        return
    folder = tmp_path_factory.mktemp("pooler")
    with running_pooler(module_database, folder, {FUNCTIONS: FUNCTIONS_PASSWORD}) as pooler:
        yield secret.model_copy(update={"port": pooler.port})


@pytest.fixture
def db(pooled: DatabaseSecret) -> Iterator[Connection]:
    """A connection through it, and two more transactions, so that there are several connections to the server."""
    others = [connect(pooled) for _ in range(2)]
    for other in others:
        other.run("BEGIN")
    for other in others:
        other.run("ROLLBACK")
        other.close()
    own = connect(pooled)
    own.run("CREATE TABLE numbers (id int)")
    yield own
    own.abandon()
    cleaning = connect(pooled)
    cleaning.run("DROP TABLE numbers")
    cleaning.close()


def settings_of(db: Connection) -> dict[str, str]:
    return dict(db.run("SELECT name, current_setting(name) FROM unnest(CAST(:names AS text[])) name", names=[*SESSION]))


def server_of(db: Connection) -> int:
    """The process that answers now."""
    return int(db.run("SELECT pg_backend_pid()")[0][0])


def test_each_transaction_has_the_settings_on_which_statements_rely(db: Connection) -> None:
    servers = set()
    for _ in range(TRANSACTIONS):
        assert settings_of(db) == SESSION
        servers.add(server_of(db))
        with transaction(db):
            assert settings_of(db) == SESSION
            assert db.run("SHOW transaction_isolation") == [["read committed"]]
            assert db.run("SHOW transaction_read_only") == [["off"]]
            servers.add(server_of(db))
    assert len(servers) > 1, "otherwise the pooler shows nothing"


def test_no_setting_is_left_to_the_next_client(db: Connection, pooled: DatabaseSecret) -> None:
    for _ in range(TRANSACTIONS):
        settings_of(db)
    another = connect(pooled)
    another.begin = ""
    for name, left in LEFT_BEHIND.items():
        for _ in range(TRANSACTIONS):
            assert another.run(f"SHOW {name}") == [[left]]
    another.close()


def test_a_statement_outside_of_a_transaction_is_done_or_not(db: Connection) -> None:
    db.run("INSERT INTO numbers VALUES (1), (2)")
    assert db.row_count == 2
    assert rows(db, "SELECT count(*) AS found FROM numbers WHERE id < :most", most=9) == [{"found": 2}]
    with pytest.raises(DatabaseError) as raised:
        db.run("INSERT INTO numbers SELECT 1 / CAST(:zero AS int)", zero=0)
    assert sqlstate(raised.value) == "22012"
    assert not db.is_in_transaction
    assert db.run("SELECT count(*) FROM numbers") == [[2]]


@pytest.mark.parametrize("is_in_transaction", [False, True], ids=["by itself", "in a transaction"])
def test_copy_sends_its_rows(db: Connection, is_in_transaction: bool) -> None:
    blocks = [b"%d\n" % number * 10_000 for number in range(20)]
    if is_in_transaction:
        with transaction(db):
            db.run("COPY numbers FROM STDIN", stream=iter(blocks))
            assert db.run("SELECT count(*) FROM numbers") == [[200_000]]
    else:
        db.run("COPY numbers FROM STDIN", stream=iter(blocks))
        assert db.row_count == 200_000
    assert db.run("SELECT count(*) FROM numbers") == [[200_000]]
    written = io.BytesIO()
    db.run("COPY (SELECT generate_series(1, 3)) TO STDOUT", stream=written)
    assert written.getvalue() == b"1\n2\n3\n"


@pytest.mark.parametrize(
    ("statement", "lines"),
    [
        pytest.param("COPY numbers FROM STDIN", [b"1\n", b"no number\n", b"2\n"], id="for a row"),
        pytest.param("COPY numbers FROM STDIN", [b"1\n"] * 50_000 + [b"no number\n"], id="at the end of many rows"),
        pytest.param("COPY numbers FROM STDIN WITH (FREEZE)", [b"1\n"] * 50_000, id="for what it asks"),
        pytest.param("COPY nowhere FROM STDIN", [b"1\n"] * 50_000, id="before it is accepted"),
        pytest.param("COPY", [b"1\n"], id="in the parsing"),
    ],
)
def test_after_a_copy_that_is_refused_each_answer_belongs_to_its_statement(
    db: Connection, statement: str, lines: list[bytes]
) -> None:
    for _ in range(TRANSACTIONS):
        with pytest.raises(DatabaseError):
            db.run(statement, stream=iter(lines))
        for number in range(3):
            assert db.run("SELECT CAST(:number AS int)", number=number) == [[number]]
    assert db.run("SELECT count(*) FROM numbers") == [[0]]


def test_what_raises_in_the_middle_of_a_copy_ends_it_for_everybody(
    db: Connection, pooled: DatabaseSecret, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "_open", {})
    monkeypatch.setattr(database_module, "read_secret", lambda _arn: pooled.model_dump_json())
    settings: Any = SimpleNamespace(database_secret_arn="arn")  # noqa: S106

    def blocks() -> Iterator[bytes]:
        yield b"1\n"
        raise ValueError("of the producer")

    for _ in range(TRANSACTIONS):
        broken = connection(settings)
        with pytest.raises(ValueError, match="of the producer"):
            broken.run("COPY numbers FROM STDIN", stream=blocks())
        with pytest.raises(Unavailable):
            broken.run("SELECT 1")
        again = connection(settings)
        assert again is not broken
        assert again.run("SELECT CAST(:text AS text)", text="its own") == [["its own"]]
    assert db.run("SELECT count(*) FROM numbers") == [[0]]


def test_a_kept_connection_is_used_again_and_forgets_its_transaction(
    pooled: DatabaseSecret, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "_open", {})
    monkeypatch.setattr(database_module, "read_secret", lambda _arn: pooled.model_dump_json())
    settings: Any = SimpleNamespace(database_secret_arn="arn")  # noqa: S106
    kept = connection(settings)
    for _ in range(TRANSACTIONS):
        kept.run("BEGIN")
        with suppress(DatabaseError):
            kept.run("SELECT 1 / 0")
        assert connection(settings) is kept
        assert not kept.is_in_transaction
        assert settings_of(kept) == SESSION
    kept.close()
