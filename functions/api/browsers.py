"""Browsers: the session cookie that they send in place of a token, and where those without one are redirected.

A session cookie opens pages but no route of the API. What a page does for a user, it does at an address of its own;
the API accepts only tokens, which no browser sends by itself.
"""

import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from api.caller import showing
from api.problems import Problem, ProblemCode
from api.route_rights import is_open
from api.routing import database
from ingestion.aws.cookie_key import cookie_key
from ingestion.config import Authentication, settings
from ingestion.database.tables.revoked_cookies import is_revoked, revoke
from ingestion.sign_in.http_edge import may_come_from_here, split_address
from ingestion.sign_in.session_cookies import SESSION_COOKIE, SessionCookie, cookies_of, read

_OF_THE_API: Final = ("/v1/", "/openapi.json", "/health")
_SAFE: Final = ("GET", "HEAD")


def with_cookie(event: dict[str, Any]) -> dict[str, Any]:
    """The request, attributed to the holder of its session cookie. Raises Problem, Unavailable."""
    shown = None if _is_of_the_api(event) or is_open(event) else _cookie_of(event)
    return showing(event, shown) if shown and not is_revoked(database(), shown.id) else event


def sign_out(event: Mapping[str, Any]) -> None:
    """Revoke the session cookie that was sent, if valid, so that no copy of it works either. Raises Unavailable."""
    shown = _cookie_of(event)
    if shown is not None:
        revoke(database(), shown.id, shown.expires_at)


def _cookie_of(event: Mapping[str, Any]) -> SessionCookie | None:
    cookie = cookies_of(event).get(SESSION_COOKIE)
    has_cookies = settings().authentication is not Authentication.NONE
    return read(cookie_key(settings().work_bucket), cookie, time.time()) if cookie and has_cookies else None


def must_come_from_here(event: Mapping[str, Any]) -> None:
    """Raises Problem if another site's page makes the browser do something here."""
    if event["requestContext"]["http"]["method"] in _SAFE or _is_of_the_api(event):
        return
    if not may_come_from_here(event):
        raise Problem(ProblemCode.FORBIDDEN, "This request did not come from a page of this system.")


def is_led_here(event: Mapping[str, Any]) -> bool:
    """Whether another site's page led the browser here: a browser that follows a link from there sends the cookie.

    Somebody who follows such a link does not know what they are about to do. Whatever the audit trail records about
    them must be something that they requested on one of our pages, or typed.
    """
    return _headers(event).get("sec-fetch-site", "same-origin") not in ("same-origin", "none")


def page_of(event: Mapping[str, Any]) -> str | None:
    """The page from which users make the request that *event* makes; None for the API."""
    return None if _is_of_the_api(event) else "/".join(event["rawPath"].split("/")[:3])


def way_in(event: Mapping[str, Any]) -> dict[str, str] | None:
    """Headers that send a browser without a session cookie to sign in; None unless a browser requested a page.

    If htmx requested a part of a page, the whole page goes there.
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


def _headers(event: Mapping[str, Any]) -> dict[str, str]:
    return {name.lower(): value for name, value in (event.get("headers") or {}).items()}
