"""One statement and its answer: the only importer of pg8000.

If anything raises between sending a statement and reading its answer, pg8000 leaves the rest of the answer on the
socket, where the next statement gets it. So a connection here knows whether it has read the whole answer; if it hasn't,
for whatever reason, it is closed and never used again.

Errors are translated for the caller: `Unavailable` if trying again may help, `NotStorable` if a parameter is at fault,
pg8000's own `DatabaseError` if the statement is (see `sqlstate`).
"""

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from pg8000.converters import make_param
from pg8000.core import IN_FAILED_TRANSACTION, IN_TRANSACTION, NULL_BYTE, SYNC_MSG, Context
from pg8000.exceptions import DatabaseError, InterfaceError
from pg8000.native import Connection as _Pg8000Connection

from ingestion.errors import NotStorable, Unavailable

__all__ = ["Connection", "DatabaseError", "InterfaceError", "sqlstate"]

# Classes of SQLSTATE after which the same statement may succeed: connection, rollback (deadlock, serialization),
# resources, operator intervention, system; and a lock that was not available within the time limit.
# https://www.postgresql.org/docs/current/errcodes-appendix.html
_PASSING = ("08", "40", "53", "55P03", "57", "58", "XX")

# Fields of an error that contain no data: https://www.postgresql.org/docs/current/protocol-error-fields.html
_FIELDS_WITHOUT_DATA = frozenset("SVCMPstcdn")
_QUOTES_A_VALUE = "22"
_COPY_LINE = re.compile(r"COPY \S+, line \d+")


