"""Stands between the functions and S3, and answers now and then as S3 does on a bad day."""

import http.client
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from local.processes import LOOPBACK

NOT_PASSED_ON = ("expect", "connection", "keep-alive", "transfer-encoding")


class Trouble(StrEnum):
    """What S3 does instead of answering as it should."""

    ERROR_500 = "500"
    ERROR_503 = "503"
    REFUSED = "connection closed before the request was read"
    BROKEN_BODY = "body broken off half-way"
    LOST_ANSWER = "done, but the answer was lost"


ANSWERS = {
    Trouble.ERROR_500: (500, "InternalError", "We encountered an internal error. Please try again."),
    Trouble.ERROR_503: (503, "SlowDown", "Please reduce your request rate."),
}

Choose = Callable[[str], Trouble | None]
"""What happens to the next request, by its method."""


class S3Relay(ThreadingHTTPServer):
    """Listens on a port of its own and passes requests on, but for those that `choose` has trouble for."""

    daemon_threads = True
    request_queue_size = 100

    def __init__(self, s3_port: int) -> None:
        super().__init__((LOOPBACK, 0), _Handler)
        self.s3_port = s3_port
        self.choose: Choose | None = None
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """For AWS_ENDPOINT_URL_S3."""
        return f"http://{LOOPBACK}:{self.server_address[1]}"

    def close(self) -> None:
        """Take no more requests."""
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A function that was killed has closed its connection: nothing to tell."""


class _Handler(BaseHTTPRequestHandler):
    server: S3Relay
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _forward(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        choose = self.server.choose
        trouble = choose(self.command) if choose else None
        if trouble in ANSWERS:
            self._refuse(*ANSWERS[trouble])
        elif trouble is Trouble.REFUSED:
            self._hang_up()
        else:
            status, headers, content = self._ask_s3(body)
            self._answer(status, headers, content, trouble)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _forward  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""

    def _ask_s3(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = http.client.HTTPConnection(LOOPBACK, self.server.s3_port, timeout=120)
        try:
            # With the Host that the function signed.
            connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in NOT_PASSED_ON:
                    connection.putheader(name, value)
            connection.endheaders(body or None)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()

    def _answer(self, status: int, headers: list[tuple[str, str]], content: bytes, trouble: Trouble | None) -> None:
        if trouble is Trouble.LOST_ANSWER:
            self._hang_up()
            return
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in (*NOT_PASSED_ON, "content-length"):
                self.send_header(name, value)
        length = {name.lower(): value for name, value in headers}.get("content-length", "0")
        self.send_header("Content-Length", length if self.command == "HEAD" else str(len(content)))
        self.end_headers()
        if self.command == "HEAD":
            return
        if trouble is Trouble.BROKEN_BODY and content:
            self.wfile.write(content[: len(content) // 2])
            self._hang_up()
            return
        self.wfile.write(content)

    def _refuse(self, status: int, code: str, message: str) -> None:
        content = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()
        self.send_response_only(status)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _hang_up(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
