"""Every route of the OpenAPI document refuses without a token and without its right, and lets in who has it."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from ingestion import config
from ingestion.database.tables import audit
from ingestion.sign_in.rights import Right
from tests.api.api_calls import Answer, Call, call, token_of
from tests.api.conftest import Place
from tests.api.world import World

ALL = {right.value for right in Right}
ME: dict[str, Any] = {"sub": "6b0e2f6e", "email": "operator@example.org", "email_verified": True}


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
RIGHTS = {
    (method.upper(), path): about["security"][0]["token"] for method, path, about in OPERATIONS if "security" in about
}
every_route = pytest.mark.parametrize(
    ("method", "path", "right"),
    [
        pytest.param(method.upper(), path, about["security"][0]["token"][0], id=about["operationId"])
        for method, path, about in OPERATIONS
        if path != "/health"
    ],
)


BODIES = {
    "/v1/import/batches/{batchId}/undo": {"dryRun": True},
    "/v1/import/uploads": {"fileName": "mentors-ukraine-2024-11.csv"},
    "/v1/import/batches/{batchId}/corrections": {"rows": [{"rowNumber": 1, "cells": {}}]},
    "/v1/sessions/search": {"email": "oksana@example.org"},
}


def ask(closed: Call, method: str, path: str, **more: Any) -> Answer:
    sent = BODIES.get(path, {})
    for name in ("batchId", "uploadId", "sessionId", "slug", "rowNumber"):
        path = path.replace(f"{{{name}}}", str(uuid4()))
    body = {"body": json.dumps(sent)} if method == "POST" else {}
    return closed(method, path, headers={"content-type": "application/json"}, **body, **more)


def test_every_route_but_health_needs_one_right() -> None:
    for _method, path, about in OPERATIONS:
        if path == "/health":
            assert "security" not in about
        else:
            ((*rights,),) = (one["token"] for one in about["security"])
            assert len(rights) == (2 if about["operationId"] == "correctBatch" else 1)
            assert set(rights) <= ALL
            assert {"401", "403"} <= about["responses"].keys()


def test_reading_writing_and_error_files_are_three_rights() -> None:
    needed = {about["operationId"]: about["security"][0]["token"][0] for *_, about in OPERATIONS if "security" in about}
    assert needed.pop("createUpload") == "imports.write"
    assert needed.pop("continueUpload") == "imports.write"
    for name in ("cancelBatch", "undoBatch", "retryBatch", "correctBatch"):
        assert needed.pop(name) == "imports.write"
    for name in ("getErrorFile", "explainSession", "explainRow", "verifyBatch", "listRejects"):
        assert needed.pop(name) == "errors.read"
    assert set(needed.values()) == {"imports.read"}


@every_route
def test_without_a_token_a_route_refuses(closed: Call, method: str, path: str, right: str) -> None:
    answer = ask(closed, method, path)
    assert answer.is_problem(401, "unauthenticated")
    assert answer.headers["Www-Authenticate"] == "Bearer"


@every_route
def test_without_its_right_a_route_refuses(closed: Call, method: str, path: str, right: str) -> None:
    others = sorted(ALL - {right})
    answer = ask(closed, method, path, claims={**ME, "cognito:groups": others})
    assert answer.is_problem(403, "forbidden")
    assert right in answer.body["detail"]


@every_route
def test_with_its_right_a_route_answers(closed: Call, emptied: None, method: str, path: str, right: str) -> None:
    answer = ask(closed, method, path, claims={**ME, "cognito:groups": RIGHTS[method, path]})
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
    ("claim", "value"),
    [
        pytest.param("cognito:groups", ["errors.read", "imports.read"], id="groups of the stack's pool"),
        pytest.param("groups", ["staff", "imports.read"], id="groups of an issuer"),
        pytest.param("groups", "imports.read", id="one group, no list"),
        pytest.param("https://example.org/roles", ["imports.read"], id="a claim of a name space"),
        pytest.param("scope", "openid imports.read", id="scopes"),
        pytest.param("scp", ["openid", "imports.read"], id="scopes as Okta writes them"),
    ],
)
def test_rights_come_from_the_one_claim_that_is_configured(
    closed: Call, monkeypatch: pytest.MonkeyPatch, claim: str, value: Any
) -> None:
    monkeypatch.setenv("RIGHTS_CLAIM", claim)
    config.settings.cache_clear()
    assert closed("GET", "/v1/import/summary", claims={**ME, claim: value}).status == 200
    monkeypatch.setenv("RIGHTS_CLAIM", "another")
    config.settings.cache_clear()
    assert closed("GET", "/v1/import/summary", claims={**ME, claim: value}).is_problem(403, "forbidden")


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param({"groups": ["imports.reader"]}, id="a longer word"),
        pytest.param({"groups": ["not-imports.read"]}, id="the end of a word"),
        pytest.param({"groups": ["Lost imports.read and imports.write"]}, id="words of a group's name"),
        pytest.param({"groups": ["a,imports.read", "[imports.read]", '"imports.read"']}, id="a list in a group's name"),
        pytest.param({"groups": ["a/imports.read", "/imports.read", "imports.read/b"]}, id="a part of a path"),
        pytest.param({"groups": [" imports.read", "imports.read ", "IMPORTS.READ"]}, id="nearly the name"),
        pytest.param({"groups": "imports.read imports.write"}, id="one group whose name is two"),
        pytest.param({"groups": [["imports.read"], {"imports.read": 1}]}, id="a list in the list"),
        pytest.param({"groups": {"imports.read": True}}, id="no list"),
        pytest.param({"groups": []}, id="no group"),
        pytest.param({"groups": ["staff"], "scope": "imports.read"}, id="a scope that they asked for"),
        pytest.param({"groups": ["staff"], "roles": ["imports.read"]}, id="another claim"),
        pytest.param({"groups": ["staff"], "cognito:groups": ["imports.read"]}, id="the claim of another issuer"),
        pytest.param({"name": "imports.read"}, id="somebody who is called so"),
    ],
)
def test_what_only_looks_like_a_right_is_none(
    closed: Call, monkeypatch: pytest.MonkeyPatch, claims: dict[str, Any]
) -> None:
    monkeypatch.setenv("RIGHTS_CLAIM", "groups")
    config.settings.cache_clear()
    assert closed("GET", "/v1/import/summary", claims={**ME, **claims}).is_problem(403, "forbidden")


@pytest.mark.parametrize(
    "authorization",
    [
        pytest.param("", id="none"),
        pytest.param("Bearer " + token_of({**ME, "sub": "another", "cognito:groups": sorted(ALL)}), id="another's"),
        pytest.param(
            "Bearer " + token_of({**ME, "iss": "https://evil.example.com", "cognito:groups": sorted(ALL)}),
            id="of another issuer",
        ),
        pytest.param(f"Bearer {token_of(ME)},Bearer {token_of({**ME, 'cognito:groups': sorted(ALL)})}", id="two"),
        pytest.param("Bearer e30.e30.x", id="of nobody"),
        pytest.param("Bearer e30.!.x", id="no token"),
    ],
)
def test_a_token_that_is_not_the_one_that_was_checked_lets_nobody_in(closed: Call, authorization: str) -> None:
    answer = closed("GET", "/v1/import/summary", claims=ME, headers={"authorization": authorization})
    assert answer.is_problem(401, "unauthenticated")


@pytest.mark.parametrize(
    "subject", ["", " ", "a" * 256, "a\nb", "a\u200b", "\u202ea", " a", 5, None, ["a"], {"a": 1}, True], ids=repr
)
def test_a_token_of_nobody_who_could_be_named_lets_nobody_in(closed: Call, subject: Any) -> None:
    claims = {**ME, "sub": subject, "cognito:groups": sorted(ALL)}
    answer = closed("GET", "/v1/import/summary", claims=claims)
    assert answer.is_problem(401, "unauthenticated")


PERSON, PROGRAM, ISSUER = "person", "program", "https://id.example.org"


@pytest.mark.parametrize(
    ("claims", "kind", "name"),
    [
        pytest.param(ME, PERSON, "operator@example.org", id="by address"),
        pytest.param({**ME, "email_verified": "true"}, PERSON, "operator@example.org", id="as Cognito writes it"),
        pytest.param({**ME, "email_verified": False}, PERSON, "6b0e2f6e", id="by subject if it is not verified"),
        pytest.param({**ME, "email_verified": None}, PERSON, "6b0e2f6e", id="… or nobody says that it is"),
        pytest.param({**ME, "email_verified": "yes"}, PERSON, "6b0e2f6e", id="… or not in the words for it"),
        pytest.param({**ME, "email_verified": 1}, PERSON, "6b0e2f6e", id="… or in a number"),
        pytest.param({"sub": "6b0e2f6e"}, PERSON, "6b0e2f6e", id="… or there is no address"),
        pytest.param({**ME, "email": "a@x.org\nb@x.org"}, PERSON, "6b0e2f6e", id="… or there are two"),
        pytest.param({**ME, "email": "a@x.org\u200b"}, PERSON, "6b0e2f6e", id="… or it reads like another's"),
        pytest.param({**ME, "email": "\u202eogre@x.org"}, PERSON, "6b0e2f6e", id="… or runs the other way"),
        pytest.param({**ME, "email": "a" * 3_000 + "@x.org"}, PERSON, "6b0e2f6e", id="… or none is as long"),
        pytest.param({"sub": "x", "iss": ISSUER}, PERSON, f"x ({ISSUER})", id="a subject stands with its issuer"),
        pytest.param({"sub": audit.SERVICE.name}, PERSON, audit.SERVICE.name, id="somebody who is called as we are"),
        pytest.param({"sub": "app", "client_id": "app"}, PROGRAM, "app", id="a program"),
        pytest.param({"sub": "app", "cid": "app"}, PROGRAM, "app", id="a program at Okta"),
        pytest.param({"sub": "app", "idtyp": "app"}, PROGRAM, "app", id="a program at Entra ID"),
        pytest.param({**ME, "sub": "app", "azp": "app"}, PROGRAM, "app", id="a program has no address"),
        pytest.param({**ME, "azp": "kintell", "client_id": "kintell"}, PERSON, ME["email"], id="by way of a program"),
    ],
)
def test_the_upload_and_the_audit_trail_say_who_it_was(
    closed: Call, world: World, place: Place, claims: dict[str, Any], kind: str, name: str
) -> None:
    given = {key: value for key, value in claims.items() if value is not None}
    upload = ask(closed, "POST", "/v1/import/uploads", claims={**given, "cognito:groups": ["imports.write"]})
    assert upload.status == 201, upload.text
    batch = world.batch(error_file_key="errors/x.csv")
    path = f"/v1/import/backfill/{batch}/errors"
    assert closed("GET", path, claims={**given, "cognito:groups": ["errors.read"]}).status == 302
    expected = [name, kind, claims.get("iss"), claims["sub"]]
    assert place.db.run(
        "SELECT uploaded_by, uploader_kind, uploader_issuer, uploader_subject FROM uploads WHERE id = :id",
        id=UUID(upload.body["uploadId"]),
    ) == [expected]
    assert place.db.run(
        "SELECT actor, actor_kind, actor_issuer, actor_subject FROM audit_logs WHERE action = 'error_file_downloaded'"
    ) == [expected]
    shown = closed("GET", f"/v1/import/batches/{batch}/audit", claims={**ME, "cognito:groups": ["imports.read"]})
    entry = shown.body["items"][-1]
    found = [entry.get(key) for key in ("actor", "actorKind", "actorIssuer", "actorSubject")]
    assert found == expected


@pytest.mark.parametrize(
    ("source", "status"), [("127.0.0.1", 200), ("::1", 200), ("192.0.2.1", 403), ("10.0.0.1", 403)]
)
def test_a_system_that_asks_for_no_token_answers_its_own_machine_only(api: Call, source: str, status: int) -> None:
    http = {"method": "GET", "path": "/v1/import/summary", "sourceIp": source}
    assert api("GET", http["path"], requestContext={"stage": "$default", "http": http}).status == status
