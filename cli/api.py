"""The HTTP API: JSON in and out, lists page by page, problems as exceptions."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPResponse
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

import click

from cli import __version__
from cli.command_errors import ApiProblem, Failure, Unreachable
from cli.connections import ask, is_here, is_private

DEFAULT_URL: Final = "http://127.0.0.1:3002"
HEALTH: Final = "/health"
"""Open to everybody; the login command reads it before anybody is logged in."""

PAGE_ITEMS: Final = 200
"""The API's maximum page size."""

Json = dict[str, Any]


@dataclass(frozen=True)
class Page:
    """A part of a list; more of it follows where `next_cursor` is not None."""

    items: list[Json]
    next_cursor: str | None


@dataclass(frozen=True)
class Api:
    """The API's address, and the token to send: one that was given, otherwise that of a login."""

    url: str
    token: str | None = None
    login: Callable[[str], str | None] = lambda url: None

    @classmethod
    def at(cls, url: str, token: str | None, login: Callable[[str], str | None] = lambda url: None) -> "Api":
        """The API at an address from the user. Raises click.UsageError."""
        try:
            parts = urlsplit(url.strip())
            is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            is_address = False
        if not is_address:
            raise click.UsageError(f'KINTELL_API_URL is "{url}"; write an address such as {DEFAULT_URL}.')
        token = (token or "").strip() or None
        if token and not (token.isascii() and token.isprintable()):
            raise click.UsageError("KINTELL_TOKEN holds characters that cannot be part of a token; copy it again.")
        api = cls(url.strip().rstrip("/"), token, login)
        if token:
            api.must_be_private()
        return api

    def must_be_private(self) -> None:
        """Raises click.UsageError if others could read a token on the way to the API."""
        if not is_private(self.url):
            raise click.UsageError(
                f'KINTELL_API_URL is "{self.url}"; tokens are sent only over https, or to this machine. Use https://.'
            )

    def checked_link(self, url: str) -> str:
        """A link from the API. It must not be less safe than the API, and a remote API must not point it at services on
        this machine. Raises Failure."""
        if is_private(self.url) and not is_private(url):
            raise Failure(f"The API at {self.url} returned a link without TLS, so kintell does not use it.")
        if is_here(url) and not is_here(self.url):
            raise Failure(f"The API at {self.url} returned a link to this machine, so kintell does not use it.")
        return url

    def get(self, path: str, **query: Any) -> Json:
        """The answer to a GET; parameters that are None are left out. Raises ApiProblem, Unreachable."""
        asked = urlencode({name: value for name, value in query.items() if value is not None})
        return self._ask("GET", f"{path}?{asked}" if asked else path, None)

    def post(self, path: str, body: Json) -> Json:
        """The answer to a POST. Raises ApiProblem, Unreachable."""
        return self._ask("POST", path, json.dumps(body).encode())

    def pages(self, path: str, limit: int | None, **query: Any) -> Iterator[Page]:
        """The pages of a list: at most *limit* items, or all of them. Raises ApiProblem, Unreachable."""
        cursor: str | None = None
        while limit is None or limit > 0:
            wanted = PAGE_ITEMS if limit is None else min(limit, PAGE_ITEMS)
            answer = self.get(path, limit=wanted, cursor=cursor, **query)
            page = Page(answer["items"], answer["nextCursor"])
            yield page
            limit = None if limit is None else limit - len(page.items)
            cursor = page.next_cursor
            if cursor is None:
                return

    def _ask(self, method: str, path: str, body: bytes | None) -> Json:
        url = self.url + path
        headers = {"Accept": "application/json", "User-Agent": f"kintell/{__version__}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        # Looked up for each request, since watching may outlast a token.
        token = (self.token or self.login(self.url)) if path != HEALTH else None
        if token:
            self.must_be_private()
            headers["Authorization"] = f"Bearer {token}"
        answer, content = ask(method, url, headers, body, "API")
        return self._understood(answer, content, token)

    def _understood(self, answer: HTTPResponse, content: bytes, token: str | None) -> Json:
        try:
            found = json.loads(content)
        except ValueError:
            found = None
        body: Json = found if isinstance(found, dict) else {}
        if 200 <= answer.status < 300 and body:
            return body
        if answer.status == 401:
            raise ApiProblem(401, "unauthorized", f"The API at {self.url} {self._unknown(token)}.")
        if "detail" in body and "code" in body:
            raise ApiProblem(answer.status, str(body["code"]), str(body["detail"]))
        if answer.status == 403:
            raise ApiProblem(403, "forbidden", f"The API at {self.url} does not allow you to do this.")
        if answer.status in (429, 500, 502, 503, 504):
            raise ApiProblem(
                answer.status, "unavailable", f"The API at {self.url} is not working ({answer.status}); try again."
            )
        raise Unreachable(
            f"The server at {self.url} is not the Kintell API (HTTP {answer.status}); check KINTELL_API_URL."
        )

    def _unknown(self, token: str | None) -> str:
        if self.token:
            return "does not accept the token in KINTELL_TOKEN; it may have expired"
        if token:
            return "does not accept your login; run kintell login again"
        return "requires a login; run kintell login, or set KINTELL_TOKEN"


def batch_path(batch_id: str, part: str = "") -> str:
    """The path of a batch's record, or of a part of it such as `/audit`."""
    return f"/v1/import/batches/{batch_id}{part}"


def backfill_path(batch_id: str, part: str) -> str:
    """The path of a batch's `/status` or `/errors`."""
    return f"/v1/import/backfill/{batch_id}{part}"


def upload_path(upload_id: str = "", part: str = "") -> str:
    """The path of an upload or of a part of it such as `/parts`, or of the list of uploads."""
    return f"/v1/import/uploads/{upload_id}{part}".rstrip("/")


def session_path(session_id: str, what: str = "lineage") -> str:
    """The path of a session's lineage, or its explanation; its id may hold anything."""
    return f"/v1/sessions/{quote(session_id, safe='')}/{what}"
