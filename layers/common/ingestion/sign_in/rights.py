"""What somebody may be allowed to do, and how a token says that they are.

One claim of the token says so, which the stack's parameters name: the groups of its own user pool, or a claim of an
OIDC issuer's. What the other claims say gives nobody a right.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

# `scope` is OAuth's (RFC 8693, 4.2), `scp` Entra ID's name for it: names with blanks between them.
_SCOPES: Final = ("scope", "scp")


class Right(StrEnum):
    """A right by the name that tokens have for it."""

    IMPORTS_READ = "imports.read"
    IMPORTS_WRITE = "imports.write"
    ERRORS_READ = "errors.read"


def granted(claims: Mapping[str, Any], claim: str) -> frozenset[Right]:
    """The rights that *claim* has among its items, each of which is a name as a whole.

    A group may be called anything: one whose name holds a right's, before or behind blanks or slashes, is another.
    """
    value = claims.get(claim)
    if isinstance(value, str):
        value = value.split(" ") if claim in _SCOPES else [value]
    items = value if isinstance(value, list) else []
    return frozenset(right for right in Right if right.value in items)
