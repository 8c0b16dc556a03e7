"""Who may do what. The token or session cookie has already been checked, but does not yet give a right.

Every route in the OpenAPI document names the right that it requires there; a page that names none requires the right
to read. Anybody with a token or a session cookie may read the document. Assets, signing out and the pages for people
who are not signed in are open to everybody.
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

# Their routes in the template require no token either. None of them can reach anybody's data.
_OPEN: Final = re.compile(r"GET /(?:health|signed-out|sign-in-failed|assets/.*)|POST /logout")
_FOR_WHOEVER_IS_KNOWN: Final = re.compile(r"/(?:openapi\.json|docs)")


class RightMissing(Problem):
    """The caller is known, but has not been given the right that the request requires."""

    def __init__(self, right: str) -> None:
        super().__init__(ProblemCode.FORBIDDEN, f"This requires the right {right}, which you have not been given.")
        self.right = right


def needs(*rights: Right) -> list[dict[str, list[str]]]:
    """The `security` of a route that requires all of these rights."""
    return [{SCHEME: [right.value for right in rights]}]


def is_open(event: Mapping[str, Any]) -> bool:
    """Whether the route is open to everybody, signed in or not."""
    return bool(_OPEN.fullmatch(f"{event['requestContext']['http']['method']} {event['rawPath']}"))


def check(event: Mapping[str, Any], routes: Iterable[Route]) -> None:
    """Raises Problem unless the caller may make this request."""
    http, known = event["requestContext"]["http"], caller_of(event)
    if settings().authentication is Authentication.NONE:
        # Here a caller is known only if API Gateway checked a token after all.
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
    """Whether the answer holds rows of a file, so that the audit trail must record who received them."""
    return Right.ERRORS_READ in _needed(event, routes)


def held(event: Mapping[str, Any]) -> frozenset[Right]:
    """The caller's rights; all of them where nobody has to sign in."""
    if settings().authentication is Authentication.NONE:
        return frozenset(Right)
    known = caller_of(event)
    return known.rights if known else frozenset()


def _must_be_this_machine(http: Mapping[str, Any]) -> None:
    """On AWS no request comes from loopback: a stack without tokens then serves nobody rather than everybody."""
    try:
        is_this_machine = ip_address(http.get("sourceIp") or "").is_loopback
    except ValueError:
        is_this_machine = False
    if not is_this_machine:
        raise Problem(
            ProblemCode.FORBIDDEN, "This system requires no token, so it answers requests from its own machine only."
        )


def _needed(event: Mapping[str, Any], routes: Iterable[Route]) -> set[str]:
    path, method = event["rawPath"], event["requestContext"]["http"]["method"]
    matching = [route for route in routes if route.method == method and route.rule.match(path)]
    said = {right for route in matching for one in route.security or () for right in one[SCHEME]}
    if said or not matching or _FOR_WHOEVER_IS_KNOWN.fullmatch(path):
        return said
    return {Right.IMPORTS_READ}
