"""Actors: a person, a program, an AWS principal, or the system itself.

A name alone proves nothing: an issuer's subject may look like somebody's address or like the system's own name. So an
actor has a kind as well as a name, and a person or a program also has an issuer and its subject there.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final, Self

from pydantic import BaseModel, ConfigDict


class ActorKind(StrEnum):
    """What an actor is, whatever its name."""

    PERSON = "person"
    PROGRAM = "program"
    AWS = "aws"
    SYSTEM = "system"
    LOCAL = "local"
    """Whoever uses the machine on which a system without sign-in runs."""


class Actor(BaseModel):
    """Somebody or something that acts. `name` is for display."""

    model_config = ConfigDict(frozen=True)

    kind: ActorKind
    name: str
    issuer: str | None = None
    subject: str | None = None

    @classmethod
    def of_claims(cls, claims: Mapping[str, Any]) -> Self:
        """Return the subject of a verified token. Raises KeyError if the token has none."""
        issuer, subject = str(claims.get("iss", "")), str(claims["sub"])
        kind = ActorKind.PROGRAM if _is_of_a_program(claims) else ActorKind.PERSON
        address = _address(claims) if kind is ActorKind.PERSON else None
        return cls(kind=kind, name=address or _name(issuer, subject), issuer=issuer or None, subject=subject)

    @classmethod
    def of_principal(cls, principal: str) -> Self:
        """Return the principal that an S3 event names (`AWS:AROA…:session`)."""
        return cls(kind=ActorKind.AWS, name=principal)


LONGEST_SUBJECT: Final = 255
"""https://openid.net/specs/openid-connect-core-1_0.html#IDToken"""
LONGEST_ADDRESS: Final = 254
"""https://www.rfc-editor.org/errata/eid1690"""

SYSTEM: Final = Actor(kind=ActorKind.SYSTEM, name="kintell-ingest")
"""The actor of what the system does by itself."""

LOCAL: Final = Actor(kind=ActorKind.LOCAL, name="local")


def has_subject(claims: Mapping[str, Any]) -> bool:
    """Whether the claims have a subject that the audit trail can store and a reader sees as it is."""
    subject = claims.get("sub")
    return isinstance(subject, str) and 0 < len(subject) <= LONGEST_SUBJECT and _is_seen(subject)


def _is_seen(text: str) -> bool:
    """Whether no character is invisible or reverses the text, so that names that look alike are the same."""
    return text.isprintable() and text == text.strip()


def _name(issuer: str, subject: str) -> str:
    """Name a subject with its issuer, so that nobody mistakes it for an address, a principal or the system."""
    return f"{subject} ({issuer})" if issuer else subject


def _address(claims: Mapping[str, Any]) -> str | None:
    """Return the address that the issuer has verified. An unverified one may be anybody's."""
    email, is_verified = claims.get("email"), claims.get("email_verified")
    is_vouched_for = is_verified is True or is_verified == "true"
    if not is_vouched_for or not isinstance(email, str) or len(email) > LONGEST_ADDRESS:
        return None
    return email if "@" in email and " " not in email and _is_seen(email) else None


def _is_of_a_program(claims: Mapping[str, Any]) -> bool:
    """Whether a client got the token for itself: it is its own subject (RFC 9068, 2.2), or the issuer says so.

    `cid` is Okta's name for the client; `idtyp` is Entra ID's for its kind, `gty` Auth0's for the type of grant.
    """
    clients = [claims.get(name) for name in ("client_id", "cid", "azp")]
    return claims["sub"] in clients or claims.get("idtyp") == "app" or claims.get("gty") == "client-credentials"
