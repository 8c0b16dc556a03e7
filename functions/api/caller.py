"""Who makes a request: the holder of a session cookie, or the subject of the token that API Gateway has checked."""

import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from ingestion.config import settings
from ingestion.sign_in.actors import LOCAL, Actor, has_subject
from ingestion.sign_in.rights import Right, granted
from ingestion.sign_in.session_cookies import SessionCookie

_BEARER: Final = re.compile(r"(?:Bearer +)?[\w-]+\.([\w-]+)\.[\w-]+", re.ASCII | re.IGNORECASE)
_SHOWN: Final = "sessionCookie"


class Caller(NamedTuple):
    """Who the caller is, and what they may do."""

    actor: Actor
    rights: frozenset[Right]


def caller(event: Mapping[str, Any]) -> Actor:
    """The actor that the audit trail names; where nobody has to sign in, this is the local machine."""
    known = caller_of(event)
    return known.actor if known else LOCAL


def caller_of(event: Mapping[str, Any]) -> Caller | None:
    """The caller; None if neither a session cookie nor a token says who it is."""
    if (shown := shown_cookie(event)) is not None:
        return Caller(shown.holder, shown.rights)
    authorizer = event.get("requestContext", {}).get("authorizer") or {}
    checked = (authorizer.get("jwt") or {}).get("claims")
    claims = _claims(event, checked) if checked else None
    return Caller(Actor.of_claims(claims), granted(claims, settings().rights_claim)) if claims else None


def shown_cookie(event: Mapping[str, Any]) -> SessionCookie | None:
    """The caller's session cookie, checked earlier; None if they sent none."""
    shown: SessionCookie | None = (event.get("requestContext", {}).get("authorizer") or {}).get(_SHOWN)
    return shown


def showing(event: Mapping[str, Any], shown: SessionCookie) -> dict[str, Any]:
    """The request, attributed to the cookie's holder. Only API Gateway and this code write to a request's context."""
    return {**event, "requestContext": {**event["requestContext"], "authorizer": {_SHOWN: shown}}}


def _claims(event: Mapping[str, Any], checked: Mapping[str, Any]) -> dict[str, Any] | None:
    """The token's claims with their own types; None unless it is the token that API Gateway checked.

    API Gateway passes claims on as text, and a list as `[a b]`: one group called `a b` looks the same as two groups.
    """
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    token = _BEARER.fullmatch(headers.get("authorization", ""))
    if token is None:
        return None
    try:
        claims: Any = json.loads(urlsafe_b64decode(token[1] + "=" * (-len(token[1]) % 4)))
    except (ValueError, RecursionError):
        return None
    is_the_same = isinstance(claims, dict) and all(claims.get(name) == checked.get(name) for name in ("iss", "sub"))
    return claims if is_the_same and has_subject(claims) else None
