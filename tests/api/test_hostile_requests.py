"""Whatever a client writes into a request, the answer is ours: never a fault, and never without its guards."""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin, urlsplit
from uuid import UUID

import pytest

from api.app import _routes, handler
from dashboard.assets import addresses
from ingestion import config
from ingestion.sign_in.http_edge import guard
from tests.api.api_calls import CONTEXT, Call, event
from tests.api.conftest import Place, read_cookie_key
from tests.api.html import Html

HALF = "\ud800"
HOSTILE: tuple[dict[str, str], ...] = (
    {"origin": "http://["},
    {"origin": "http://[::1"},
    {"origin": "null"},
    {"origin": "https://a]b/" + HALF},
    {"origin": "http://\u2100.example.org"},
    {"hx-request": "true", "hx-current-url": "http://["},
    {"hx-request": "true", "hx-current-url": "https://[v1.x]/" + HALF},
    {"hx-request": "true", "hx-current-url": "//evil.example.com//x\r\nset-cookie: a=b"},
    {"accept": HALF},
    {"accept": ",;q=,,application/json;q=nan;q=0," + "x" * 9000},
    {"accept-language": "nb;q=inf,en;q=nan,nb;q=1e999999,en;q=-1,;;;q=" + "9" * 9000},
    {"accept-language": HALF + ",nb;q=" + HALF},
    {"accept-encoding": "gzip;q=x, \x00," + HALF},
    {"cookie": ";=;;__Host-session=" + HALF + "." + HALF + "; lang=\x00"},
    {"cookie": "__Host-session=" + "a." * 4000},
    {"cookie": "__Host-session=\u00f8.\u00f8; __Host-session=.; __Host-session"},
    {"content-type": "application/json; charset=\u00f8" + HALF},
    {"content-type": ""},
    {"content-length": "-1"},
    {"content-length": "9" * 5000},
    {"host": "[::1"},
    {"host": HALF + ":x:y"},
    {"forwarded": 'for="[;host=\x00'},
    {"x-forwarded-for": HALF, "x-forwarded-proto": HALF, "x-forwarded-port": "x"},
    {"range": "bytes=9-1,-,x"},
    {"if-none-match": '"' + HALF, "if-modified-since": "0000", "if-range": "x"},
    {"sec-fetch-site": "\x00"},
    {"authorization": "Bearer " + HALF},
    {"X-Upper": "a", "x-upper": "b", "ACCEPT": "text/html", "accept": "application/json"},
)
PATHS = (
    "//evil.example.com/",
    "/\\evil.example.com",
    "/%2f%2fevil.example.com",
    "/%5cevil.example.com",
    "/\t/evil.example.com",
    "/%09//evil.example.com",
    "/\n//evil.example.com",
    "/%ff%fe",
    "/%",
    "/%zz%1",
    "/batches/" + HALF,
    "/batches/%ed%a0%80",
    "/programmes/%25%32%66",
    "/v1/sessions/%2f%2f/lineage",
    "/" + "a/" * 4000,
    "",
)
QUERIES: tuple[dict[str, Any], ...] = (
    {"id": HALF, "lang": HALF, "cursor": HALF, "show": HALF, "programme": HALF, "until": HALF, "name": HALF},
    {"limit": "9" * 5000, "cursor": "ø", "from": "9999-12-31T23:59:59-23:59", "to": "0001-01-01"},
    {"cursor": "é" * 100, HALF: "x", "back": HALF, "state": HALF, "code": HALF, "error": HALF},
)


def addresses_of_all_routes() -> list[tuple[str, str]]:
    found = set()
    for route in _routes():
        path = re.sub(r"<\w+>", str(UUID(int=1)), route.path)
        found.add((route.method, path))
    return sorted(found)


every_route = pytest.mark.parametrize(("method", "path"), addresses_of_all_routes())


@pytest.fixture(scope="module")
def key_is_there(environment: pytest.MonkeyPatch) -> None:
    """The function finds what passes are signed with."""
    read_cookie_key(b"a key")


