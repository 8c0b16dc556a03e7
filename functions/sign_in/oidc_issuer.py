"""The issuer, as OpenID Connect has it: where people are sent, and what it answers for the code that they bring back.

https://openid.net/specs/openid-connect-core-1_0.html, https://www.rfc-editor.org/rfc/rfc9700
"""

import base64
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from functools import cache
from http.client import HTTPException
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from pydantic import BaseModel, ConfigDict, ValidationError

from ingestion.sign_in.actors import has_subject
from ingestion.telemetry import logger

TIMEOUT_SECONDS: Final = 8
LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
# Its clock and ours.
_LEEWAY_SECONDS: Final = 60
# No issuer lets a token hold for longer than some days; one that says so says something else.
_LONGEST_SECONDS: Final = 31 * 24 * 60 * 60


class SignInFailed(Exception):
    """Nobody is let in; `reason` is a word that the page of it has a text for."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason


class Endpoints(BaseModel):
    """Of the issuer's discovery document, what is needed here."""

    model_config = ConfigDict(frozen=True)

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    end_session_endpoint: str | None = None


@cache
def endpoints(issuer: str) -> Endpoints:
    """Where the issuer is asked, looked up once in a process. Raises SignInFailed."""
    document = _answer(urllib.request.Request(f"{issuer.rstrip('/')}/.well-known/openid-configuration"))
    try:
        found = Endpoints.model_validate(document)
    except ValidationError as wrong:
        raise SignInFailed(
            "unreachable", "what the issuer says of itself is not what OpenID Connect asks for"
        ) from wrong
    if found.issuer != issuer:
        raise SignInFailed("untrusted", "the issuer calls itself otherwise")
    if not all(map(_is_private, filter(None, (found.authorization_endpoint, found.end_session_endpoint)))):
        raise SignInFailed("untrusted", "the issuer sends people to an address without TLS")
    return found


def redeem(issuer: str, form: Mapping[str, str], nonce: str, now: float) -> list[dict[str, Any]]:
    """What the ID token for a code says of who signed in, then what the access token says. Raises SignInFailed.

    They come from the issuer itself over verified TLS, which is why their signature need not be checked
    (OpenID Connect Core, 3.1.3.7, 6): no keys to fetch, no cryptography in the layer.
    """
    request = urllib.request.Request(
        endpoints(issuer).token_endpoint,
        urlencode(form).encode(),
        {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"},
    )
    answer = _answer(request)
    claims = _claims(str(answer.get("id_token", "")))
    if claims is None:
        raise SignInFailed("untrusted", "there is no ID token")
    if wrong := _wrong_with(claims, issuer, form["client_id"], nonce, now):
        raise SignInFailed("untrusted", wrong)
    # Rights may be scopes, of which the access token tells where it is one that can be read.
    access = _claims(str(answer.get("access_token", ""))) or {"scope": answer.get("scope", "")}
    is_theirs = all(access.get(name, claims[name]) == claims[name] for name in ("iss", "sub"))
    return [claims, access] if is_theirs else [claims]


def _wrong_with(claims: Mapping[str, Any], issuer: str, client_id: str, nonce: str, now: float) -> str | None:
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if claims.get("iss") != issuer:
        return "the token is of another issuer"
    # Among several audiences, azp is the one that asked for it (OpenID Connect Core, 3.1.3.7, 4 and 5).
    if client_id not in audiences or claims.get("azp", client_id if len(audiences) == 1 else None) != client_id:
        return "the token is for another client"
    if claims.get("nonce") != nonce:
        return "the token is of another sign-in"
    if not _is_alive(claims.get("exp"), now):
        return "the token has expired"
    return None if has_subject(claims) else "the token says nobody's name"


def _is_alive(expires: Any, now: float) -> bool:
    """Whether it is a time that is not over yet, and that a token may have. To Python, true is a number."""
    is_number = isinstance(expires, int | float) and not isinstance(expires, bool)
    return is_number and now - _LEEWAY_SECONDS <= expires <= now + _LONGEST_SECONDS


def _claims(token: str) -> dict[str, Any] | None:
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        found = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Tokens are believed because the issuer gave them by TLS; a redirect may lead to who did not, or without it."""

    def redirect_request(self, *_: Any) -> None:
        """Stays where it is: the redirect is an error."""


_opener: Final = urllib.request.build_opener(_NoRedirect)


def _is_private(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)


def _answer(request: urllib.request.Request) -> dict[str, Any]:
    if not _is_private(request.full_url):
        raise SignInFailed("untrusted", "the issuer is not asked without TLS")
    try:
        with _opener.open(request, timeout=TIMEOUT_SECONDS) as answer:
            found = json.loads(answer.read(1 << 20))
    except urllib.error.HTTPError as refused:
        # Its text may quote what was sent.
        logger.warning("the issuer refused", status=refused.code, host=request.host)
        reason = "refused" if 400 <= refused.code < 500 and request.data else "unreachable"
        raise SignInFailed(reason, f"the issuer answers {refused.code}") from None
    except (OSError, HTTPException, ValueError) as failed:
        raise SignInFailed("unreachable", type(failed).__name__) from failed
    if not isinstance(found, dict):
        raise SignInFailed("unreachable", "the issuer's answer is no JSON object")
    return found
