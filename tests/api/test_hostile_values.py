"""Whatever a value that a caller sends, no route fails of it, and the next caller gets their own answer."""

import json
import re
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from itertools import product
from typing import Any
from uuid import uuid4

import pytest

from api.app import api as resolver
from ingestion.database import connection as database_module
from ingestion.database.connection import Connection
from tests.api.api_calls import Call
from tests.api.conftest import Place
from tests.api.full_world import everything
from tests.api.world import World

A_UUID = "6b0e0000-0000-4000-8000-000000000000"
MOMENTS = [
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "0001-01-01",
    "9999-12-31",
    "-0044-03-15T00:00:00Z",
]
NUMBERS = ["9" * 5_000, str(2**63), str(2**63 - 1), str(2**31), "-1", "1e400", "NaN", "0x10", "١"]
TEXTS = ["\ud800", "a\udc00", "a\0b", "\\", "%", "'; SELECT 1 --", "a" * 10_000, "mentors_ukraine:\ud800"]


def cursor(kind: str, *key: Any) -> str:
    """A cursor that no page ever gave."""
    return urlsafe_b64encode(json.dumps([kind, key]).encode()).decode().rstrip("=")


CURSORS = [
    *(cursor("newest", moment, A_UUID) for moment in MOMENTS),
    cursor("newest", "2024-01-01T00:00:00Z", "not an id"),
    cursor("newest", "2024-01-01T00:00:00Z"),
    cursor("newest", 1e300, A_UUID),
    cursor("newest", -1e12, A_UUID),
    *(cursor(kind, number) for kind in ("row", "id") for number in (2**31, 2**63 - 1, 2**63, -1, 1.5, "7", True, None)),
    urlsafe_b64encode(b"[" * 250).decode(),
]
HOSTILE = [*MOMENTS, *NUMBERS, *TEXTS]
OF_PAGES = {
    "/": ("show", "programme", "instance", "until", "cursor", "lang"),
    "/imports/list": ("cursor", "until"),
    "/lineage": ("id",),
    "/drop": ("parent", "programme", "instance"),
    "/drop/guess": ("name",),
    "/sign-in-failed": ("reason",),
    "/programmes": ("programme", "cursor"),
}
"""What the dashboard's addresses ask for; the OpenAPI document has those of the API."""


def routes() -> list[Any]:
    """Every way to ask, but those of the assets and documents, which ask for nothing."""
    return [
        pytest.param(route.method, route.path, id=f"{route.method} {route.path}")
        for route in [*resolver._static_routes, *resolver._dynamic_routes]
        if not route.path.startswith(("/docs", "/openapi.json", "/assets"))
    ]


def queries() -> dict[str, list[str]]:
    """The query parameters of each route of the API."""
    schema = json.loads(resolver.get_openapi_json_schema())
    return {
        path.replace("{", "<").replace("}", ">"): [
            each["name"] for each in way.get("get", {}).get("parameters", []) if each["in"] == "query"
        ]
        for path, way in schema["paths"].items()
    }


QUERIES = queries()


def filled(path: str, name: str = "", value: str = "") -> str:
    """The path with this value for the part of this name, and an id for all others."""
    for part in re.findall(r"<(\w+)>", path):
        path = path.replace(f"<{part}>", value if part == name else A_UUID)
    return path


@pytest.fixture
def answering(api: Call, place: Place, world: World) -> Iterator[Connection]:
    """The function's connection, which in the end gives its own answers, and is the one that it was."""
    everything(world)
    assert api("GET", "/health").status == 200
    before = database_module._open[place.secret]
    yield before
    nonce = uuid4().hex
    assert before.run("SELECT CAST(:nonce AS text)", nonce=nonce) == [[nonce]]
    assert api("GET", "/health").status == 200
    assert database_module._open[place.secret] is before


@pytest.mark.usefixtures("answering", "buckets")
@pytest.mark.parametrize(("method", "path"), routes())
def test_no_value_in_an_address_makes_a_route_fail(api: Call, method: str, path: str) -> None:
    names = [part[1:-1] for part in path.split("/") if part.startswith("<")]
    for hostile, name in product(HOSTILE, names):
        asked = filled(path, name, hostile)
        assert api(method, asked).status < 500, f"{asked[:200]!a}"
    for name in QUERIES.get(path) or OF_PAGES.get(path, ("cursor",)):
        for hostile in [*HOSTILE, *CURSORS] if name == "cursor" else HOSTILE:
            assert api(method, filled(path), {name: hostile}).status < 500, f"{path}?{name}={hostile[:200]!a}"


def test_a_cursor_that_no_page_gave_is_refused(api: Call, answering: Connection) -> None:
    for path in ("/v1/import/batches", "/v1/import/uploads", "/v1/program-instances"):
        for hostile in CURSORS:
            answer = api("GET", path, {"cursor": hostile})
            assert answer.status == 422, (path, hostile, answer.text)


def test_a_cursor_says_one_thing_in_one_way(api: Call, answering: Connection) -> None:
    page = api("GET", "/v1/import/batches", {"limit": 1}).body
    given = page["nextCursor"]
    assert api("GET", "/v1/import/batches", {"cursor": given}).status == 200
    for another in (given + "=", given + "\n", given[:4] + "!" + given[4:], given.replace("W", "W ", 1)):
        assert api("GET", "/v1/import/batches", {"cursor": another}).is_problem(422, "invalid_cursor")


BODY: dict[str, Any] = {"fileName": "mentors-ukraine-2024-q4.csv"}
FIELDS: dict[str, list[Any]] = {
    "fileName": [*TEXTS, *NUMBERS],
    "programType": [*TEXTS, *MOMENTS],
    "programInstance": [*TEXTS, *MOMENTS],
    "forceReason": TEXTS,
    "sizeBytes": [10**4_000, 2**63, -(2**70), 1.5, True],
    "parentBatchId": [*TEXTS, A_UUID],
    "maxErrorPercent": [10**4_000, 1e300, -1, True],
}


@pytest.mark.usefixtures("answering", "emptied")
@pytest.mark.parametrize("path", ["/v1/import/uploads", "/drop/uploads"])
@pytest.mark.parametrize("field", FIELDS)
def test_no_value_in_a_body_makes_a_route_fail(api: Call, path: str, field: str) -> None:
    for hostile in FIELDS[field]:
        for force in (False, True):
            body = json.dumps({**BODY, "force": force, "forceReason": "because", field: hostile})
            answer = api("POST", path, body=body, headers={"content-type": "application/json"})
            assert answer.status < 500, (body[:200], answer.text)


@pytest.mark.usefixtures("emptied")
def test_a_name_in_a_token_that_no_database_takes_is_refused(api: Call, answering: Connection) -> None:
    for name in ("\ud800", "a\0b"):
        claims = {"sub": name, "email": name, "email_verified": "true"}
        for path, body in (("/v1/import/uploads", json.dumps(BODY)), ("/v1/import/batches", None)):
            more = {"body": body, "headers": {"content-type": "application/json"}} if body else {}
            assert api("POST" if body else "GET", path, claims=claims, **more).status < 500


def test_a_header_that_is_no_text_makes_nothing_fail(api: Call, answering: Connection) -> None:
    for name in ("accept", "accept-language", "cookie", "hx-current-url", "origin", "content-type", "sec-fetch-site"):
        for hostile in TEXTS:
            assert api("GET", "/", headers={"accept": "text/html", name: hostile}).status < 500, (name, f"{hostile!a}")
