"""Every statement gets its own answer or none: whatever breaks in the middle of an exchange closes the connection."""

import io
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestion.database import connection as database_module
from ingestion.database.connection import Connection, DatabaseError, connect, connection, rows, sqlstate, transaction
from ingestion.errors import NotStorable, Unavailable
from local.postgres import Database
from tests.conftest import secret_of

SURROGATE, ENDLESS = "\ud800", 10**5_000
BEFORE_TIME = datetime.min.replace(tzinfo=timezone(timedelta(hours=14)))
HOSTILE = [
    pytest.param(BEFORE_TIME, id="before the calendar begins in UTC"),
    pytest.param(datetime.max.replace(tzinfo=timezone(timedelta(hours=-14))), id="after it ends"),
    pytest.param(SURROGATE, id="half a character"),
    pytest.param("a\0b", id="NUL"),
    pytest.param(ENDLESS, id="a number without end"),
    pytest.param([1, ENDLESS], id="one in an array"),
    pytest.param(["a", SURROGATE], id="half a character in an array"),
    pytest.param({"a": object()}, id="what is no JSON"),
]


@pytest.fixture
def kept(module_database: Database, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Connection]:
    """The connection of a process, as its functions get it."""
    secret = secret_of(module_database).model_dump_json()
    monkeypatch.setattr(database_module, "_open", {})
    monkeypatch.setattr(database_module, "read_secret", lambda _arn: secret)
    given: Any = SimpleNamespace(database_secret_arn=f"arn:{uuid4()}")
    return lambda: connection(given)


@pytest.fixture
def own(module_database: Database) -> Iterator[Connection]:
    """A connection outside of any transaction."""
    fresh = connect(secret_of(module_database))
    yield fresh
    fresh.abandon()


def answers_for_itself(db: Connection) -> bool:
    """Whether three statements in a row get their own answers, in each way to run one."""
    asked = [uuid4().hex for _ in range(3)]
    return [
        db.run(f"SELECT '{asked[0]}'")[0][0],
        db.run("SELECT CAST(:text AS text)", text=asked[1])[0][0],
        rows(db, "SELECT CAST(:text AS text) AS named", text=asked[2])[0]["named"],
    ] == asked


@pytest.mark.parametrize("value", HOSTILE)
def test_a_parameter_that_cannot_be_sent_is_refused_before_anything_is(own: Connection, value: Any) -> None:
    with pytest.raises(NotStorable, match="can't store the value of the parameter value") as raised:
        own.run("SELECT CAST(:value AS text)", value=value)
    assert raised.value.__cause__ is None
    assert answers_for_itself(own)


@pytest.mark.parametrize(
    ("statement", "parameters"),
    [
        pytest.param("SELEKT :a", {"a": 1}, id="in the parsing"),
        pytest.param("SELECT FROM nowhere WHERE id = :a", {"a": 1}, id="in the names"),
        pytest.param("SELECT CAST(:a AS int)", {"a": "x"}, id="in the binding"),
        pytest.param("SELECT 1 / CAST(:a AS int)", {"a": 0}, id="in the execution"),
        pytest.param("SELECT 1 / (n - 500) FROM generate_series(1, CAST(:a AS int)) n", {"a": 999}, id="after rows"),
        pytest.param("SELECT 1; SELECT 1 / 0; SELECT 2", {}, id="in one of several"),
        pytest.param("SELECT :a; SELECT 2", {"a": 1}, id="several where one may stand"),
        pytest.param("PREPARE p AS SELECT 1; EXECUTE p; EXECUTE p; EXECUTE q", {}, id="in a prepared one"),
    ],
)
def test_what_the_server_refuses_leaves_the_connection_as_it_was(
    own: Connection, statement: str, parameters: dict[str, Any]
) -> None:
    own.run("CREATE TEMP TABLE IF NOT EXISTS ours (id int)")
    with pytest.raises(DatabaseError):
        own.run(statement, **parameters)
    assert own.columns is None, "nothing is left of an earlier answer that could be mistaken for this one"
    assert answers_for_itself(own)
    assert own.run("SELECT count(*) FROM ours") == [[0]]


def test_a_bind_whose_describe_failed_is_not_sent_with_the_next_statement(own: Connection) -> None:
    own.run("BEGIN")
    with suppress(DatabaseError):
        own.run("SELECT 1 / 0")
    # Describe is refused in a failed transaction, Parse of a ROLLBACK is not.
    for _ in range(2):
        with pytest.raises(DatabaseError, match="25P02"):
            own.run("SELECT CAST(:a AS int)", a="1" * 10_000)
    own.run("ROLLBACK")
    assert answers_for_itself(own)


