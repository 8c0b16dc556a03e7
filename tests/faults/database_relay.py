"""Stands between the functions and PostgreSQL, and does something to a function at a moment of its conversation.

Only here can a function be killed just before its COMMIT reaches the database, or just after the database has obeyed.
"""

import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum

from local.processes import LOOPBACK

RECEIVED_BYTES = 256 * 1024
SSL_REQUEST = struct.pack("!II", 8, 80877103)
LONGEST_STALL_SECONDS = 60

FunctionOf = Callable[[int], "tuple[str, Callable[[], None]] | None"]
"""Whose a connection is, by its port: the function's name, and how to kill its process; None if it is no function's."""


class When(StrEnum):
    """What happens at a COMMIT."""

    BEFORE = "killed before commit"
    AFTER = "killed after commit"
    STALLED = "held up before commit until its time was over"
    CUT = "cut off from the database after commit"


@dataclass
class Ambush:
    """Waits for some commits of a function, lets `passing` of them go, and strikes at the next `strikes`."""

    function: str
    when: When
    passing: int = 0
    strikes: int = 1
    struck: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    stalled: threading.Event = field(default_factory=threading.Event)
    """Set once a function that was held up has been ended."""

    def __str__(self) -> str:
        return f"{self.function} {self.when.value}, {self.struck} times"

    def is_sprung(self) -> bool:
        """Whether this commit is one to strike at."""
        with self.lock:
            if self.struck >= self.strikes:
                return False
            if self.passing:
                self.passing -= 1
                return False
            self.struck += 1
            return True


class DatabaseRelay:
    """Listens on a port of its own and passes everything on, but for what lies in ambush."""

    def __init__(self, database_port: Callable[[], int], function_of: FunctionOf) -> None:
        self.database_port = database_port
        self.function_of = function_of
        self.ambush: Ambush | None = None
        self.listener = socket.create_server((LOOPBACK, 0), backlog=200)
        self.port: int = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        self.listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, (_, port) = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._relay, args=(client, port), daemon=True).start()

    def _relay(self, client: socket.socket, port: int) -> None:
        try:
            server = socket.create_connection((LOOPBACK, self.database_port()), 10)
        except OSError:
            client.close()
            return
        server.settimeout(None)
        for link in (client, server):
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        conversation = Conversation(self, client, server, port)
        threading.Thread(target=conversation.forward_answers, daemon=True).start()
        conversation.forward_statements()


@dataclass
class Conversation:
    """One connection of one function."""

    relay: DatabaseRelay
    client: socket.socket
    server: socket.socket
    port: int
    after: Callable[[], None] | None = None
    """What happens once the database has answered."""

    def forward_statements(self) -> None:
        """From the function to the database, message by message."""
        try:
            for message in _messages(self.client):
                if _is_commit(message) and not self._may_forward():
                    break
                self.server.sendall(message)
        except OSError:
            pass  # one of the two has gone
        finally:
            self._end()

    def forward_answers(self) -> None:
        """From the database to the function, as it comes."""
        try:
            while data := self.server.recv(RECEIVED_BYTES):
                if self.after:
                    self.after()
                    break
                self.client.sendall(data)
        except OSError:
            pass  # one of the two has gone
        finally:
            self._end()

    def _may_forward(self) -> bool:
        """Spring the ambush, if one waits for this commit; False if the commit must not reach the database."""
        ambush = self.relay.ambush
        if ambush is None or (found := self.relay.function_of(self.port)) is None:
            return True
        name, kill = found
        if name != ambush.function or not ambush.is_sprung():
            return True
        match ambush.when:
            case When.BEFORE:
                kill()
                return False
            case When.STALLED:
                _wait_until_gone(self.client)
                ambush.stalled.set()
                return False
            case When.AFTER:
                self.after = kill
            case When.CUT:
                self.after = _nothing
        return True

    def _end(self) -> None:
        for link in (self.client, self.server):
            with suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)
            link.close()


def _nothing() -> None:
    """The connection ends, and that is all."""


def _messages(link: socket.socket) -> Iterator[bytes]:
    """The messages of PostgreSQL's protocol, version 3: the first ones have no type before their length.

    https://www.postgresql.org/docs/current/protocol-message-formats.html
    """
    received, header = bytearray(), 0
    while data := link.recv(RECEIVED_BYTES):
        received += data
        while len(received) >= header + 4:
            size = header + struct.unpack_from("!I", received, header)[0]
            if len(received) < size:
                break
            message = bytes(received[:size])
            del received[:size]
            header = header or int(message != SSL_REQUEST)
            yield message


def _is_commit(message: bytes) -> bool:
    return message[:1] in (b"Q", b"P") and b"COMMIT\x00" in message[5:64]


def _wait_until_gone(link: socket.socket) -> None:
    """Come back once the other side has closed the connection."""
    deadline = time.monotonic() + LONGEST_STALL_SECONDS
    while time.monotonic() < deadline:
        if select.select([link], [], [], 0.05)[0] and not _peek(link):
            return


def _peek(link: socket.socket) -> bytes:
    try:
        return link.recv(1, socket.MSG_PEEK)
    except OSError:
        return b""
