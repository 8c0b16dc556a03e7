"""The deployed API with sign-in: no route but /health answers without a token, none without its right."""

import json
import urllib.error
import urllib.request
from typing import Any
from uuid import uuid4

import pytest

from ingestion.sign_in.rights import Right
from tests.api.test_api_rights import BODIES, OPERATIONS
from tests.sign_in.closed_system import AUDIENCE, CLIENT
from tests.sign_in.conftest import Closed
from tests.sign_in.issuer import NoRedirect

KARI, ALL = "kari@example.org", {right.value for right in Right}


def ask(closed: Closed, method: str, path: str, **headers: str) -> tuple[int, str]:
    """Status and body."""
    given = BODIES.get(path, {})
    for name in ("batchId", "uploadId", "sessionId", "slug"):
        path = path.replace(f"{{{name}}}", str(uuid4()))
    body = json.dumps(given).encode() if method == "POST" else None
    request = urllib.request.Request(
        closed.url + path, body, {"Content-Type": "application/json", **headers}, method=method
    )
    try:
        with urllib.request.build_opener(NoRedirect).open(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as problem:
        return problem.code, problem.read().decode()


def bearer(closed: Closed, rights: set[str], audience: str = AUDIENCE, **more: Any) -> dict[str, str]:
    return {"Authorization": "Bearer " + closed.issuer.token(KARI, audience, **{"groups": sorted(rights), **more})}


every_route = pytest.mark.parametrize(
    ("method", "path", "rights"),
    [
        pytest.param(method.upper(), path, frozenset(about["security"][0]["token"]), id=about["operationId"])
        for method, path, about in OPERATIONS
        if path != "/health"
    ],
)


@every_route
def test_a_route_wants_a_token_with_its_rights(closed: Closed, method: str, path: str, rights: set[str]) -> None:
    assert ask(closed, method, path)[0] == 401
    for right in rights:
        assert ask(closed, method, path, **bearer(closed, ALL - {right}))[0] == 403
    assert ask(closed, method, path, **bearer(closed, rights))[0] in (200, 201, 404)


def test_health_is_open_and_says_where_to_log_in(closed: Closed) -> None:
    status, body = ask(closed, "GET", "/health")
    assert status == 200
    assert json.loads(body)["signIn"] == {
        "issuer": closed.issuer.url,
        "clientId": CLIENT,
        "scopes": "openid email",
        "audience": AUDIENCE,
    }


@pytest.mark.parametrize(
    ("audience", "more"),
    [
        pytest.param(AUDIENCE, {"exp": 1}, id="expired"),
        pytest.param("another", {}, id="for somebody else"),
        pytest.param(AUDIENCE, {"iss": "https://another.example.org"}, id="of another issuer"),
    ],
)
def test_a_token_that_does_not_hold_is_none(closed: Closed, audience: str, more: dict[str, Any]) -> None:
    assert ask(closed, "GET", "/v1/import/batches", **bearer(closed, ALL, audience, **more))[0] == 401


def test_a_token_that_was_changed_is_none(closed: Closed) -> None:
    head, _, signature = bearer(closed, set())["Authorization"].split(".")
    body = bearer(closed, ALL)["Authorization"].split(".")[1]
    assert ask(closed, "GET", "/v1/import/batches", Authorization=f"{head}.{body}.{signature}")[0] == 401


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param({"groups": ["Lost imports.read and imports.write"]}, id="words of a group's name"),
        pytest.param({"groups": ["a/imports.read", "[imports.read", "imports.read]"]}, id="parts of a group's name"),
        pytest.param({"groups": "staff imports.read"}, id="words of the only group's name"),
        pytest.param({"groups": [], "scope": "imports.read", "roles": ["imports.read"]}, id="claims of no meaning"),
    ],
)
def test_a_right_is_an_item_of_the_one_claim_as_a_whole(closed: Closed, claims: dict[str, Any]) -> None:
    assert ask(closed, "GET", "/v1/import/batches", **bearer(closed, set(), **claims))[0] == 403


@pytest.mark.parametrize(
    "path", ["/%761/import/batches", "//v1/import/batches", "/v1", "/V1/import/batches", "/drop/uploads"]
)
def test_no_spelling_of_a_path_gets_past(closed: Closed, path: str) -> None:
    assert ask(closed, "GET", path)[0] in (401, 404)
    assert ask(closed, "POST", path)[0] in (401, 403, 404)