def test_a_transaction_whose_error_was_swallowed_says_so(own: Connection) -> None:
    with (
        pytest.raises(RuntimeError, match="swallowed: nothing is committed"),
        transaction(own),
        suppress(DatabaseError),
    ):
        own.run("CREATE TABLE swallowed (id int); SELECT 1 / 0")
    assert answers_for_itself(own)
    assert own.run("SELECT to_regclass('swallowed')") == [[None]]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, MemoryError, DatabaseError])
def test_what_raises_while_it_makes_the_rows_of_a_copy_ends_the_connection(
    kept: Callable[[], Connection], error: type[BaseException]
) -> None:
    def blocks() -> Iterator[bytes]:
        yield b"1\n"
        raise error("of the producer")

    db = kept()
    db.run("CREATE TEMP TABLE copied (id int)")
    with pytest.raises(error, match="of the producer"), transaction(db):
        db.run("COPY copied FROM STDIN", stream=blocks())
    with pytest.raises(Unavailable):
        db.run("SELECT 1")
    assert kept() is not db
    assert answers_for_itself(kept())


def test_a_statement_in_the_middle_of_another_ends_both(own: Connection) -> None:
    def blocks() -> Iterator[bytes]:
        yield b"1\n"
        own.run("SELECT 1")

    own.run("CREATE TEMP TABLE copied (id int)")
    with pytest.raises(RuntimeError, match="in the middle"):
        own.run("COPY copied FROM STDIN", stream=blocks())
    with pytest.raises(Unavailable):
        own.run("SELECT 1")


@pytest.mark.parametrize("refused_at", [1, 50_000], ids=["while more is sent", "at the end"])
def test_a_copy_that_the_server_refuses_leaves_the_connection_as_it_was(own: Connection, refused_at: int) -> None:
    own.run("CREATE TEMP TABLE numbers (id int)")
    lines = [b"x\n" if number == refused_at else b"%d\n" % number for number in range(1, 50_001)]
    with pytest.raises(DatabaseError) as raised:
        own.run("COPY numbers FROM STDIN", stream=iter(lines))
    assert sqlstate(raised.value) == "22P02"
    assert answers_for_itself(own)
    own.run("COPY numbers FROM STDIN", stream=iter([b"1\n"]))
    assert own.run("SELECT id FROM numbers") == [[1]]


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("COPY seen FROM STDIN", id="before the first row"),
        pytest.param("COPY plain FROM STDIN WITH (FREEZE)", id="for what it asks"),
        pytest.param("COPY guarded FROM STDIN", id="by a trigger"),
        pytest.param("COPY nowhere FROM STDIN", id="before it is granted"),
        pytest.param("COPY", id="in the parsing"),
    ],
)
@pytest.mark.parametrize("lines", [0, 1, 50_000])
def test_a_copy_that_is_refused_without_a_look_at_its_rows_has_one_answer(
    own: Connection, statement: str, lines: int
) -> None:
    own.run(
        """
        CREATE TEMP VIEW seen AS SELECT 1 AS id;
        CREATE TEMP TABLE plain (id int);
        CREATE TEMP TABLE guarded (id int);
        CREATE FUNCTION pg_temp.refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION $$no$$; END';
        CREATE TRIGGER guard BEFORE INSERT ON guarded EXECUTE FUNCTION pg_temp.refuse()
        """
    )
    with pytest.raises(DatabaseError):
        own.run(statement, stream=iter([b"1\n"] * lines))
    assert answers_for_itself(own)


def test_a_stream_that_is_written_to_or_not_needed_leaves_one_answer(own: Connection) -> None:
    written = io.BytesIO()
    own.run("COPY (SELECT generate_series(1, 3)) TO STDOUT", stream=written)
    assert written.getvalue() == b"1\n2\n3\n"
    assert answers_for_itself(own)
    assert own.run("SELECT 'of its own'", stream=iter([b"1\n"])) == [["of its own"]]
    assert own.run("", stream=iter([b"1\n"])) == []
    assert answers_for_itself(own)
    with pytest.raises(DatabaseError):
        own.run("COPY (SELECT 1 / (2 - generate_series(1, 3))) TO STDOUT", stream=io.BytesIO())
    assert answers_for_itself(own)


class Failing:
    """The buffers of a connection, which raise at one of their calls: before they do what was asked, or after."""

    def __init__(self, buffers: Any, at: int, error: BaseException, is_after: bool) -> None:
        self._buffers, self._left, self._error, self._is_after = buffers, at, error, is_after

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._buffers, name)
        return self._counted(real) if name in ("read", "write", "flush") else real

    def _counted(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any) -> Any:
            self._left -= 1
            if self._left:
                return real(*given)
            if self._is_after:
                real(*given)
            raise self._error

        return call


