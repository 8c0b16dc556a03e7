"""The pass that a browser shows once somebody has signed in: who they are and what they may do, signed by us.

It holds no token: who gets hold of a pass can ask for pages for as long as it holds, an hour at most, and nothing else.
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

SESSION_COOKIE: Final = "__Host-pass"
COOKIE_SECONDS: Final = 60 * 60


class Pass(BaseModel):
    """Whose it is; their rights; until when, in seconds since 1970. Its id is what it is revoked by."""

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


def issue(key: bytes, given: Pass) -> str:
    """The pass as its cookie has it."""
    return seal(key, "pass", given.model_dump(mode="json"))


def read(key: bytes, cookie: str, now: float) -> Pass | None:
    """The pass that a cookie holds; None if it holds none, or one that is over. It may have been revoked since."""
    value = unseal(key, "pass", cookie, now)
    try:
        return Pass.model_validate(value) if value is not None else None
    except ValidationError:  # signed by an earlier release, which wrote other passes
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
