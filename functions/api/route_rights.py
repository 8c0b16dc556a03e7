"""Who may do what. A token, or a browser's pass, has been checked before; neither is yet a right.

Every route of the OpenAPI document says there which right it needs; a page that says nothing needs the right to read.
The document itself is for whoever has a token or a pass; the pages' assets, the way out, and the pages that say that
somebody is not signed in, are for everybody.
"""

import re
from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from typing import Any, Final

from aws_lambda_powertools.event_handler.api_gateway import Route

from api.caller import caller_of
from api.problems import Problem, ProblemCode
from ingestion.config import Authentication, settings
from ingestion.sign_in.rights import Right

__all__ = ["SCHEME", "Right", "RightMissing", "check", "held", "is_open", "needs"]

SCHEME: Final = "token"

# Their routes in the template ask for no token either. None of them knows anything of anybody's data.
_OPEN: Final = re.compile(r"GET /(?:health|signed-out|sign-in-failed|assets/.*)|POST /logout")
_FOR_WHOEVER_IS_KNOWN: Final = re.compile(r"/(?:openapi\.json|docs)")


class RightMissing(Problem):
    """Somebody is known, and has not been given the right to what they ask for."""

    def __init__(self, right: str) -> None:
        super().__init__(ProblemCode.FORBIDDEN, f"This needs the right {right}, which you have not been given.")
        self.right = right


def needs(right: Right) -> list[dict[str, list[str]]]:
    """The `security` of a route that needs *right*."""
    return [{SCHEME: [right.value]}]


def is_open(event: Mapping[str, Any]) -> bool:
    """Whether the request is for everybody, signed in or not."""
    return bool(_OPEN.fullmatch(f"{event['requestContext']['http']['method']} {event['rawPath']}"))


def check(event: Mapping[str, Any], routes: Iterable[Route]) -> None:
    """Raises Problem unless the caller may ask what *event* asks."""
    http, known = event["requestContext"]["http"], caller_of(event)
    if settings().authentication is Authentication.NONE:
        # Somebody is known there only if API Gateway checked a token after all.
        return None if known else _must_be_this_machine(http)
    if is_open(event):
        return None
    if known is None:
        raise Problem(
            ProblemCode.UNAUTHENTICATED, "Send a token, as Authorization: Bearer <token>.", www_authenticate="Bearer"
        )
    for right in _needed(event, routes):
        if right not in known.rights:
            raise RightMissing(right)
    return None


def shows_rows(event: Mapping[str, Any], routes: Iterable[Route]) -> bool:
    """Whether the answer hands out rows of a file, of which the audit trail then says who had them."""
    return Right.ERRORS_READ in _needed(event, routes)


def held(event: Mapping[str, Any]) -> frozenset[Right]:
    """The rights of the caller; all of them where nobody is asked who they are."""
    if settings().authentication is Authentication.NONE:
        return frozenset(Right)
    known = caller_of(event)
    return known.rights if known else frozenset()


def _must_be_this_machine(http: Mapping[str, Any]) -> None:
    """On AWS nobody comes from loopback: a stack that asks for no token there serves nobody, rather than everybody."""
    try:
        is_this_machine = ip_address(http.get("sourceIp") or "").is_loopback
    except ValueError:
        is_this_machine = False
    if not is_this_machine:
        raise Problem(ProblemCode.FORBIDDEN, "This system asks for no token, and so answers its own machine only.")


def _needed(event: Mapping[str, Any], routes: Iterable[Route]) -> set[str]:
    path, method = event["rawPath"], event["requestContext"]["http"]["method"]
    matching = [route for route in routes if route.method == method and route.rule.match(path)]
    said = {right for route in matching for one in route.security or () for right in one[SCHEME]}
    if said or not matching or _FOR_WHOEVER_IS_KNOWN.fullmatch(path):
        return said
    return {Right.IMPORTS_READ}
