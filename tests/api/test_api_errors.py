"""What every route does when something is wrong, and the error file."""

from base64 import b64encode
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from ingestion import config
from ingestion.database import connection
from ingestion.database.schema import versions
from tests.api.api_calls import Call, call
from tests.api.world import NOW, WORK, World

JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(
    "path", ["/nowhere", "/v1", "/v1/import/batches/", "/v2/å", "/v1/sessions/1", "/v1/sessions//lineage"]
)
def test_an_unknown_route(api: Call, path: str) -> None:
    assert api("GET", path).is_problem(404, "no_such_route")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("DELETE", "/v1/import/batches/6b0e0000-0000-4000-8000-000000000000", "GET"),
        ("PUT", "/v1/import/uploads", "GET, POST"),
        ("POST", "/v1/sessions/mentors_ukraine:a%2Fb/lineage", "GET"),
        ("POST", "/docs", "GET"),
        ("HEAD", "/health", "GET"),
    ],
)
def test_an_unknown_method_on_a_known_route(api: Call, method: str, path: str, allow: str) -> None:
    answer = api(method, path)
    assert answer.is_problem(405, "method_not_allowed")
    assert answer.headers["Allow"] == allow


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        pytest.param({"body": "{", "headers": JSON}, 400, "not_json", id="broken off"),
        pytest.param({"body": "[NaN]", "headers": JSON}, 400, "not_json", id="NaN"),
        pytest.param({"body": "[" * 60_000, "headers": JSON}, 400, "not_json", id="too deep"),
        pytest.param(
            {"body": b64encode(b"\xff\xfe").decode(), "isBase64Encoded": True, "headers": JSON},
            400,
            "not_json",
            id="not UTF-8",
        ),
        pytest.param({"body": "%", "isBase64Encoded": True, "headers": JSON}, 400, "not_json", id="not base64"),
        pytest.param({"body": " " * 70_000, "headers": JSON}, 413, "body_too_large", id="large"),
        pytest.param({"body": "å" * 40_000, "headers": JSON}, 413, "body_too_large", id="large in bytes"),
        pytest.param(
            {"body": "fileName=x.csv", "headers": {"Content-Type": "application/x-www-form-urlencoded"}},
            415,
            "unsupported_media_type",
            id="a form",
        ),
        pytest.param(
            {"body": "{}", "headers": {"content-type": "text/plain"}}, 415, "unsupported_media_type", id="text"
        ),
        pytest.param({"body": "[]", "headers": JSON}, 422, "invalid_request", id="a list"),
        pytest.param({"body": "null", "headers": JSON}, 422, "invalid_request", id="null"),
        pytest.param({"headers": JSON}, 422, "invalid_request", id="no body"),
    ],
)
def test_a_body_that_can_not_be_read(api: Call, request_: dict[str, Any], status: int, code: str) -> None:
    assert api("POST", "/v1/import/uploads", **request_).is_problem(status, code)


GETS = [
    "/health",
    "/v1/import/batches",
    "/v1/import/batches/6b0e0000-0000-4000-8000-000000000000",
    "/v1/import/batches/6b0e0000-0000-4000-8000-000000000000/sessions",
    "/v1/import/batches/6b0e0000-0000-4000-8000-000000000000/audit",
    "/v1/import/batches/6b0e0000-0000-4000-8000-000000000000/lineage",
    "/v1/import/backfill/6b0e0000-0000-4000-8000-000000000000/status",
    "/v1/import/backfill/6b0e0000-0000-4000-8000-000000000000/errors",
    "/v1/import/uploads",
    "/v1/import/uploads/6b0e0000-0000-4000-8000-000000000000",
    "/v1/import/summary",
    "/v1/program-instances",
    "/v1/program-instances/x/batches",
    "/v1/sessions/1/lineage",
]


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("path", GETS)
def test_every_route_says_when_the_database_is_out_of_reach(path: str) -> None:
    answer = call("GET", path)
    assert answer.is_problem(503, "database_unavailable")
    assert answer.headers["Retry-After"] == "5"


@pytest.mark.usefixtures("environment")
def test_no_upload_is_signed_that_is_not_on_record() -> None:
    answer = call("POST", "/v1/import/uploads", body='{"fileName": "x.csv"}', headers=JSON)
    assert answer.is_problem(503, "database_unavailable")


