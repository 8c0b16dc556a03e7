"""Sends requests that no decent client would: any Host, any header, any bytes."""

import http.client
import json
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message
from typing import Any

from local.processes import LOOPBACK

TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class Answer:
    """Status, headers and body."""

    status: int
    headers: Message = field(default_factory=Message)
    body: bytes = b""

    @property
    def code(self) -> str:
        """The error code of AWS or the API; empty if there is no error."""
        if xml := re.search(rb"<Code>(\w+)</Code>", self.body):
            return xml[1].decode()
        try:
            found = json.loads(self.body)
        except ValueError:
            return ""
        return str(found.get("code") or found.get("__type") or "") if isinstance(found, dict) else ""

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def ask(
    port: int, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
) -> Answer:
    """The answer to a request with these headers; a Host among them replaces the right one."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=TIMEOUT_SECONDS)
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in {"Host": f"{LOOPBACK}:{port}", **(headers or {})}.items():
            connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        return Answer(answer.status, answer.headers, answer.read())
    finally:
        connection.close()


def say(port: int, text: bytes) -> bytes:
    """The answer to these exact bytes, until a second of silence or the end."""
    heard = bytearray()
    with socket.create_connection((LOOPBACK, port), timeout=TIMEOUT_SECONDS) as connection:
        connection.sendall(text)
        connection.settimeout(1)
        try:
            while block := connection.recv(65536):
                heard += block
        except TimeoutError:
            pass
    return bytes(heard)
