"""The HTTP API's own port: passes requests on to API Gateway, which ministack serves under a path of the AWS port."""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

OWN_HOSTS = {b"127.0.0.1", b"localhost", b"[::1]"}
# ministack's own switches, one of which forgets all, ask for no key: any web page could throw them.
CLOSED_PATHS = {"/_ministack/reset", "/_ministack/config", "/_localstack/state/reset"}


def in_front_of(ministack: App, api_port: int, api_id_file: str) -> App:
    """ministack as it is on its own port; the API whose id the file holds on *api_port*."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await ministack(scope, receive, send)
        elif scope["server"][1] != api_port:
            if scope["path"].rstrip("/") in CLOSED_PATHS:
                await refuse(send, 403, "This address is not served here.")
            else:
                await ministack(scope, receive, send)
        elif not is_for_this_machine(scope):
            await refuse(send, 421, "The API of the local system answers to 127.0.0.1 and localhost only.")
        elif (api_id := known_api(api_id_file)) is None:
            await refuse(send, 503, "The local system is starting.")
        else:
            await ministack(readdressed(scope, api_id), receive, without_cors(send))

    return app


def known_api(file: str) -> str | None:
    path = Path(file)
    return path.read_text() if path.exists() else None


def is_for_this_machine(scope: Scope) -> bool:
    """A page from elsewhere could reach this port under a host name of its own that resolves to loopback."""
    hosts = [value for name, value in scope["headers"] if name == b"host"]
    return bool(hosts) and all(host.rsplit(b":", 1)[0] in OWN_HOSTS or host in OWN_HOSTS for host in hosts)


def readdressed(scope: Scope, api_id: str) -> Scope:
    prefix = f"/_aws/execute-api/{api_id}/$default"
    raw_path = scope.get("raw_path") or scope["path"].encode()
    return {**scope, "path": prefix + scope["path"], "raw_path": prefix.encode() + raw_path}


def without_cors(send: Send) -> Send:
    """ministack lets every web page read every answer. API Gateway does not unless told to, and nor do we."""

    async def send_on(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            kept = [pair for pair in message["headers"] if not pair[0].lower().startswith(b"access-control-")]
            message = {**message, "headers": kept}
        await send(message)

    return send_on


async def refuse(send: Send, status: int, detail: str) -> None:
    body = json.dumps({"status": status, "title": "Not served", "detail": detail, "code": "not_served"}).encode()
    headers = [(b"content-type", b"application/problem+json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
