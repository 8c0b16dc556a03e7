"""Every route of the OpenAPI document refuses without a token and without its right, and lets in who has it."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from ingestion import config
from ingestion.rights import Right
from tests.serve.asking import Answer, Call, call
from tests.serve.conftest import Place
from tests.serve.world import World

ALL = {right.value for right in Right}
ME = {"sub": "6b0e2f6e", "email": "operator@example.org", "email_verified": "true"}


@pytest.fixture
def closed(api: Call, place: Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[Call]:
    """Asks the function of a stack whose callers have tokens."""
    monkeypatch.setenv("AUTHENTICATION", "cognito")
    config.settings.cache_clear()
    yield api
    config.settings.cache_clear()


def operations() -> list[tuple[str, str, Any]]:
    """Method, path and description of everything in the document."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("DATABASE_SECRET_ARN", "UPLOADS_BUCKET", "WORK_BUCKET"):
            patch.setenv(name, "none")
        patch.setenv("AUTHENTICATION", "none")
        config.settings.cache_clear()
        paths = call("GET", "/openapi.json").body["paths"]
        config.settings.cache_clear()
    return [(method, path, about) for path, item in paths.items() for method, about in item.items()]


OPERATIONS = operations()
every_route = pytest.mark.parametrize(
    ("method", "path", "right"),
    [
        pytest.param(method.upper(), path, about["security"][0]["token"][0], id=about["operationId"])
        for method, path, about in OPERATIONS
        if path != "/health"
    ],
)


BODIES = {
    "/v1/import/uploads": {"fileName": "mentors-ukraine-2024-11.csv"},
    "/v1/sessions/search": {"email": "oksana@example.org"},
}


def ask(closed: Call, method: str, path: str, **more: Any) -> Answer:
    for name in ("batchId", "uploadId", "sessionId", "slug"):
        path = path.replace(f"{{{name}}}", str(uuid4()))
    body = {"body": json.dumps(BODIES[path])} if method == "POST" else {}
    return closed(method, path, headers={"content-type": "application/json"}, **body, **more)


def test_every_route_but_health_needs_one_right() -> None:
    for _method, path, about in OPERATIONS:
        if path == "/health":
            assert "security" not in about
        else:
            ((right,),) = (one["token"] for one in about["security"])
            assert right in ALL
            assert {"401", "403"} <= about["responses"].keys()


def test_reading_writing_and_error_files_are_three_rights() -> None:
    needed = {about["operationId"]: about["security"][0]["token"][0] for *_, about in OPERATIONS if "security" in about}
    assert needed.pop("createUpload") == "imports.write"
    assert needed.pop("getErrorFile") == "errors.read"
    assert set(needed.values()) == {"imports.read"}


@every_route
def test_without_a_token_a_route_refuses(closed: Call, method: str, path: str, right: str) -> None:
    answer = ask(closed, method, path)
    assert answer.is_problem(401, "unauthenticated")
    assert answer.headers["Www-Authenticate"] == "Bearer"


@every_route
def test_without_its_right_a_route_refuses(closed: Call, method: str, path: str, right: str) -> None:
    others = f"[{' '.join(sorted(ALL - {right}))}]"
    answer = ask(closed, method, path, claims={**ME, "cognito:groups": others})
    assert answer.is_problem(403, "forbidden")
    assert right in answer.body["detail"]


@every_route
def test_with_its_right_a_route_answers(closed: Call, emptied: None, method: str, path: str, right: str) -> None:
    answer = ask(closed, method, path, claims={**ME, "cognito:groups": f"[{right}]"})
    assert answer.status in (200, 201, 404), answer.text


def test_health_is_open(closed: Call) -> None:
    assert closed("GET", "/health").status == 200


@pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json", "/nowhere", "/health/x", "/v1/import/batches/"])
def test_whatever_else_there_is_or_is_not_refuses_without_a_token(closed: Call, path: str) -> None:
    assert closed("GET", path).is_problem(401, "unauthenticated")


@pytest.mark.parametrize("path", ["/docs", "/openapi.json"])
def test_the_document_is_for_whoever_has_a_token(closed: Call, path: str) -> None:
    assert closed("GET", path, claims=ME).status == 200


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param({"cognito:groups": "[errors.read imports.read]"}, id="groups of the stack's pool"),
        pytest.param({"scope": "openid imports.read"}, id="a scope"),
        pytest.param({"scope": "kintell/imports.read"}, id="a scope of a resource server"),
        pytest.param({"scp": "[openid imports.read]"}, id="a scope as Okta writes it"),
        pytest.param({"roles": "[imports.read]"}, id="a role as Entra ID writes it"),
    ],
)
def test_a_right_may_be_a_scope_a_group_or_a_role(closed: Call, claims: dict[str, str]) -> None:
    assert closed("GET", "/v1/import/summary", claims={**ME, **claims}).status == 200


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param({"scope": "imports.reader"}, id="a longer word"),
        pytest.param({"scope": "not-imports.read"}, id="the end of a word"),
        pytest.param({"name": "imports.read"}, id="somebody who is called so"),
        pytest.param({"cognito:groups": "[]"}, id="no group"),
    ],
)
def test_what_only_looks_like_a_right_is_none(closed: Call, claims: dict[str, str]) -> None:
    assert closed("GET", "/v1/import/summary", claims={**ME, **claims}).is_problem(403, "forbidden")


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        pytest.param(ME, "operator@example.org", id="by address"),
        pytest.param({**ME, "email_verified": "false"}, "6b0e2f6e", id="by subject if the address is not verified"),
        pytest.param({"sub": "6b0e2f6e"}, "6b0e2f6e", id="by subject if there is no address"),
    ],
)
def test_the_upload_and_the_audit_trail_say_who_it_was(
    closed: Call, world: World, place: Place, claims: dict[str, str], name: str
) -> None:
    upload = ask(closed, "POST", "/v1/import/uploads", claims={**claims, "scope": "imports.write"})
    ((uploaded_by,),) = place.db.run("SELECT uploaded_by FROM uploads WHERE id = :id", id=UUID(upload.body["uploadId"]))
    batch = world.batch(error_file_key="errors/x.csv")
    path = f"/v1/import/backfill/{batch}/errors"
    assert closed("GET", path, claims={**claims, "scope": "errors.read"}).status == 302
    ((actor,),) = place.db.run("SELECT actor FROM audit_logs WHERE action = 'error_file_downloaded'")
    assert (uploaded_by, actor) == (name, name)


@pytest.mark.parametrize(
    ("source", "status"), [("127.0.0.1", 200), ("::1", 200), ("192.0.2.1", 403), ("10.0.0.1", 403)]
)
def test_a_system_that_asks_for_no_token_answers_its_own_machine_only(api: Call, source: str, status: int) -> None:
    http = {"method": "GET", "path": "/v1/import/summary", "sourceIp": source}
    assert api("GET", http["path"], requestContext={"stage": "$default", "http": http}).status == status
