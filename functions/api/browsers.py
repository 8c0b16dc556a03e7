"""Browsers: the pass that they show in place of a token, and where those go who have none.

A pass opens pages and no route of the API: what a page does on somebody's behalf it does at an address of its own, and
the API takes tokens, which no browser sends unasked.
"""

import time
from collections.abc import Mapping
from functools import cache
from typing import Any, Final
from urllib.parse import urlencode

from api.caller import showing
from api.problems import Problem, ProblemCode
from api.route_rights import is_open
from api.routing import database
from ingestion.aws.secrets import read_secret
from ingestion.config import Authentication, settings
from ingestion.database.tables.revoked_cookies import is_revoked, revoke
from ingestion.sign_in.http_edge import split_address
from ingestion.sign_in.session_cookies import SESSION_COOKIE, SessionCookie, cookies_of, read

_OF_THE_API: Final = ("/v1/", "/openapi.json", "/health")
_SAFE: Final = ("GET", "HEAD")


def with_cookie(event: dict[str, Any]) -> dict[str, Any]:
    """The request, as that of who holds the pass that it shows. Raises Problem, Unavailable."""
    shown = None if _is_of_the_api(event) or is_open(event) else _cookie_of(event)
    return showing(event, shown) if shown and not is_revoked(database(), shown.id) else event


def sign_out(event: Mapping[str, Any]) -> None:
    """Revoke the pass that is shown, if it is one: a copy of it opens nothing any more either. Raises Unavailable."""
    shown = _cookie_of(event)
    if shown is not None:
        revoke(database(), shown.id, shown.expires_at)


def _cookie_of(event: Mapping[str, Any]) -> SessionCookie | None:
    cookie = cookies_of(event).get(SESSION_COOKIE)
    has_cookies = settings().authentication is not Authentication.NONE
    return read(cookie_key(), cookie, time.time()) if cookie and has_cookies else None


def must_come_from_here(event: Mapping[str, Any]) -> None:
    """Raises Problem if a page of somebody else's has a browser do something here.

    SameSite keeps the pass from being sent then; this asks the browser itself who sends it: by `Sec-Fetch-Site`, or an
    old one by `Origin`. Whoever sends neither is no browser, and nobody else has a pass without knowing it.
    """
    if event["requestContext"]["http"]["method"] in _SAFE or _is_of_the_api(event):
        return
    headers = _headers(event)
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    address = split_address(origin) if origin is not None else None
    is_ours = origin is None or (address is not None and address.netloc == headers.get("host"))
    if not (site == "same-origin" if site else is_ours):
        raise Problem(ProblemCode.FORBIDDEN, "This was not asked for by a page of this system.")


def is_led_here(event: Mapping[str, Any]) -> bool:
    """Whether a browser asks because of another site's page: a link there is followed with the pass.

    Nobody who follows it knows what they will have done. What the audit trail tells of somebody they must have asked
    for on a page of ours, or have typed.
    """
    return _headers(event).get("sec-fetch-site", "same-origin") not in ("same-origin", "none")


def page_of(event: Mapping[str, Any]) -> str | None:
    """The page on which somebody asks for what *event* asks for; None for the API."""
    return None if _is_of_the_api(event) else "/".join(event["rawPath"].split("/")[:3])


def way_in(event: Mapping[str, Any]) -> dict[str, str] | None:
    """The headers that lead a browser without a pass to where it gets one; None for who is no browser at a page.

    A part of a page that is asked for in place leads the whole page there.
    """
    headers = _headers(event)
    if event["requestContext"]["http"]["method"] != "GET" or _is_of_the_api(event):
        return None
    if headers.get("hx-request"):
        shown = split_address(headers.get("hx-current-url", "/"))
        return {"HX-Redirect": _login(shown.path, shown.query) if shown else _login("/", "")}
    if "text/html" not in headers.get("accept", ""):
        return None
    return {"Location": _login(str(event.get("rawPath", "/")), str(event.get("rawQueryString") or ""))}


def _login(path: str, query: str) -> str:
    return f"/login?{urlencode({'back': f'{path}?{query}' if query else path})}"


def _is_of_the_api(event: Mapping[str, Any]) -> bool:
    return str(event.get("rawPath", "")).startswith(_OF_THE_API)


def cookie_key() -> bytes:
    """What passes are signed with. Raises Unavailable."""
    return _key(settings().cookie_key_arn)


def _headers(event: Mapping[str, Any]) -> dict[str, str]:
    return {name.lower(): value for name, value in (event.get("headers") or {}).items()}


@cache
def _key(arn: str) -> bytes:
    return read_secret(arn).encode()
