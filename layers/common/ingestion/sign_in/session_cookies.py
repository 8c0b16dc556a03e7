"""The session cookie of a browser after signing in: who the user is and what they may do, signed by us.

It contains no token: whoever steals it can request pages until it expires, after an hour at most, and nothing else.
"""

import base64
import hmac
import json
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, ValidationError

from ingestion.sign_in.actors import Actor
from ingestion.sign_in.rights import Right

SESSION_COOKIE: Final = "__Host-session"
COOKIE_SECONDS: Final = 60 * 60


class SessionCookie(BaseModel):
    """The content of a session cookie; `expires_at` is in seconds since 1970. It is revoked by its id."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    holder: Actor
    rights: frozenset[Right]
    expires_at: int


def seal(key: bytes, purpose: str, value: Mapping[str, Any]) -> str:
    """Sign *value* for this purpose, as text for a cookie; only holders of the key can do so."""
    text = _encoded(json.dumps(value, separators=(",", ":")).encode())
    return f"{text}.{_encoded(_signature(key, purpose, text))}"


def unseal(key: bytes, purpose: str, sealed: str, now: float) -> dict[str, Any] | None:
    """Return the signed value; None if the signature is not ours and for this purpose, or the value has expired."""
    text, _, signature = sealed.partition(".")
    if not hmac.compare_digest(signature.encode(), _encoded(_signature(key, purpose, text)).encode()):
        return None
    value: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return value if value["expires_at"] > now else None


def issue(key: bytes, given: SessionCookie) -> str:
    """Write the text of a session cookie."""
    return seal(key, "session", given.model_dump(mode="json"))


def read(key: bytes, cookie: str, now: float) -> SessionCookie | None:
    """Read a session cookie; None if it is invalid or has expired. It may have been revoked."""
    value = unseal(key, "session", cookie, now)
    try:
        return SessionCookie.model_validate(value) if value is not None else None
    except ValidationError:  # signed by an earlier release, whose cookies had another form
        return None


def cookies_of(event: Mapping[str, Any]) -> dict[str, str]:
    """Return the cookies of an API Gateway request (payload 2.0), from its list of cookies and from the header.

    Browsers guarantee that a `__Host-` cookie was set by this host, but only for exactly that prefix. Another host of
    the same site may set a cookie whose name begins with white space that HTTP doesn't trim (such as U+00A0): that is a
    different name. If one name has two values, somebody else set one of them, so neither counts.
    """
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    texts = [text for several in (event.get("cookies") or [], [headers.get("cookie", "")]) for text in several]
    pairs = (text.strip(" \t").partition("=") for several in texts for text in several.split(";"))
    found: dict[str, set[str]] = {}
    for name, _, value in pairs:
        found.setdefault(name, set()).add(value)
    return {name: values.pop() for name, values in found.items() if name and len(values) == 1}


def _signature(key: bytes, purpose: str, text: str) -> bytes:
    return hmac.digest(key, f"{purpose}:{text}".encode(), "sha256")


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
