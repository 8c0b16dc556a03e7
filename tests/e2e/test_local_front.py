"""What comes in at the local system's two ports. What must not is in tests/attacks."""

import http.client
import io
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


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_link_on_another_page_leads_to_the_dashboard(system: LocalSystem, host: str) -> None:
    """As that of an issuer leads back after sign-in."""
    visit = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    port = system.aws.api_port
    assert ask(port, "GET", "/", {**visit, "Accept": "text/html", "Host": f"{host}:{port}"}).status == 200
    assert ask(port, "POST", "/v1/import/uploads", visit).status == 403


def test_a_page_of_the_dashboard_uploads_and_downloads_by_links(system: LocalSystem) -> None:
    place = {"Bucket": system.stack.uploads_bucket, "Key": "incoming/a page's +file ø.bin"}
    put, get = (
        system.client("s3").generate_presigned_url(operation, Params=place).removeprefix(system.aws.url)
        for operation in ("put_object", "get_object")
    )
    from_page = {"Origin": system.aws.api_url, "Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"}
    assert ask(system.aws.port, "PUT", put, {**from_page, "Content-Length": "0"}).status == 200
    assert ask(system.aws.port, "GET", get, {"Sec-Fetch-Site": "same-site"}).status == 200
    # To a browser at localhost, links lead to another site.
    assert (
        ask(system.aws.port, "GET", get, {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}).status == 200
    )


@pytest.mark.parametrize("key", ["plain", "with blanks and +", "æøå/§ü~*'()", "a//b/../c", "%41%2f"])
def test_whoever_has_the_key_reads_and_writes_objects_of_any_name(system: LocalSystem, key: str) -> None:
    place = {"Bucket": system.stack.work_bucket, "Key": f"names/{key}"}
    system.client("s3").put_object(**place, Body=b"x", Metadata={"note": "two  blanks"})
    assert system.client("s3").get_object(**place)["Body"].read() == b"x"


def test_a_large_object_goes_up_in_parts(system: LocalSystem) -> None:
    body, place = bytes(17_000_000), (system.stack.work_bucket, "large")
    system.client("s3").upload_fileobj(io.BytesIO(body), *place)
    assert system.client("s3").head_object(Bucket=place[0], Key=place[1])["ContentLength"] == len(body)


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