@pytest.fixture(params=["none", "oidc"])
def system(
    request: pytest.FixtureRequest, place: Place, key_is_there: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """The function, open to its own machine or closed."""
    for name, value in {
        "DATABASE_SECRET_ARN": place.secret,
        "AUTHENTICATION": request.param,
        "ISSUER": "https://id.example.org",
        "AUDIENCE": "kintell-api",
        "COMMAND_LINE_CLIENT_ID": "kintell-cli",
    }.items():
        monkeypatch.setenv(name, value)
    config.settings.cache_clear()
    yield request.param
    config.settings.cache_clear()


def ask(method: str, path: str, query: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    given = event(method, path, None, **more)
    given["queryStringParameters"] = query
    result: dict[str, Any] = handler(given, CONTEXT)
    assert result["statusCode"] < 500, result
    json.dumps(result).encode()
    is_guarded(result["headers"])
    return result


def is_guarded(headers: dict[str, str]) -> None:
    named = {name.lower(): value for name, value in headers.items()}
    assert len(named) == len(headers)
    policy = named["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert named["x-content-type-options"] == "nosniff"
    assert named["x-frame-options"] == "DENY"
    assert named["cross-origin-opener-policy"] == named["cross-origin-resource-policy"] == "same-origin"
    assert named["referrer-policy"] in ("no-referrer", "same-origin")
    assert "\n" not in "".join(headers.values())


@every_route
def test_no_header_is_a_fault(system: str, method: str, path: str) -> None:
    for headers in HOSTILE:
        for accept in ({}, {"accept": "text/html"}):
            given = {"content-type": "application/json", **accept, **headers}
            ask(method, path, headers=given, body="{}" if method == "POST" else None)


@every_route
def test_no_query_is_a_fault(system: str, method: str, path: str) -> None:
    for query in QUERIES:
        ask(method, path, query, headers={"accept": "text/html"})


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD", "OPTIONS", "TRACE", "PURGE", ""])
@pytest.mark.parametrize("path", PATHS, ids=lambda path: ascii(path)[:30])
def test_no_path_is_a_fault(system: str, method: str, path: str) -> None:
    for accept in ("text/html", "*/*"):
        ask(method, path, headers={"accept": accept})


@pytest.mark.parametrize("path", PATHS, ids=lambda path: ascii(path)[:30])
def test_no_link_of_a_page_leads_to_another_host(system: str, path: str) -> None:
    result = ask("GET", path, {"lang": "nb"}, headers={"accept": "text/html", "host": "imports.example.org"})
    leads = [result["headers"][name] for name in ("Location", "HX-Redirect") if name in result["headers"]]
    if "text/html" in result["headers"].get("Content-Type", ""):
        leads += [link["href"] for link in Html(result["body"]).all("a")]
    for lead in leads:
        browsers_see = re.sub(r"[\t\r\n]", "", lead).replace("\\", "/")
        assert urlsplit(urljoin("https://imports.example.org/", browsers_see)).netloc == "imports.example.org", lead


def test_events_without_headers_are_answered(system: str) -> None:
    nothing: tuple[dict[str, str] | None, ...] = (None, {})
    for headers in nothing:
        ask("GET", "/", headers=headers, cookies=None)
        ask("POST", "/drop/uploads", headers=headers, body="{}")


def test_what_is_not_a_problem_of_ours_is_answered_as_one(system: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.app.route_rights.check", lambda *_: 1 / 0)
    result = handler(event("GET", "/"), CONTEXT)
    assert (result["statusCode"], json.loads(result["body"])["code"]) == (500, "internal_error")
    is_guarded(result["headers"])


def test_a_body_without_a_type_is_not_taken_for_json(api: Call) -> None:
    for given in ("", "application/json, text/plain", "text/json", None):
        headers: dict[str, str] = {} if given is None else {"content-type": given}
        answer = api("POST", "/v1/import/uploads", body='{"fileName": "a.csv"}', headers=headers)
        assert answer.is_problem(415, "unsupported_media_type")


@pytest.mark.parametrize("source", [None, "", "somewhere", "127.0.0.1.example.org"])
def test_who_comes_from_nowhere_is_not_this_machine(api: Call, source: str | None) -> None:
    http = {"method": "GET", "path": "/", **({} if source is None else {"sourceIp": source})}
    assert api("GET", "/", requestContext={"stage": "$default", "http": http}).status == 403


@pytest.mark.parametrize("name", sorted(addresses().values()))
def test_assets_are_guarded_and_kept(system: str, name: str) -> None:
    assert "immutable" in ask("GET", name)["headers"]["Cache-Control"]


def test_the_readable_document_runs_only_what_is_in_it(api: Call) -> None:
    answer = api("GET", "/docs")
    is_guarded(answer.headers)
    policy = answer.headers["Content-Security-Policy"]
    assert re.search(r"script-src 'sha256-[^']+' 'sha256-[^']+'; style-src 'sha256-[^']+';", policy)


@pytest.mark.parametrize(
    ("headers", "is_told"),
    [
        ({"host": "imports.example.org", "x-forwarded-proto": "https"}, True),
        ({"host": "imports.example.org"}, True),
        ({"host": "imports.example.org", "x-forwarded-proto": "http"}, False),
        ({"host": "127.0.0.1:3002"}, False),
        ({"Host": "localhost:3002"}, False),
        ({"host": "[::1]:3002"}, False),
        ({"host": "[::1]"}, False),
    ],
)
def test_browsers_are_told_to_stay_with_tls(headers: dict[str, str], is_told: bool) -> None:
    told = guard({"statusCode": 200}, {"headers": headers})["headers"]
    assert ("Strict-Transport-Security" in told) is is_told
