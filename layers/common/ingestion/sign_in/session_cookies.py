"""The cookie that a browser shows once somebody has signed in: who they are and what they may do, signed by us.

It holds no token: whoever gets hold of it can ask for pages until it expires, for an hour at most, and nothing else.
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
    """Its holder and their rights; `expires_at` is in seconds since 1970, and it is revoked by its id."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    holder: Actor
    rights: frozenset[Right]
    expires_at: int


def seal(key: bytes, purpose: str, value: Mapping[str, Any]) -> str:
    """*value* as text for a cookie, which only a holder of the key can have written, and for this purpose."""
    text = _encoded(json.dumps(value, separators=(",", ":")).encode())
    return f"{text}.{_encoded(_signature(key, purpose, text))}"


def unseal(key: bytes, purpose: str, sealed: str, now: float) -> dict[str, Any] | None:
    """The value; None if somebody else wrote it, or for another purpose, or it has come to its `expires_at`."""
    text, _, signature = sealed.partition(".")
    if not hmac.compare_digest(signature.encode(), _encoded(_signature(key, purpose, text)).encode()):
        return None
    value: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return value if value["expires_at"] > now else None


def issue(key: bytes, given: SessionCookie) -> str:
    """The sealed text of the cookie."""
    return seal(key, "session", given.model_dump(mode="json"))


def read(key: bytes, cookie: str, now: float) -> SessionCookie | None:
    """The session that a cookie holds; None without one, or if it is over. It may have been revoked since."""
    value = unseal(key, "session", cookie, now)
    try:
        return SessionCookie.model_validate(value) if value is not None else None
    except ValidationError:  # signed by an earlier release, which wrote other cookies
        return None


def cookies_of(event: Mapping[str, Any]) -> dict[str, str]:
    """The cookies of a request that API Gateway hands over (payload 2.0): in a list of their own, or in the header.

    A `__Host-` cookie is of this host alone because browsers see to it, for the very name. Another host of the same
    site may have set one whose name has other blanks before it than HTTP knows (such as U+00A0): that is another name.
    Of two values of one name, one is somebody else's: neither counts.
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
