"""Signing in with a browser: the authorization code flow with PKCE (RFC 7636), which ends with a session cookie.

A sealed cookie holds the state between the two halves of the flow; the function stores nothing.
"""

import base64
import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode
from uuid import uuid4

from ingestion.config import Settings
from ingestion.sign_in.actors import Actor
from ingestion.sign_in.rights import granted
from ingestion.sign_in.session_cookies import (
    COOKIE_SECONDS,
    SESSION_COOKIE,
    SessionCookie,
    cookies_of,
    issue,
    seal,
    unseal,
)
from ingestion.telemetry import logger
from sign_in.oidc_issuer import LOOPBACK, SignInFailed, endpoints, redeem

ENTRY_SECONDS: Final = 10 * 60
"""How long signing in may take."""

_ENTRY_COOKIE: Final = "__Host-entry-"
# A path of ours in characters that URLs allow: after two slashes, or a backslash that browsers read as one, comes a
# host.
_BACK: Final = re.compile(r"/(?:[!-.0-\[\]-~][!-\[\]-~]{0,1000})?")

_OAUTH_ERROR: Final = re.compile(r"\A[a-z_]{1,40}\Z")


class Answer(NamedTuple):
    """Where the browser goes next, and the cookies that it stores or deletes."""

    location: str
    cookies: tuple[str, ...] = ()


def begin(settings: Settings, key: bytes, event: Mapping[str, Any]) -> Answer:
    """Redirect to the issuer, and afterwards back to where the user was. Raises SignInFailed."""
    state, nonce, verifier = (secrets.token_urlsafe(size) for size in (24, 24, 48))
    back = _parameter(event, "back")
    entry = {
        "state": state,
        "nonce": nonce,
        "verifier": verifier,
        "back": back if _BACK.fullmatch(back) else "/",
        "expires_at": int(time.time()) + ENTRY_SECONDS,
    }
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {
        "response_type": "code",
        "client_id": settings.dashboard_client_id,
        "redirect_uri": _own_address(event) + "/callback",
        "scope": settings.scopes,
        "state": state,
        "nonce": nonce,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    location = _with(endpoints(settings.issuer).authorization_endpoint, asked)
    return Answer(location, (_cookie(_entry_name(state), seal(key, "entry", entry), ENTRY_SECONDS),))


def finish(settings: Settings, key: bytes, event: Mapping[str, Any]) -> Answer:
    """Give a session cookie to a user who comes back from the issuer. Raises SignInFailed."""
    now, state = time.time(), _parameter(event, "state")
    entry = unseal(key, "entry", cookies_of(event).get(_entry_name(state), ""), now)
    if entry is None or not hmac.compare_digest(entry["state"].encode(), state.encode()):
        raise SignInFailed("stale")
    if _parameter(event, "error") or not _parameter(event, "code"):
        # Anybody can write an address, so only a word that OAuth defines is logged.
        raise SignInFailed("refused", "".join(_OAUTH_ERROR.findall(_parameter(event, "error"))))
    form = {
        "grant_type": "authorization_code",
        "code": _parameter(event, "code"),
        "redirect_uri": _own_address(event) + "/callback",
        "client_id": settings.dashboard_client_id,
        "code_verifier": entry["verifier"],
    }
    tokens = redeem(settings.issuer, form, entry["nonce"], now)
    given = _session_cookie(tokens, settings.rights_claim, now)
    logger.info("signed in", rights=sorted(given.rights), cookie_id=str(given.id))
    cookies = (_cookie(SESSION_COOKIE, issue(key, given), COOKIE_SECONDS), _cookie(_entry_name(state), "", 0))
    return Answer(entry["back"], cookies)


def leave_issuer(settings: Settings, event: Mapping[str, Any]) -> Answer:
    """Redirect to the issuer to sign out there too, so that it asks the next user to sign in. Raises SignInFailed.

    The session cookie goes too: nobody stays signed in here whom the issuer has forgotten.
    """
    forgotten = (_cookie(SESSION_COOKIE, "", 0),)
    end = endpoints(settings.issuer).end_session_endpoint
    if end is None:
        return Answer("/signed-out", forgotten)
    back = _own_address(event) + "/signed-out"
    # Cognito's name for the parameter, and the name in OpenID Connect RP-Initiated Logout.
    asked = {"client_id": settings.dashboard_client_id, "logout_uri": back, "post_logout_redirect_uri": back}
    return Answer(_with(end, asked), forgotten)


def _session_cookie(tokens: list[dict[str, Any]], rights_claim: str, now: float) -> SessionCookie:
    return SessionCookie(
        id=uuid4(),
        holder=Actor.of_claims(tokens[0]),
        rights=frozenset().union(*(granted(token, rights_claim) for token in tokens)),
        expires_at=int(now) + COOKIE_SECONDS,
    )


def _own_address(event: Mapping[str, Any]) -> str:
    """This system's address as the browser sees it; the issuer refuses addresses that were not registered with it."""
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    host = str(headers.get("host", ""))
    is_loopback = host.rpartition(":")[0].strip("[]") in LOOPBACK
    return f"{'http' if is_loopback else 'https'}://{host}"


def _with(address: str, query: Mapping[str, str]) -> str:
    """Add a query to an address, which may already have one."""
    return f"{address}{'&' if '?' in address else '?'}{urlencode(query)}"


def _parameter(event: Mapping[str, Any], name: str) -> str:
    return str((event.get("queryStringParameters") or {}).get(name, ""))


def _entry_name(state: str) -> str:
    # One for each tab in which the user signs in.
    return _ENTRY_COOKIE + re.sub(r"[^A-Za-z0-9_-]", "", state[:8])


def _cookie(name: str, value: str, seconds: int) -> str:
    """A cookie for this host only, which scripts can't read and another site's page can't use to change anything here.
    Lax, not Strict, because users come back from the issuer, which is another site."""
    return f"{name}={value}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Lax"
