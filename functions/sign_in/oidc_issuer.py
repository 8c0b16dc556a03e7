"""The OpenID Connect issuer: the endpoints that people are sent to, and the tokens for the code that they bring back.

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
# Difference allowed between the issuer's clock and ours.
_LEEWAY_SECONDS: Final = 60
# No issuer makes tokens valid for more than some days; a larger number must mean something else.
_LONGEST_SECONDS: Final = 31 * 24 * 60 * 60


class SignInFailed(Exception):
    """Signing in failed; the dashboard's page has a text for `reason`."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason


class Endpoints(BaseModel):
    """The fields of the issuer's discovery document that are needed here."""

    model_config = ConfigDict(frozen=True)

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    end_session_endpoint: str | None = None


@cache
def endpoints(issuer: str) -> Endpoints:
    """The issuer's endpoints, looked up once per process. Raises SignInFailed."""
    document = _answer(urllib.request.Request(f"{issuer.rstrip('/')}/.well-known/openid-configuration"))
    try:
        found = Endpoints.model_validate(document)
    except ValidationError as wrong:
        raise SignInFailed(
            "unreachable", "the issuer's discovery document is not what OpenID Connect requires"
        ) from wrong
    if found.issuer != issuer:
        raise SignInFailed("untrusted", "the discovery document names another issuer")
    if not all(map(_is_private, filter(None, (found.authorization_endpoint, found.end_session_endpoint)))):
        raise SignInFailed("untrusted", "an endpoint of the issuer has no TLS")
    return found


def redeem(issuer: str, form: Mapping[str, str], nonce: str, now: float) -> list[dict[str, Any]]:
    """Redeem a code: the claims of the ID token, then those of the access token. Raises SignInFailed.

    The tokens come from the issuer itself over verified TLS, so their signature need not be checked (OpenID Connect
    Core, 3.1.3.7, 6): there are no keys to fetch and no cryptography in the layer.
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
    # Rights may be scopes, which an access token names if it can be read.
    access = _claims(str(answer.get("access_token", ""))) or {"scope": answer.get("scope", "")}
    is_theirs = all(access.get(name, claims[name]) == claims[name] for name in ("iss", "sub"))
    return [claims, access] if is_theirs else [claims]


def _wrong_with(claims: Mapping[str, Any], issuer: str, client_id: str, nonce: str, now: float) -> str | None:
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if claims.get("iss") != issuer:
        return "the token is of another issuer"
    # With several audiences, azp is the one that requested the token (OpenID Connect Core, 3.1.3.7, 4 and 5).
    if client_id not in audiences or claims.get("azp", client_id if len(audiences) == 1 else None) != client_id:
        return "the token is for another client"
    if claims.get("nonce") != nonce:
        return "the token is of another sign-in"
    if not _is_alive(claims.get("exp"), now):
        return "the token has expired"
    return None if has_subject(claims) else "the token names nobody"


def _is_alive(expires: Any, now: float) -> bool:
    """Whether it is a future time that a token may have. Python takes true for a number."""
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
    """Refuses redirects. Tokens are trusted because the issuer sent them over TLS; a redirect could lead elsewhere."""

    def redirect_request(self, *_: Any) -> None:
        """Follow no redirect, which makes it an error."""


_opener: Final = urllib.request.build_opener(_NoRedirect)


def _is_private(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)


def _answer(request: urllib.request.Request) -> dict[str, Any]:
    if not _is_private(request.full_url):
        raise SignInFailed("untrusted", "the issuer's address has no TLS")
    try:
        with _opener.open(request, timeout=TIMEOUT_SECONDS) as answer:
            found = json.loads(answer.read(1 << 20))
    except urllib.error.HTTPError as refused:
        # Its text may quote the request.
        logger.warning("the issuer refused", status=refused.code, host=request.host)
        reason = "refused" if 400 <= refused.code < 500 and request.data else "unreachable"
        raise SignInFailed(reason, f"the issuer answers {refused.code}") from None
    except (OSError, HTTPException, ValueError) as failed:
        raise SignInFailed("unreachable", type(failed).__name__) from failed
    if not isinstance(found, dict):
        raise SignInFailed("unreachable", "the issuer's answer is not a JSON object")
    return found
