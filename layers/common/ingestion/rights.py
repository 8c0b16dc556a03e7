"""What somebody may be allowed to do, and how a token says that they are.

A right is a scope of the token, or a group or role of the caller's, with the right's name. The stack's own user pool
gives groups; what an OIDC issuer gives is its affair.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

# `scope` is OAuth's (RFC 8693, 4.2), `scp` what Entra ID and Okta call it.
_CLAIMS: Final = ("scope", "scp", "cognito:groups", "groups", "roles")


class Right(StrEnum):
    """A right by the name that tokens have for it."""

    IMPORTS_READ = "imports.read"
    IMPORTS_WRITE = "imports.write"
    ERRORS_READ = "errors.read"


def granted(claims: Mapping[str, Any]) -> set[str]:
    """The words of the claims that may hold rights; API Gateway writes a list as `[a b]`."""
    texts = (claims.get(name) for name in _CLAIMS)
    words = (word for text in texts if text for word in re.split(r"[\s,\[\]\"']+", str(text)))
    # A scope may begin with the name of its resource server: kintell/imports.read.
    return {word.rpartition("/")[2] for word in words if word}


def name_of(claims: Mapping[str, Any]) -> str | None:
    """The email address by which the audit trail names somebody, or the subject.

    An address that its issuer has not verified may be anybody's.
    """
    is_verified = str(claims.get("email_verified", "true")).lower() == "true"
    found = (is_verified and claims.get("email")) or claims.get("sub")
    return str(found) if found else None
