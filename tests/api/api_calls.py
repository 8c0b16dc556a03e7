"""Calls the API's function as API Gateway does (payload 2.0)."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

from api.app import handler

CONTEXT: Any = SimpleNamespace(
    function_name="api", memory_limit_in_mb=512, invoked_function_arn="arn:api", aws_request_id="1"
)


@dataclass
class Answer:
    """What the function returned."""

    status: int
    headers: dict[str, str]
    text: str
    cookies: tuple[str, ...] = ()

    @property
    def body(self) -> Any:
        """The JSON of it."""
        return json.loads(self.text)

    def is_problem(self, status: int, code: str) -> bool:
        """Whether it is an RFC 9457 problem of this code, and says so in all the places where it must."""
        assert self.headers["Content-Type"] == "application/problem+json", self.text
        assert self.body.keys() - {"errors"} == {"status", "title", "detail", "code"}, self.text
        assert self.body["title"]
        assert self.body["detail"]
        assert not any(word in self.text for word in ("Traceback", "pydantic", 'File "', "pg8000", "SELECT"))
        assert (self.status, self.body["status"], self.body["code"]) == (status, status, code), self.text
        return True


Call = Callable[..., Answer]


def token_of(claims: dict[str, Any]) -> str:
    """A token that says so; its signature is for API Gateway, which has checked it."""
    return f"e30.{urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b'=').decode()}.signature"


def as_texts(claims: dict[str, Any]) -> dict[str, str]:
    """Claims as API Gateway hands them over: a list of `a` and `b` is `[a b]`, and so is one of `a b`."""
    return {
        name: f"[{' '.join(map(str, value))}]" if isinstance(value, list) else str(value).removesuffix(".0")
        for name, value in claims.items()
    }


def event(method: str, path: str, query: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """A request as API Gateway hands it over (payload 2.0), with a token if `claims` are given."""
    claims = more.pop("claims", None)
    headers = more.pop("headers", {"accept": "*/*"})
    if claims:
        headers = {"authorization": f"Bearer {token_of(claims)}", **headers}
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": urlencode(query or {}, errors="surrogatepass"),
        "headers": headers,
        "queryStringParameters": {name: str(value) for name, value in (query or {}).items()} or None,
        "requestContext": {
            "stage": "$default",
            "http": {"method": method, "path": path, "sourceIp": "127.0.0.1"},
            **({"authorizer": {"jwt": {"claims": as_texts(claims)}}} if claims is not None else {}),
        },
        "isBase64Encoded": False,
        **more,
    }


def call(method: str, path: str, query: dict[str, Any] | None = None, **more: Any) -> Answer:
    """Ask the API."""
    result = handler(event(method, path, query, **more), CONTEXT)
    assert isinstance(result["statusCode"], int)
    json.dumps(result)
    assert result["headers"]["Cache-Control"] == "no-store"
    return Answer(int(result["statusCode"]), result["headers"], result["body"], tuple(result.get("cookies", ())))


def walk(get: Call, path: str, **query: Any) -> list[Any]:
    """The items of all pages of a list."""
    items: list[Any] = []
    more: dict[str, str] = {}
    while True:
        page = get(path, **query, **more)
        assert page.status == 200, page.text
        assert page.body.keys() == {"items", "nextCursor"}
        items += page.body["items"]
        if page.body["nextCursor"] is None:
            return items
        more = {"cursor": page.body["nextCursor"]}
