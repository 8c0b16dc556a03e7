"""Talks to the OpenID Connect issuer: finds its endpoints, redeems codes and refresh tokens, revokes tokens."""

import base64
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from cli import __version__
from cli.command_errors import Failure
from cli.connections import ask, is_here, is_private

Json = dict[str, Any]

# Difference allowed between the issuer's clock and ours.
LEEWAY_SECONDS: Final = 60


class NotLoggedIn(Failure):
    """The issuer returned no token, or none that can be trusted."""


@dataclass(frozen=True)
class Issuer:
    """An issuer's endpoints, with the client id and the scopes to request."""

    url: str
    client_id: str
    scopes: str
    audience: str
    """The audience of the tokens that the API accepts: ID tokens if it is the client, otherwise access tokens."""
    authorization_endpoint: str
    token_endpoint: str
    revocation_endpoint: str | None

    @classmethod
    def of(cls, sign_in: Mapping[str, str]) -> "Issuer":
        """The issuer that the API names in /health. Raises NotLoggedIn, Unreachable."""
        url = sign_in["issuer"]
        document = _ask("GET", url.rstrip("/") + "/.well-known/openid-configuration", None)[1]
        if document.get("issuer") != url:
            called = document.get("issuer") or "nothing"
            raise NotLoggedIn(f'The issuer at {url} identifies itself as "{called}", so it can\'t be trusted.')
        endpoints = [document.get(name) for name in ("authorization_endpoint", "token_endpoint")]
        if not all(isinstance(endpoint, str) for endpoint in endpoints):
            raise NotLoggedIn(f"The server at {url} is not an OpenID Connect issuer.")
        authorization, token = map(str, endpoints)
        if is_here(token) and not is_here(url):
            raise NotLoggedIn(f"The issuer at {url} names an address on this machine, so kintell does not use it.")
        # This address is opened in a browser and shown on a terminal.
        if not is_private(authorization) or not (authorization.isascii() and authorization.isprintable()):
            raise NotLoggedIn(f"The issuer at {url} names a login address without TLS.")
        return cls(
            url,
            sign_in["clientId"],
            sign_in["scopes"],
            sign_in["audience"],
            authorization,
            token,
            document.get("revocation_endpoint"),
        )

    def redeem(self, **form: str) -> Json:
        """The answer to a request for tokens. Raises NotLoggedIn if they are refused, Unreachable."""
        status, answer = _ask("POST", self.token_endpoint, {**form, "client_id": self.client_id})
        if status != 200 or not isinstance(answer.get(self.kind), str):
            why = answer.get("error_description") or answer.get("error") or f"HTTP {status}"
            raise NotLoggedIn(f"The issuer at {self.url} returned no token ({why}); run kintell login.")
        return answer

    @property
    def kind(self) -> str:
        """Which of the tokens the API accepts."""
        return "id_token" if self.audience == self.client_id else "access_token"

    def must_be_for_us(self, id_token: str, nonce: str) -> Json:
        """The claims of an ID token. Raises NotLoggedIn unless it belongs to this login.

        The token comes from the issuer itself over TLS, so its signature need not be checked
        (OpenID Connect Core, 3.1.3.7, 6).
        """
        claims = claims_of(id_token)
        audience = claims.get("aud")
        if claims.get("iss") != self.url:
            raise NotLoggedIn(f'The token comes from the issuer "{claims.get("iss")}", not from {self.url}.')
        audiences = audience if isinstance(audience, list) else [audience]
        # With several audiences, azp is the one that requested the token (OpenID Connect Core, 3.1.3.7, 4 and 5).
        asked = claims.get("azp", self.client_id if len(audiences) == 1 else None)
        if self.client_id not in audiences or asked != self.client_id:
            raise NotLoggedIn("The token was issued to a program other than kintell.")
        if claims.get("nonce") != nonce:
            raise NotLoggedIn("The token belongs to another login; run kintell login again.")
        expires = time_of(claims.get("exp"))
        if expires is None or expires + LEEWAY_SECONDS < time.time():
            raise NotLoggedIn("The token has already expired; is this machine's clock right?")
        return claims

    def revoke(self, refresh_token: str) -> None:
        """Revoke the refresh token (RFC 7009). Raises Failure."""
        if self.revocation_endpoint:
            _ask("POST", self.revocation_endpoint, {"token": refresh_token, "client_id": self.client_id})


def time_of(value: Any) -> float | None:
    """Seconds since 1970; None if the value is not a time. Python takes true for a number, and JSON's NaN too."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and 0 <= value < 2**53 else None


def claims_of(token: str) -> Json:
    """The claims of a token; empty if it can't be read."""
    try:
        text = token.split(".")[1]
        found = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (IndexError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _ask(method: str, url: str, form: Mapping[str, str] | None) -> tuple[int, Json]:
    if not is_private(url):
        raise NotLoggedIn(f"The issuer at {url} has no TLS, so kintell does not use it.")
    headers = {"Accept": "application/json", "User-Agent": f"kintell/{__version__}"}
    body = urlencode(form).encode() if form is not None else None
    if body is not None:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    answer, content = ask(method, url, headers, body, "issuer")
    try:
        found = json.loads(content)
    except ValueError:
        found = None
    return answer.status, found if isinstance(found, dict) else {}