class Connection(_Pg8000Connection):  # type: ignore[misc]  # pg8000 has no types
    """A pg8000 connection on which every statement gets its own answer or none."""

    _context: Any
    _usock: Any
    _sock: Any
    _is_answered = True
    """Whether the last answer was read to its end."""
    _owes_sync = False
    """Whether a statement with a stream still lacks its Sync."""
    login: Any = None
    """What the connection was opened with (see `connection`)."""
    begin = ""
    """Behind a pooler, the statements that begin every transaction: another server connection may run each of them,
    with the settings that somebody else left there (see `session_settings`)."""

    def run(self, sql: str, stream: Any = None, types: Any = None, **params: Any) -> list[list[Any]]:
        """Run one statement with `:name` parameters and return its rows, or an empty list.

        Raises Unavailable, at once if the connection is closed; NotStorable before anything is sent; DatabaseError.
        """
        if not self.begin or self.is_in_transaction or sql.startswith("ROLLBACK"):
            return self._run(sql, stream, types, **params)
        if sql == "BEGIN":
            return self._run(self.begin)
        return self._run_in_transaction(sql, stream, types, **params)

    def _run_in_transaction(self, sql: str, stream: Any, types: Any, **params: Any) -> list[list[Any]]:
        """Run a statement that is outside of any transaction in one of its own."""
        self._run(self.begin)
        try:
            answer = self._run(sql, stream, types, **params)
            context = self._context
            self._run("COMMIT")
        except BaseException:
            # If the connection is gone, so is its transaction.
            with suppress(Unavailable, DatabaseError):
                self._run("ROLLBACK")
            raise
        # Columns and counts are those of the statement.
        self._context = context
        return answer

    def _run(self, sql: str, stream: Any = None, types: Any = None, **params: Any) -> list[list[Any]]:
        if self._usock is None:
            raise Unavailable("The connection to the database was lost.")
        sendable = {name: self._as_text(name, value) for name, value in params.items()}
        with self._exchange():
            try:
                return super().run(sql, stream, types, **sendable) or []
            except DatabaseError as failed:
                if not self._is_answered:
                    raise  # from another connection, from which a COPY reads
                if sqlstate(failed).startswith(_PASSING):
                    raise Unavailable(f"The database can't do this now (SQLSTATE {sqlstate(failed)}).") from failed
                raise _without_data(failed) from None

    @contextmanager
    def _exchange(self) -> Iterator[None]:
        """Close the connection unless the block reads the whole answer."""
        if not self._is_answered:
            self.abandon()
            raise RuntimeError("a statement was run in the middle of another one on the same connection")
        try:
            self._is_answered, self._owes_sync, self._context = False, False, None
            yield
        except (InterfaceError, OSError) as lost:
            raise Unavailable("The connection to the database was lost.") from lost
        finally:
            if not self._is_answered:
                self.abandon()

    @property
    def process_id(self) -> int:
        """The process that the server, or a pooler in its place, says will answer on this connection."""
        return int.from_bytes((self._backend_key_data or b"")[:4], signed=True)

    @property
    def is_in_transaction(self) -> bool:
        """Whether a transaction is open, failed or not."""
        return self._transaction_status in (IN_TRANSACTION, IN_FAILED_TRANSACTION)

    @property
    def is_in_failed_transaction(self) -> bool:
        """Whether a statement has failed in this transaction, so that the server treats COMMIT as ROLLBACK."""
        return bool(self._transaction_status == IN_FAILED_TRANSACTION)

    def close(self) -> None:
        """Notify the server and close the connection; do nothing if it is closed."""
        if self._usock is not None:
            super().close()

    def abandon(self) -> None:
        """Close the socket without notifying the server, which then rolls back."""
        link, buffers = self._usock, self._sock
        self._usock = self._sock = None
        if link is None:
            return
        # Comes first, so that closing the buffers neither sends what is left in them nor waits.
        with suppress(OSError):
            link.shutdown(socket.SHUT_RDWR)
        for each in (buffers, link):
            with suppress(OSError, ValueError):
                each.close()

    @contextmanager
    def time_limit(self, seconds: float) -> Iterator[None]:
        """Treat a server that is silent for this long as lost, within the block."""
        self.wait_for(seconds)
        try:
            yield
        finally:
            self.wait_for(None)

    def wait_for(self, seconds: float | None) -> None:
        """From now on, treat a server that is silent for this long as lost; None waits for ever."""
        if self._usock is not None:
            self._usock.settimeout(seconds)

    def _as_text(self, name: str, value: Any) -> str | None:
        try:
            text: str | None = make_param(self.py_types, value)
            is_storable = text is None or ("\0" not in text and text.encode() is not None)
        except (ArithmeticError, AttributeError, RecursionError, TypeError, ValueError):
            is_storable = False
        if not is_storable:
            # Without the cause, which quotes the value.
            raise NotStorable(f"The database can't store the value of the parameter {name}.")
        return text

    def execute_unnamed(self, statement: str, vals: Any = (), oids: Any = (), stream: Any = None) -> Any:
        """Send all messages of a statement at once, and one Sync, so that exactly one ReadyForQuery ends the answer.

        pg8000 sends three, and keeps the Bind of a statement whose Describe failed in its buffer.
        https://www.postgresql.org/docs/current/protocol-flow.html
        """
        context = Context(statement, stream=stream)
        self.send_PARSE(NULL_BYTE, statement, oids)
        self.send_DESCRIBE_STATEMENT(NULL_BYTE)
        self.send_BIND(NULL_BYTE, vals)
        self.send_EXECUTE()
        if stream is None:
            self._send_sync()
        else:
            # The Sync of a COPY follows its data. Sent earlier, it would be ignored while the server expects data, but
            # answered if the server had refused the COPY: the number of answers to expect would be unknown.
            self._owes_sync = True
            self._sock.flush()
        self.handle_messages(context)
        return context

    def _send_sync(self) -> None:
        self._owes_sync = False
        self._sock.write(SYNC_MSG)
        self._sock.flush()

    def handle_COPY_IN_RESPONSE(self, data: bytes, context: Any) -> None:  # noqa: N802  # pg8000's name
        """The server accepts data: pg8000 sends it, followed by the Sync."""
        super().handle_COPY_IN_RESPONSE(data, context)
        self._owes_sync = False

    def handle_ERROR_RESPONSE(self, data: bytes, context: Any) -> None:  # noqa: N802  # pg8000's name
        """The server ignores everything until the Sync, so send it."""
        super().handle_ERROR_RESPONSE(data, context)
        if self._owes_sync:
            self._send_sync()

    def handle_COMMAND_COMPLETE(self, data: bytes, context: Any) -> None:  # noqa: N802  # pg8000's name
        """The end of a COPY TO, or of a statement that has a stream but doesn't use it."""
        super().handle_COMMAND_COMPLETE(data, context)
        if self._owes_sync:
            self._send_sync()

    def handle_EMPTY_QUERY_RESPONSE(self, data: bytes, context: Any) -> None:  # noqa: N802  # pg8000's name
        """The end of an empty statement."""
        super().handle_EMPTY_QUERY_RESPONSE(data, context)
        if self._owes_sync:
            self._send_sync()

    def handle_READY_FOR_QUERY(self, data: bytes, context: Any) -> None:  # noqa: N802  # pg8000's name
        """The last message of an answer."""
        super().handle_READY_FOR_QUERY(data, context)
        self._is_answered = True


def _without_data(error: DatabaseError) -> DatabaseError:
    """Remove the data that an error quotes: errors end up in logs, and rows are about people."""
    if not error.args or not isinstance(error.args[0], dict):
        return error
    kept = {name: text for name, text in error.args[0].items() if name in _FIELDS_WITHOUT_DATA}
    if sqlstate(error).startswith(_QUOTES_A_VALUE):
        del kept["M"]
    if line := _COPY_LINE.match(str(error.args[0].get("W", ""))):
        kept["W"] = line[0]
    return DatabaseError(kept)


def sqlstate(error: DatabaseError) -> str:
    """Return the five-character SQLSTATE of an error; empty if the server did not send one."""
    fields = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
    return str(fields.get("C", ""))
