"""Idempotency-Key: a POST that is sent again is answered again, and carried out once."""

import json
from typing import Any
from uuid import uuid4

import pytest

from ingestion.database.connection import Connection, connect
from ingestion.database.tables import idempotency_keys
from ingestion.database.tables.idempotency_keys import Request
from local.postgres import Database
from tests.api.api_calls import Answer, Call
from tests.api.conftest import Place
from tests.api.world import World
from tests.conftest import secret_of

UPLOADS = "/v1/import/uploads"
FILE = {"fileName": "mentors-ukraine-2024-11.csv"}


@pytest.fixture
def send(api: Call, emptied: None) -> Any:
    """POST *body* under a key."""

    def send(path: str, body: Any, key: str, **more: Any) -> Answer:
        headers = {"content-type": "application/json", "idempotency-key": key}
        return api("POST", path, body=json.dumps(body), headers=headers, **more)

    return send


def test_the_same_request_is_answered_the_same_and_carried_out_once(send: Any, world: World) -> None:
    first = send(UPLOADS, FILE, "one")
    again = send(UPLOADS, FILE, "one")
    assert (again.status, again.text) == (first.status, first.text) == (201, first.text)
    assert again.headers["Content-Type"] == first.headers["Content-Type"]
    assert world.count("SELECT count(*) FROM uploads") == 1
    assert send(UPLOADS, FILE, "two").body["uploadId"] != first.body["uploadId"]


def test_a_problem_is_answered_again_too(send: Any, world: World) -> None:
    batch = world.batch(status="completed")
    path = f"/v1/import/batches/{batch}/cancel"
    assert send(path, {}, "one").is_problem(409, "already_ended")
    assert send(path, {}, "one").is_problem(409, "already_ended")


def test_a_key_belongs_to_one_body_and_one_route(send: Any, world: World) -> None:
    send(UPLOADS, FILE, "one")
    assert send(UPLOADS, {**FILE, "dryRun": True}, "one").is_problem(422, "idempotency_key_reused")
    batch = world.batch(status="running")
    assert send(f"/v1/import/batches/{batch}/cancel", {}, "one").status == 202


def test_nobody_meets_the_answer_of_somebody_else(send: Any, world: World) -> None:
    def claims(subject: str) -> dict[str, Any]:
        return {"iss": "https://issuer.example.org", "sub": subject, "cognito:groups": ["imports.write"]}

    found = {send(UPLOADS, FILE, "one", claims=claims(who)).body["uploadId"] for who in ("anna", "ole", "ole")}
    assert len(found) == 2


def test_a_request_that_is_still_at_work_is_not_begun_again(send: Any, place: Place, world: World) -> None:
    send(UPLOADS, FILE, "one")
    place.db.run("UPDATE idempotency_keys SET status = NULL, answer = NULL")
    assert send(UPLOADS, FILE, "one").is_problem(409, "request_in_flight")
    place.db.run("UPDATE idempotency_keys SET claimed_at = now() - interval '2 minutes'")
    assert send(UPLOADS, FILE, "one").status == 201, "its function must have died"


@pytest.mark.parametrize("key", ["", " ", "a" * 256, "blåbær", "a\tb"])
def test_a_key_is_some_printable_characters(send: Any, world: World, key: str) -> None:
    assert send(UPLOADS, FILE, key).is_problem(422, "invalid_request")
    assert world.count("SELECT count(*) FROM uploads") == 0


def test_a_key_is_free_again_a_day_later(send: Any, place: Place) -> None:
    first = send(UPLOADS, FILE, "one")
    place.db.run("UPDATE idempotency_keys SET claimed_at = now() - interval '25 hours'")
    assert send(UPLOADS, FILE, "one").body["uploadId"] != first.body["uploadId"]


def test_what_a_person_is_asked_for_is_not_kept(send: Any, place: Place) -> None:
    assert send("/v1/sessions/search", {"email": "oksana@example.org"}, "one").status == 200
    assert place.db.run("SELECT count(*) FROM idempotency_keys") == [[0]]


def test_two_at_once_get_one_claim(db: Connection, database: Database) -> None:
    another = connect(secret_of(database))
    request = Request("0" * 64, UPLOADS, str(uuid4()), "1" * 64)
    assert idempotency_keys.claim(db, request) is None
    assert idempotency_keys.claim(another, request) == (request.body_hash, None, None)
    idempotency_keys.release(db, request)
    assert idempotency_keys.claim(another, request) is None
    another.close()
