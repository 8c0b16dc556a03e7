"""Rights, and how a token grants them.

Only one claim grants rights, and the stack's parameters name it: the groups of the stack's own user pool, or a claim of
an OIDC issuer.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

# Names separated by spaces: OAuth calls the claim `scope` (RFC 8693, 4.2), Entra ID `scp`.
_SCOPES: Final = ("scope", "scp")


class Right(StrEnum):
    """A right, by its name in tokens."""

    IMPORTS_READ = "imports.read"
    IMPORTS_WRITE = "imports.write"
    ERRORS_READ = "errors.read"


def granted(claims: Mapping[str, Any], claim: str) -> frozenset[Right]:
    """Return the rights among the items of *claim*, each of which is compared as a whole.

    A group may have any name; one that only contains the name of a right, beside spaces or slashes, grants nothing.
    """
    value = claims.get(claim)
    if isinstance(value, str):
        value = value.split(" ") if claim in _SCOPES else [value]
    items = value if isinstance(value, list) else []
    return frozenset(right for right in Right if right.value in items)
