"""Who may do what. API Gateway has checked the caller's token; a token is not yet a right.

A right is a scope of the token, or a group or role of the caller's, with the right's name. The stack's own user pool
gives groups; what an OIDC issuer gives is its affair. Every route of the OpenAPI document says there which right it
needs; a page that says nothing needs the right to read. Only the document itself and the pages' assets are for whoever
has a token.
"""

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from ipaddress import ip_address
from typing import Any, Final

from aws_lambda_powertools.event_handler.api_gateway import Route

from ingestion.config import Authentication, settings
from serve.problems import Problem, ProblemCode

SCHEME: Final = "token"
OPEN_PATH: Final = "/health"
"""Its route in the template asks for no token either."""

_FOR_ANY_TOKEN: Final = re.compile(r"/(?:openapi\.json|docs|assets/.*)")

# `scope` is OAuth's (RFC 8693, 4.2), `scp` what Entra ID and Okta call it.
_CLAIMS: Final = ("scope", "scp", "cognito:groups", "groups", "roles")


class Right(StrEnum):
    """What somebody may be allowed to do."""

    IMPORTS_READ = "imports.read"
    IMPORTS_WRITE = "imports.write"
    ERRORS_READ = "errors.read"


def needs(right: Right) -> list[dict[str, list[str]]]:
    """The `security` of a route that needs *right*."""
    return [{SCHEME: [right.value]}]


def claims_of(event: Mapping[str, Any]) -> dict[str, Any]:
    """What the token says that API Gateway checked; empty if there was none."""
    authorizer = event.get("requestContext", {}).get("authorizer") or {}
    return dict((authorizer.get("jwt") or {}).get("claims") or {})


def check(event: Mapping[str, Any], routes: Iterable[Route]) -> None:
    """Raises Problem unless the caller may ask what *event* asks."""
    http, claims = event["requestContext"]["http"], claims_of(event)
    if settings().authentication is Authentication.NONE:
        # Claims are there only if API Gateway checked a token after all.
        return None if claims else _must_be_this_machine(http)
    if event["rawPath"] == OPEN_PATH and http["method"] == "GET":
        return None
    if not claims:
        raise Problem(
            ProblemCode.UNAUTHENTICATED, "Send a token, as Authorization: Bearer <token>.", www_authenticate="Bearer"
        )
    for right in _needed(event["rawPath"], http["method"], routes):
        if right not in _granted(claims):
            raise Problem(ProblemCode.FORBIDDEN, f"This needs the right {right}, which your token does not give.")
    return None


def held(event: Mapping[str, Any]) -> frozenset[str]:
    """The rights of the caller; all of them where nobody is asked who they are."""
    if settings().authentication is Authentication.NONE:
        return frozenset(Right)
    return frozenset(_granted(claims_of(event)))


def _must_be_this_machine(http: Mapping[str, Any]) -> None:
    """On AWS nobody comes from loopback: a stack that asks for no token there serves nobody, rather than everybody."""
    source = http.get("sourceIp")
    if source and not ip_address(source).is_loopback:
        raise Problem(ProblemCode.FORBIDDEN, "This system asks for no token, and so answers its own machine only.")


def _needed(path: str, method: str, routes: Iterable[Route]) -> set[str]:
    matching = [route for route in routes if route.method == method and route.rule.match(path)]
    said = {right for route in matching for one in route.security or () for right in one[SCHEME]}
    if said or not matching or _FOR_ANY_TOKEN.fullmatch(path):
        return said
    return {Right.IMPORTS_READ}


def _granted(claims: Mapping[str, Any]) -> set[str]:
    """The words of the claims that may hold rights; API Gateway writes a list as `[a b]`."""
    texts = (claims.get(name) for name in _CLAIMS)
    words = (word for text in texts if text for word in re.split(r"[\s,\[\]\"']+", str(text)))
    # A scope may begin with the name of its resource server: kintell/imports.read.
    return {word.rpartition("/")[2] for word in words if word}