STATEMENTS: list[Callable[[Connection], Any]] = [
    lambda db: db.run("SELECT 'a secret of somebody else', generate_series(1, 3)"),
    lambda db: db.run("SELECT 1; SELECT 'a secret of somebody else'"),
    lambda db: rows(db, "SELECT CAST(:text AS text) AS secret, generate_series(1, 2000)", text="of somebody else"),
    lambda db: db.run("SELECT 1 / CAST(:zero AS int)", zero=0),
    lambda db: db.run("COPY held FROM STDIN", stream=iter([b"1\n", b"2\n"])),
    lambda db: db.run("COPY held FROM STDIN", stream=iter([b"1\n", b"no number\n"])),
    lambda db: db.run("COPY held FROM STDIN WITH (FREEZE)", stream=iter([b"1\n", b"2\n"])),
    lambda db: db.run("SELECT CAST(:when AS timestamptz)", when=BEFORE_TIME),
    lambda db: db.run("SELECT CAST(:text AS text)", text=SURROGATE),
]
ERRORS = st.sampled_from([KeyboardInterrupt, SystemExit, TimeoutError, ConnectionResetError, ValueError, MemoryError])


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    statements=st.lists(st.sampled_from(STATEMENTS), min_size=1, max_size=4),
    at=st.integers(1, 60),
    error=ERRORS,
    is_after=st.booleans(),
    is_in_transaction=st.booleans(),
)
def test_after_any_failure_in_an_exchange_the_next_answer_is_its_own(
    kept: Callable[[], Connection],
    statements: list[Callable[[Connection], Any]],
    at: int,
    error: type[BaseException],
    is_after: bool,
    is_in_transaction: bool,
) -> None:
    db = kept()
    db.run("CREATE TEMP TABLE IF NOT EXISTS held (id int)")
    if is_in_transaction:
        db.run("BEGIN")
    db._sock = Failing(db._sock, at, error("out of the blue"), is_after)
    for statement in statements:
        with suppress(BaseException):
            statement(db)
    # Without another look, it is usable and its own, or not usable at all.
    with suppress(Unavailable, DatabaseError, error):
        assert answers_for_itself(db)
    if db._sock is not None:
        db._sock = db._sock._buffers
    assert answers_for_itself(kept())


def test_a_kept_connection_with_an_answer_left_on_it_is_not_used_again(kept: Callable[[], Connection]) -> None:
    db = kept()
    db.send_QUERY("SELECT 'of somebody else'")
    db._sock.flush()
    assert kept() is not db
    assert answers_for_itself(kept())


def test_a_kept_connection_is_used_again_and_forgets_its_transaction(kept: Callable[[], Connection]) -> None:
    db = kept()
    db.run("BEGIN")
    with suppress(DatabaseError):
        db.run("SELECT 1 / 0")
    assert kept() is db
    assert db.run("SELECT now() <> statement_timestamp()") == [[False]]


class Line:
    """A way to the server that falls silent, as one through a router that forgot it."""

    def __init__(self, database: Database) -> None:
        self._database, self.is_silent = database, False
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                far = socket.create_connection((self._database.host, self._database.port))
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._forward, args=(source, sink), daemon=True).start()

    def _forward(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while block := source.recv(65_536):
                if not self.is_silent:
                    sink.sendall(block)

    def close(self) -> None:
        self._listening.close()


@contextmanager
def line_to(database: Database) -> Iterator[Line]:
    line = Line(database)
    try:
        yield line
    finally:
        line.close()


def test_a_kept_connection_that_has_fallen_silent_holds_nobody_up(
    module_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "_open", {})
    monkeypatch.setattr(database_module, "PROBE_SECONDS", 0.2)
    monkeypatch.setattr(database_module, "CONNECT_SECONDS", 0.5)
    given: Any = SimpleNamespace(database_secret_arn="arn")  # noqa: S106
    with line_to(module_database) as line:
        there = secret_of(module_database).model_copy(update={"port": line.port})
        monkeypatch.setattr(database_module, "read_secret", lambda _arn: there.model_dump_json())
        first = connection(given)
        assert first._usock.gettimeout() is None, "a statement may take as long as its function"
        line.is_silent = True
        begun = datetime.now(UTC)
        with pytest.raises(Unavailable):
            connection(given)
        line.is_silent = False
        assert answers_for_itself(connection(given))
    assert datetime.now(UTC) - begun < timedelta(seconds=5)
    with pytest.raises(Unavailable):
        first.run("SELECT 1")


def test_the_system_notices_that_the_server_is_gone(own: Connection) -> None:
    kept_alive = own._usock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    assert kept_alive
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        assert 0 < own._usock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) <= 60_000


def test_a_connection_that_was_closed_in_a_transaction_does_not_come_back_within_it(
    kept: Callable[[], Connection],
) -> None:
    db = kept()

    def cut_in_the_middle() -> None:
        with transaction(db):
            db._usock.shutdown(socket.SHUT_RDWR)
            with suppress(Unavailable):
                db.run("SELECT 1")
            db.run("SELECT 1")

    with pytest.raises(Unavailable):
        cut_in_the_middle()
    assert answers_for_itself(kept())
