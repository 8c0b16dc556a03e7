"""The HTTP edge behind API Gateway (payload 2.0): normalise what clients send, protect answers with headers."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")

NOTHING_RUNS: Final = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""The Content-Security-Policy of answers that set none of their own."""

_GUARDS: Final = {
    # Answers contain personal data, which no cache on the way may keep.
    "Cache-Control": "no-store",
    "Content-Security-Policy": NOTHING_RUNS,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # No page of another origin may control our windows, or embed an answer as an image or a script; this includes
    # sibling hosts, whose requests carry the session cookie.
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
}
_TLS_FOR_A_YEAR: Final = "max-age=31536000"


def regular_texts(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return the event with lower-case header names and without half surrogate pairs, which can't be encoded."""
    return {
        **event,
        "rawPath": _text(event.get("rawPath") or "/"),
        "rawQueryString": _text(event.get("rawQueryString")),
        "headers": {name.lower(): value for name, value in _texts(event.get("headers")).items()},
        "queryStringParameters": _texts(event.get("queryStringParameters")) or None,
        "cookies": [_text(cookie) for cookie in event.get("cookies") or []],
    }


def _texts(given: Mapping[str, Any] | None) -> dict[str, str]:
    return {_text(name): _text(value) for name, value in (given or {}).items()}


def _text(given: Any) -> str:
    return "" if given is None else str(given).encode("utf-8", "replace").decode()


def split_address(address: str) -> SplitResult | None:
    """Split an address that a client sent; None if it isn't one."""
    try:
        return urlsplit(address)
    except ValueError:
        return None


def may_come_from_here(event: Mapping[str, Any]) -> bool:
    """False if a page of another site has a browser send this.

    SameSite keeps the session cookie from being sent then; this asks the browser itself who sends it: by
    `Sec-Fetch-Site`, or an old one by `Origin`. Whoever sends neither is no browser, and nobody else has a cookie
    without knowing it.
    """
    headers = {str(name).lower(): str(value) for name, value in (event.get("headers") or {}).items()}
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site:
        return site == "same-origin"
    address = split_address(origin) if origin is not None else None
    return origin is None or (address is not None and address.netloc == headers.get("host"))


def guard(answer: dict[str, Any], event: Mapping[str, Any]) -> dict[str, Any]:
    """Add each protective header that the answer doesn't have."""
    guards = {**_GUARDS, "Strict-Transport-Security": _TLS_FOR_A_YEAR} if _is_by_tls(event) else _GUARDS
    own = answer.get("headers") or {}
    named = {name.lower() for name in own}
    return {**answer, "headers": {**own, **{name: guards[name] for name in guards if name.lower() not in named}}}


def _is_by_tls(event: Mapping[str, Any]) -> bool:
    """Whether the client used TLS: always with API Gateway, never on the local system."""
    headers = {str(name).lower(): str(value) for name, value in (event.get("headers") or {}).items()}
    host = headers.get("host", "")
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    return headers.get("x-forwarded-proto", "https") == "https" and name.strip("[]") not in LOOPBACK
