"""The API's function on a real PostgreSQL with the schema; S3 and Secrets Manager are moto's.

The tests of a module share one database, emptied before each: a new one for each would take most of the time.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import boto3
import pytest
from moto import mock_aws

from ingestion import config
from ingestion.aws import cookie_key, s3
from ingestion.database import connection as database_module
from ingestion.database.connection import Connection, connect
from local.postgres import Database
from tests.api.api_calls import Answer, Call, call
from tests.api.full_world import BROWSER
from tests.api.html import Html
from tests.api.world import REGION, UPLOADS, WORK, World
from tests.conftest import functions_secret_of, secret_of

NOWHERE = {"host": "127.0.0.1", "port": 1, "username": "u", "password": "p", "sslmode": "disable"}


@dataclass(frozen=True)
class Place:
    """A database as the function finds it, and a connection past the function."""

    secret: str
    db: Connection


@pytest.fixture(scope="module")
def environment() -> Iterator[pytest.MonkeyPatch]:
    """The settings from the template, and an AWS whose database does not answer."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for name, value in {
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "UPLOADS_BUCKET": UPLOADS,
            "WORK_BUCKET": WORK,
            "MAX_FILE_BYTES": "1000000",
            "DATABASE_SECRET_ARN": "nowhere",
            "AUTHENTICATION": "none",
        }.items():
            patch.setenv(name, value)
        boto3.client("secretsmanager").create_secret(Name="nowhere", SecretString=json.dumps(NOWHERE))
        s3._client.cache_clear()
        config.settings.cache_clear()
        yield patch
    s3._client.cache_clear()
    config.settings.cache_clear()


def read_cookie_key(key: bytes) -> None:
    """Let the function read what passes are signed with, before other tests make the bucket and empty it."""
    client, there = boto3.client("s3"), {"Bucket": WORK, "Key": cookie_key.KEY}
    client.create_bucket(Bucket=WORK, CreateBucketConfiguration={"LocationConstraint": REGION})
    client.put_object(**there, Body=key)
    cookie_key.cookie_key.cache_clear()
    assert cookie_key.cookie_key(WORK) == key
    client.delete_object(**there)
    client.delete_bucket(Bucket=WORK)


@pytest.fixture(scope="module")
def place(database_server: Database, environment: pytest.MonkeyPatch) -> Iterator[Place]:
    """The module's database."""
    name = f"serve_{uuid4().hex}"
    created = database_server.create(name, template="migrated")
    boto3.client("secretsmanager").create_secret(Name=name, SecretString=functions_secret_of(created).model_dump_json())
    place = Place(name, connect(secret_of(created)))
    # Past the trigger that keeps the audit trail.
    place.db.run("SET session_replication_role = replica")
    yield place
    place.db.close()
    if name in database_module._open:
        database_module._open.pop(name).close()
    database_server.drop(name)


@pytest.fixture
def api(place: Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[Call]:
    """Asks the function, whose database is empty."""
    monkeypatch.setenv("DATABASE_SECRET_ARN", place.secret)
    config.settings.cache_clear()
    yield call
    config.settings.cache_clear()


@pytest.fixture
def emptied(api: Call, place: Place) -> Iterator[None]:
    """For tests that write: removes what they wrote."""
    yield
    place.db.run(
        """
        TRUNCATE program_instances, users, user_versions, uploads, ingestion_batches, undos, chunks, shards,
                 kintell_sessions, batch_overlaps, unchanged_rows, verifications, outbox, returned_rows, retryable_rows,
                 kintell_session_versions, batch_people, audit_logs, revoked_cookies, idempotency_keys
                 RESTART IDENTITY
        """
    )


@pytest.fixture
def get(api: Call) -> Call:
    """GET *path* with query parameters by name."""

    def get(path: str, headers: dict[str, str] | None = None, **query: Any) -> Answer:
        return api("GET", path, query, **({"headers": headers} if headers else {}))

    return get


@pytest.fixture
def post(api: Call, emptied: None) -> Call:
    """POST *body* as JSON."""

    def post(path: str, body: Any, **more: Any) -> Answer:
        return api("POST", path, body=json.dumps(body), headers={"content-type": "application/json"}, **more)

    return post


@pytest.fixture
def world(emptied: None, place: Place) -> World:
    """Hand-made rows in the function's database."""
    return World(place.db)


@pytest.fixture
def see(api: Call) -> Any:
    """GET *path* as a browser does; the page, which keeps to its policy."""

    def see(path: str, status: int = 200, language: str = "en", **query: Any) -> Html:
        answer = api("GET", path, query, headers={**BROWSER, "accept-language": language})
        assert answer.status == status, answer.text
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        html = Html(answer.text)
        assert html.keeps_to_the_policy()
        return html

    return see


@pytest.fixture
def buckets(environment: pytest.MonkeyPatch) -> Any:
    """The storage, with nothing in it but what this test puts there."""
    client = boto3.client("s3")
    for bucket in (UPLOADS, WORK):
        client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    yield client
    for bucket in (UPLOADS, WORK):
        for stored in client.list_objects_v2(Bucket=bucket).get("Contents", []):
            client.delete_object(Bucket=bucket, Key=stored["Key"])
        client.delete_bucket(Bucket=bucket)
