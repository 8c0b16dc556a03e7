"""The API's function behind a real port, and the storage that its links lead to (moto's) behind the same."""

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests

from api.app import handler
from tests.api.api_calls import CONTEXT

LINK = re.compile(r'https://([^/"]*amazonaws\.com)/')


@dataclass
class Request:
    """What the command sent."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Loopback:
    """`url` is what KINTELL_API_URL says. The function's links are led through here, so that we see what is sent."""

    url: str = ""
    seen: list[Request] = field(default_factory=list)
    when_stored: Callable[[str], None] = lambda upload_id: None
    """Called with the id of an upload once its file is in the storage: the test does what the pipeline would."""
    before: Callable[[int], None] = lambda number: None
    """Called with the number of each request, from 1, before it is answered."""
    answers_first: list[tuple[int, bytes]] = field(default_factory=list)
    """Given out, in this order, in place of the function's answers."""
    claims_of: Callable[[str], dict[str, Any] | None] | None = None
    """In the place of API Gateway's authoriser: what a bearer token says, None if it is not accepted."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, request: Request) -> tuple[int, dict[str, str], bytes]:
        """One request after another: the function has one connection to the database."""
        with self.lock:
            self.seen.append(request)
            self.before(len(self.seen))
            if request.path.startswith("/storage/"):
                return self._of_storage(request)
            if self.answers_first:
                status, body = self.answers_first.pop(0)
                return status, {"Content-Type": "text/html"}, body
            return self._of_function(request)

    def _of_function(self, request: Request) -> tuple[int, dict[str, str], bytes]:
        parts = urlsplit(request.path)
        authorizer: dict[str, Any] = {}
        if self.claims_of is not None and parts.path != "/health":
            claims = self.claims_of(request.headers.get("Authorization", "").removeprefix("Bearer "))
            if claims is None:
                return 401, {"Content-Type": "application/json"}, b'{"message":"Unauthorized"}'
            authorizer = {"authorizer": {"jwt": {"claims": {name: str(value) for name, value in claims.items()}}}}
        result = handler(
            {
                "version": "2.0",
                "routeKey": "$default",
                "rawPath": parts.path,
                "rawQueryString": parts.query,
                "headers": {name.lower(): value for name, value in request.headers.items()},
                "queryStringParameters": dict(parse_qsl(parts.query)) or None,
                "requestContext": {
                    "stage": "$default",
                    "http": {"method": request.method, "path": parts.path, "sourceIp": "127.0.0.1"},
                    **authorizer,
                },
                "body": request.body.decode() or None,
                "isBase64Encoded": False,
            },
            CONTEXT,
        )
        body = LINK.sub(rf"{self.url}/storage/\1/", result["body"])
        return int(result["statusCode"]), result["headers"], body.encode()

    def _of_storage(self, request: Request) -> tuple[int, dict[str, str], bytes]:
        url = "https://" + request.path.removeprefix("/storage/")
        headers = {name: value for name, value in request.headers.items() if name.lower() != "host"}
        found = requests.request(request.method, url, headers=headers, data=request.body, timeout=5)
        if request.method == "PUT" and found.status_code == 200:
            self.when_stored(headers["x-amz-meta-upload-id"])
        return found.status_code, {"Content-Type": found.headers.get("Content-Type", "")}, found.content


def serving(loopback: Loopback) -> ThreadingHTTPServer:
    """A server on a free port; the caller runs and ends it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            if len(body) < length:
                return  # broken off: S3 keeps nothing of it
            request = Request(self.command, self.path, dict(self.headers.items()), body)
            status, headers, content = loopback.answer(request)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_PUT = do_GET  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    loopback.url = f"http://127.0.0.1:{server.server_address[1]}"
    return server
