"""Transfers files to and from the storage by presigned links, in blocks, never with a whole file in memory."""

import os
import re
from collections.abc import Callable
from http.client import HTTPResponse
from types import TracebackType
from typing import Any, BinaryIO, Protocol, Self

from cli.command_errors import Failure, Unreachable
from cli.connections import BLOCK_BYTES, connect, reaching, target

Seen = Callable[[int], None]
"""Receives the number of bytes sent so far."""


class Writable(Protocol):
    """The target of a download."""

    def write(self, block: bytes, /) -> object:
        """Write a block."""


_S3_CODE = re.compile(rb"<Code>([A-Za-z]{1,60})</Code>")
WHAT = "storage"


class Sending:
    """One request that uploads an open file: first `send` its bytes, then `finish`.

    A request that breaks off before its last byte leaves no object behind.
    """

    def __init__(self, link: dict[str, Any], file: BinaryIO, size_bytes: int) -> None:
        self._url: str = link["url"]
        self._link = link
        self._file = file
        self._size = size_bytes
        self._stamp = stamp_of(file)
        self._connection = connect(self._url)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._connection.close()

    def send(self, seen: Seen) -> None:
        """Send the file's bytes. Raises Failure if the file changes meanwhile, Unreachable."""
        headers = {name: value for name, value in self._link["headers"].items() if name.lower() != "content-length"}
        with reaching(self._url, WHAT):
            self._connection.putrequest(self._link["method"], target(self._url), skip_accept_encoding=True)
            for name, value in headers.items():
                self._connection.putheader(name, value)
            self._connection.putheader("Content-Length", str(self._size))
            self._connection.endheaders()
            try:
                self._send_blocks(seen)
            except (BrokenPipeError, ConnectionResetError):
                return  # the storage answered before it had everything; its answer is read next

    def _send_blocks(self, seen: Seen) -> None:
        sent = 0
        while sent < self._size:
            block = self._file.read(min(BLOCK_BYTES, self._size - sent))
            if not block or (sent + len(block) == self._size and self._has_changed()):
                raise Failure(
                    "The file changed while it was being sent, so nothing of it is imported; run the command again."
                )
            self._connection.send(block)
            sent += len(block)
            seen(sent)

    def _has_changed(self) -> bool:
        return has_changed(self._file, self._stamp)

    def finish(self) -> None:
        """Wait until the storage has the file. Raises Failure if the storage does not accept it, Unreachable."""
        with reaching(self._url, WHAT):
            answer = self._connection.getresponse()
            content = answer.read()
        if not 200 <= answer.status < 300:
            raise not_accepted(answer, content)


def download(url: str, out: Writable) -> None:
    """Download the file at a link. Raises Failure, Unreachable."""
    connection = connect(url)
    try:
        with reaching(url, WHAT):
            connection.request("GET", target(url))
            answer = connection.getresponse()
        if answer.status != 200:
            with reaching(url, WHAT):
                content = answer.read()
            raise Failure(f"The storage did not deliver the file ({_said(answer, content)}); run the command again.")
        _copy(url, answer, out)
    finally:
        connection.close()


def _copy(url: str, answer: HTTPResponse, out: Writable) -> None:
    expected = answer.length
    got = 0
    while True:
        with reaching(url, WHAT):
            block = answer.read(BLOCK_BYTES)
        if not block:
            break
        out.write(block)  # not inside `reaching`: a full disk is not a broken connection
        got += len(block)
    if expected is not None and got != expected:
        raise Unreachable("The download broke off; run the command again.")


def stamp_of(file: BinaryIO) -> tuple[int, int]:
    """Size and time of an open file, which change with its content."""
    found = os.fstat(file.fileno())
    return found.st_size, found.st_mtime_ns


def has_changed(file: BinaryIO, stamp: tuple[int, int]) -> bool:
    """Whether the file has changed since *stamp*."""
    return stamp_of(file) != stamp


def not_accepted(answer: HTTPResponse, content: bytes) -> Failure:
    """The storage's refusal, as an error of the command."""
    said = _said(answer, content)
    return Failure(f"The storage did not accept the file ({said}), so nothing is imported; run the command again.")


def _said(answer: HTTPResponse, content: bytes) -> str:
    code = _S3_CODE.search(content)
    return f"{answer.status} {code.group(1).decode() if code else answer.reason}"