@pytest.mark.parametrize("path", [path for path in GETS if path != "/health"])
def test_a_fault_of_ours_is_a_500_without_its_reasons(get: Call, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    def broken(*_arguments: Any, **_more: Any) -> Any:
        raise RuntimeError("a secret at /var/task/x.py")

    monkeypatch.setattr(connection.Connection, "run", broken)
    monkeypatch.setenv("POWERTOOLS_DEV", "true")
    answer = get(path)
    assert answer.is_problem(500, "internal_error")
    assert "secret" not in answer.text


def test_an_answer_that_breaks_its_own_shape_is_a_fault_of_ours(
    get: Call, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = world.batch(error_summary=[{"code": "E001"}])
    assert get(f"/v1/import/backfill/{batch}/status").is_problem(500, "internal_error")
    monkeypatch.setattr("api.summary_routes.Totals.model_validate", lambda _row: {"batches": "many"})
    assert get("/v1/import/summary").is_problem(500, "internal_error")


def test_a_database_without_a_schema_is_not_healthy(get: Call, world: World) -> None:
    world.db.run("ALTER TABLE schema_migrations RENAME TO hidden")
    try:
        assert get("/health").is_problem(503, "database_unavailable")
    finally:
        world.db.run("ALTER TABLE hidden RENAME TO schema_migrations")


def test_health_tells_the_version_of_the_schema(get: Call) -> None:
    assert get("/health").body == {"status": "ok", "schemaVersion": versions()[-1]}


# The error file -----------------------------------------------------------------------------------------------------


def test_an_error_file_is_a_redirect_to_a_link_that_downloads_it(get: Call, world: World) -> None:
    batch = world.batch(error_file_key="errors/x.csv", file_name="Ментори 2024.csv.gz")

    answer = get(f"/v1/import/backfill/{batch}/errors")

    assert (answer.status, answer.text) == (302, "")
    link = urlsplit(answer.headers["Location"])
    query = parse_qs(link.query)
    assert link.path.endswith(f"{WORK}/errors/x.csv")
    assert query["X-Amz-Expires"] == ["900"]
    assert "attachment; filename=" in query["response-content-disposition"][0]
    assert "2024-errors.csv" in query["response-content-disposition"][0]


@pytest.mark.parametrize("accept", ["application/json", "text/html, Application/JSON;q=0.9"])
def test_whoever_accepts_json_gets_the_link_in_json(get: Call, world: World, accept: str) -> None:
    batch = world.batch(error_file_key="errors/x.csv")
    answer = get(f"/v1/import/backfill/{batch}/errors", headers={"Accept": accept})
    assert answer.status == 200
    assert answer.body.keys() == {"url", "expiresAt", "fileName", "rows"}
    assert (answer.body["fileName"], answer.body["rows"]) == ("mentors-ukraine-2024-11-errors.csv", 2)
    assert answer.body["expiresAt"].endswith("Z")


@pytest.mark.parametrize("accept", ["*/*", "text/csv", "", "application/json;q=0"])
def test_whoever_does_not_gets_the_file(get: Call, world: World, accept: str) -> None:
    batch = world.batch(error_file_key="errors/x.csv")
    assert get(f"/v1/import/backfill/{batch}/errors", headers={"accept": accept}).status == 302


@pytest.mark.parametrize(
    ("claims", "actor"),
    [
        ({"sub": "42", "email": "ole@example.org", "email_verified": True}, "ole@example.org"),
        ({"sub": "42", "email": "ole@example.org"}, "42"),
        ({"sub": "42"}, "42"),
        ({}, "local"),
    ],
)
def test_every_download_is_in_the_audit_trail(api: Call, world: World, claims: dict[str, Any], actor: str) -> None:
    batch = world.batch(error_file_key="errors/x.csv")
    for _ in range(2):
        api("GET", f"/v1/import/backfill/{batch}/errors", claims=claims)

    trail = api("GET", f"/v1/import/batches/{batch}/audit").body["items"]

    assert [(entry["actor"], entry["action"], entry["resourceType"]) for entry in trail] == [
        (actor, "error_file_downloaded", "batch")
    ] * 2


@pytest.mark.parametrize(
    ("values", "status", "code", "says"),
    [
        pytest.param({"status": "completed"}, 404, "no_errors", "has no error file", id="nothing was rejected"),
        pytest.param({"status": "running"}, 404, "no_errors", "not finished", id="not finished"),
        pytest.param(
            {"error_file_key": "errors/x.csv", "error_file_deleted_at": NOW + timedelta(days=30)},
            410,
            "error_file_expired",
            "2024-12-31",
            id="after retention",
        ),
        pytest.param({"error_file_deleted_at": NOW}, 410, "error_file_expired", "2024-12-01", id="key forgotten"),
    ],
)
def test_an_error_file_that_is_not_there(
    get: Call, world: World, values: dict[str, Any], status: int, code: str, says: str
) -> None:
    batch = world.batch(**values)
    answer = get(f"/v1/import/backfill/{batch}/errors")
    assert answer.is_problem(status, code)
    assert says in answer.body["detail"]
    assert world.count("SELECT count(*) FROM audit_logs") == 0


def test_a_sentence_about_retention_follows_its_setting(
    get: Call, see: Any, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ERROR_FILE_DAYS", "60")
    config.retention.cache_clear()
    try:
        kept = world.batch(error_file_key="errors/x.csv", error_summary=[])
        gone = world.batch(error_file_key="errors/x.csv", error_file_deleted_at=NOW)
        assert "are kept for 60 days" in get(f"/v1/import/backfill/{gone}/errors").body["detail"]
        for language, days in (("en", "60 days"), ("nb", "60 dager")):
            assert days in see(f"/batches/{kept}", language=language).text
            assert days in see(f"/batches/{gone}", language=language).text
            assert days in see(f"/batches/{gone}/errors", 410, language=language).text
    finally:
        config.retention.cache_clear()
