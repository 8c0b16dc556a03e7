"""Stands in front of the emulator on its two ports and checks each request before ministack sees it.

The HTTP API's port passes requests on to API Gateway, which ministack serves under a path. The AWS port accepts only
signed requests; ministack's other routes there, such as its reset, are closed, since nobody outside needs them.
"""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from local.emulators.ministack import callers, signatures
from local.emulators.ministack.callers import Refused, Scope

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

# Where a custom resource reports its result. On AWS that is a presigned link; here the token in it is as secret.
RESOURCE_ANSWERS = "/_ministack/cfn-response/"
# Services that answer in XML; S3 has its own form, all others use JSON.
QUERY_SERVICES = frozenset({"cloudformation", "ec2", "iam", "monitoring", "rds", "sns", "sts"})


@dataclass(frozen=True)
class Front:
    """ministack behind its two ports. Files say which API is deployed, and which hosts relays use."""

    ministack: App
    aws_port: int
    api_port: int
    api_id_file: Path
    hosts_file: Path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application."""
        if scope["type"] == "lifespan":
            await self.ministack(scope, receive, send)
        elif scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})  # nothing here uses WebSocket
        elif scope["server"][1] == self.api_port:
            await self.ask_api(scope, receive, send)
        else:
            await self.ask_aws(scope, receive, send)

    async def ask_api(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The HTTP API, which checks its callers itself, except for other web pages."""
        try:
            callers.check_form(scope)
            callers.check_host(scope, self.api_port)
            callers.check_api_page(scope, self.api_port)
            if not self.api_id_file.exists():
                raise Refused(503, "ServiceUnavailable", "The local system is starting.")
        except Refused as refused:
            await answer(send, refused.status, *problem(refused))
            return
        await self.ministack(readdressed(scope, self.api_id_file.read_text()), receive, without_cors(send))

    async def ask_aws(self, scope: Scope, receive: Receive, send: Send) -> None:
        """AWS: every request must be signed, except preflights and the results of custom resources."""
        try:
            self.check_aws(scope)
            if callers.is_preflight(scope) or is_resource_answer(scope):
                await self.ministack(scope, receive, send)
                return
            body = await signatures.authenticated(scope, receive)
            await self.ministack(scope, body.receive, send)
            if body.is_other:
                raise Refused(400, "XAmzContentSHA256Mismatch", "x-amz-content-sha256 is not the hash of the body.")
        except Refused as refused:
            await answer(send, refused.status, *aws_error(scope, refused))

    def check_aws(self, scope: Scope) -> None:
        """Raises Refused if the request is for another host, comes from another web page, or uses a closed route."""
        callers.check_form(scope)
        callers.check_host(scope, self.aws_port, self.other_hosts(scope))
        callers.check_aws_page(scope, self.api_port, has_link=signatures.has_link(signatures.query_of(scope)))
        if scope["path"].startswith("/_") and not is_resource_answer(scope):
            raise Refused(403, "AccessDenied", "This address is not served here.")

    def other_hosts(self, scope: Scope) -> frozenset[str]:
        """The registered hosts of relays, read only if a request names a host that is not ours."""
        is_ours = callers.is_loopback(callers.header(scope, "host") or "", self.aws_port)
        return (
            frozenset() if is_ours or not self.hosts_file.exists() else frozenset(self.hosts_file.read_text().split())
        )


def is_resource_answer(scope: Scope) -> bool:
    return bool(scope["method"] == "PUT" and scope["path"].startswith(RESOURCE_ANSWERS))


def readdressed(scope: Scope, api_id: str) -> Scope:
    prefix = f"/_aws/execute-api/{api_id}/$default"
    return {**scope, "path": prefix + scope["path"], "raw_path": prefix.encode() + scope["raw_path"]}


def without_cors(send: Send) -> Send:
    """Remove ministack's permission for every web page to read every answer, which API Gateway does not give either."""

    async def send_on(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            kept = [pair for pair in message["headers"] if not pair[0].lower().startswith(b"access-control-")]
            message = {**message, "headers": kept}
        await send(message)

    return send_on


def problem(refused: Refused) -> tuple[str, str]:
    """An error in the API's form."""
    body = {"status": refused.status, "title": "Not served", "detail": refused.detail, "code": "not_served"}
    return "application/problem+json", json.dumps(body)


def aws_error(scope: Scope, refused: Refused) -> tuple[str, str]:
    """An error in the form of the service that the request is signed for, or in S3's form."""
    authorization = b"".join(value for name, value in scope["headers"] if name.lower() == b"authorization")
    scope_of_key = authorization.partition(b"Credential=")[2].partition(b",")[0].decode("latin-1").split("/")
    service = scope_of_key[3] if len(scope_of_key) == 5 else "s3"
    error = f"<Error><Code>{escape(refused.code)}</Code><Message>{escape(refused.detail)}</Message></Error>"
    if service == "s3":
        return "application/xml", error
    if service in QUERY_SERVICES:
        return "text/xml", f"<ErrorResponse>{error}</ErrorResponse>"
    return "application/json", json.dumps({"__type": refused.code, "message": refused.detail})


async def answer(send: Send, status: int, content_type: str, text: str) -> None:
    body = text.encode()
    headers = [(b"content-type", content_type.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
