"""The API's own port passes on what API Gateway answers, and neither port gives a web page more than it should."""

import http.client
import json

import pytest

from local.system import LocalSystem


def ask(port: int, method: str, path: str, headers: dict[str, str] | None = None) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request(method, path, headers=headers or {})
    return connection.getresponse()


def test_the_deployed_api_answers(system: LocalSystem) -> None:
    answer = ask(system.aws.api_port, "GET", "/health")
    assert answer.status == 200
    assert json.load(answer)["status"] == "ok"


def test_an_answer_is_for_pages_of_its_own_origin_only(system: LocalSystem) -> None:
    answer = ask(system.aws.api_port, "GET", "/health", {"Origin": "http://elsewhere.example"})
    assert answer.getheader("Access-Control-Allow-Origin") is None


def test_a_name_that_resolves_to_this_machine_is_not_its_name(system: LocalSystem) -> None:
    answer = ask(system.aws.api_port, "GET", "/health", {"Host": f"elsewhere.example:{system.aws.api_port}"})
    assert answer.status == 421


@pytest.mark.parametrize("path", ["/_ministack/reset", "/_ministack/config", "/_ministack/reset/"])
def test_nobody_can_reset_the_emulator(system: LocalSystem, path: str) -> None:
    assert ask(system.aws.port, "POST", path).status == 403


def test_an_object_is_not_read_without_a_key(system: LocalSystem) -> None:
    assert ask(system.aws.port, "GET", f"/{system.stack.uploads_bucket}/incoming/x.csv").status == 403


@pytest.mark.parametrize(
    ("origin", "status"),
    [("http://127.0.0.1:{port}", 200), ("http://localhost:{port}", 200), ("http://evil.example", 403)],
)
def test_only_the_dashboards_origin_may_upload_from_a_browser(system: LocalSystem, origin: str, status: int) -> None:
    preflight = {
        "Origin": origin.format(port=system.aws.api_port),
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "content-type,x-amz-meta-upload-id",
    }
    answer = ask(system.aws.port, "OPTIONS", f"/{system.stack.uploads_bucket}/incoming/x.csv", preflight)
    assert answer.status == status


def test_the_dashboard_is_what_a_browser_finds_at_the_api(system: LocalSystem) -> None:
    answer = ask(system.aws.api_port, "GET", "/", {"Accept": "text/html"})
    assert answer.status == 200
    policy = answer.getheader("Content-Security-Policy") or ""
    assert f"connect-src 'self' {system.aws.url}/{system.stack.uploads_bucket}/incoming/;" in policy


def test_deploying_again_changes_nothing(system: LocalSystem) -> None:
    before = system.stack
    system.redeploy()
    assert system.stack == before
