"""Sends a large file in parts by presigned links: several at once, each tried again, and the rest another time."""

import os
import re
import socket
import threading
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import suppress
from http.client import HTTPConnection
from typing import Any, BinaryIO, Final

from cli.command_errors import Failure, Unreachable
from cli.connections import BLOCK_BYTES, ask, connect, reaching, target
from cli.transfers import WHAT, Seen, has_changed, not_accepted, stamp_of

AT_ONCE: Final = 4
ATTEMPTS: Final = 5
PAUSE_SECONDS: Final = 1.0
"""Before the second attempt; twice as long before each further one."""
_PASSING: Final = (408, 429, 500, 502, 503, 504)
_EXPIRED: Final = 403
_FAILED: Final = re.compile(rb"<Error>")

Renew = Callable[[], dict[str, Any]]
"""Asks the API for the parts that are missing, with new links."""


class Expired(Exception):
    """The storage no longer accepts the links."""


class Stopped(Exception):
    """Another part has failed, or the user has stopped the command."""


class PartSending:
    """Sends the missing parts of an open file, then completes the upload."""

    def __init__(self, links: dict[str, Any], renew: Renew, file: BinaryIO, size_bytes: int) -> None:
        self._renew = renew
        self._descriptor = file.fileno()
        self._size = size_bytes
        self._stamp = stamp_of(file)
        self._file = file
        self._etags: dict[int, str] = {}
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._open: set[HTTPConnection] = set()
        self._take(links)

    def send(self, seen: Seen) -> None:
        """Send what is missing. Raises Failure if the file changes meanwhile, Unreachable."""
        for _ in range(ATTEMPTS):
            try:
                self._send_parts(seen)
                return
            except Expired:
                self._take(self._renew())
        raise Failure("The storage does not accept the links to the file's parts; run the command again.")

    def finish(self) -> None:
        """Make an object of the parts. Raises Failure if the storage does not accept them, Unreachable."""
        parts = "".join(
            f"<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>"
            for number, etag in sorted(self._etags.items())
        )
        body = f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()
        answer, content = ask("POST", self._complete_url, {"Content-Type": "application/xml"}, body, WHAT)
        # S3 begins its answer before it is done, so an error may come with status 200.
        if answer.status != 200 or _FAILED.search(content):
            raise not_accepted(answer, content)

    def _take(self, links: dict[str, Any]) -> None:
        self._part_bytes: int = links["partBytes"]
        self._complete_url: str = links["completeUrl"]
        self._missing: dict[int, str] = {part["number"]: part["url"] for part in links["parts"]}
        self._etags = {part["number"]: part["etag"] for part in links.get("sentParts") or ()}
        self._sent = {number: self._size_of(number) for number in self._etags}

    def _size_of(self, number: int) -> int:
        return min(self._part_bytes, self._size - (number - 1) * self._part_bytes)

    def _send_parts(self, seen: Seen) -> None:
        if self._sent:
            seen(sum(self._sent.values()))
        self._stop.clear()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            try:
                parts = [pool.submit(self._try_part, number, url, seen) for number, url in self._missing.items()]
                wait(parts, return_when=FIRST_EXCEPTION)
            finally:
                self._break_off()
                pool.shutdown(cancel_futures=True)
        failures = [part.exception() for part in parts if not part.cancelled()]
        for failure in failures:
            if failure and not isinstance(failure, Stopped):
                raise failure
        if has_changed(self._file, self._stamp):
            raise _changed()

    def _break_off(self) -> None:
        """End what is still being sent, if anything is."""
        self._stop.set()
        with self._lock:
            for connection in self._open:
                if connection.sock is not None:
                    with suppress(OSError):
                        connection.sock.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits for an answer

    def _try_part(self, number: int, url: str, seen: Seen) -> None:
        for attempt in range(ATTEMPTS):
            try:
                etag = self._send_part(number, url, seen)
            except Exception as failed:
                if self._stop.is_set():
                    raise Stopped from None
                if not isinstance(failed, Unreachable) or attempt == ATTEMPTS - 1:
                    raise
            else:
                if etag is not None:
                    self._etags[number] = etag
                    return
            if self._stop.wait(PAUSE_SECONDS * 2**attempt):
                raise Stopped
        raise Unreachable("The storage is not working; run the command again.")

    def _send_part(self, number: int, url: str, seen: Seen) -> str | None:
        """The part's ETag; None if another attempt may succeed. Raises Expired, Failure, Stopped, Unreachable."""
        with reaching(url, WHAT):
            connection = connect(url)
            with self._lock:
                self._open.add(connection)
            try:
                connection.putrequest("PUT", target(url), skip_accept_encoding=True)
                connection.putheader("Content-Length", str(self._size_of(number)))
                connection.endheaders()
                # If the storage answers before it has everything, its answer is read next.
                with suppress(BrokenPipeError, ConnectionResetError):
                    self._send_blocks(connection, number, seen)
                answer = connection.getresponse()
                content = answer.read()
            finally:
                with self._lock:
                    self._open.discard(connection)
                connection.close()
        if answer.status == 200:
            return str(answer.headers["ETag"])
        self._show(number, 0, seen)
        if answer.status == _EXPIRED:
            raise Expired
        if answer.status in _PASSING:
            return None
        raise not_accepted(answer, content)

    def _send_blocks(self, connection: HTTPConnection, number: int, seen: Seen) -> None:
        start, size, sent = (number - 1) * self._part_bytes, self._size_of(number), 0
        while sent < size:
            if self._stop.is_set():
                raise Stopped
            block = os.pread(self._descriptor, min(BLOCK_BYTES, size - sent), start + sent)
            if not block or has_changed(self._file, self._stamp):
                raise _changed()
            connection.send(block)
            sent += len(block)
            self._show(number, sent, seen)

    def _show(self, number: int, sent: int, seen: Seen) -> None:
        with self._lock:
            self._sent[number] = sent
            seen(sum(self._sent.values()))


def _changed() -> Failure:
    return Failure("The file changed while it was being sent, so nothing of it is imported; run the command again.")
