"""Functions in the stack's own network get the database's address by the environment, and call no service but S3."""

from typing import Any

import boto3
import pytest

import monitor.app
import outbox.app
import retention.app
from ingestion import config
from ingestion.aws import s3
from ingestion.database import connection as database_module
from ingestion.database.connection import Connection, DatabaseSecret
from local.postgres import Database
from tests.conftest import functions_secret_of
from tests.stages.conftest import CONTEXT, Pipeline

HEADER = "session_id,participant_email,mentor_email,scheduled_at\n"
KEY = "incoming/mentors_ukraine/mentors-ukraine-2024-q4.csv"


@pytest.fixture
def made(
    pipeline: Pipeline, environment: pytest.MonkeyPatch, database: Database, monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    """The services of which a client was made, from here on, where the template names a host and no secret."""
    environment.delenv("DATABASE_SECRET_ARN")
    environment.setenv("DATABASE_HOST", "kintell.example.org")
    environment.setenv("DATABASE_USER", "kintell_functions")
    made: list[str] = []
    client, connect = boto3.client, database_module.connect

    def noted(service: str, **given: Any) -> Any:
        made.append(service)
        return client(service, **given)

    def connect_here(login: DatabaseSecret, _idle: str) -> Connection:
        assert login == DatabaseSecret(host="kintell.example.org", username="kintell_functions")
        assert (login.password, login.sslmode) == ("", "verify-full")
        return connect(functions_secret_of(database))

    monkeypatch.setattr(boto3, "client", noted)
    monkeypatch.setattr(database_module, "connect", connect_here)
    config.settings.cache_clear()
    s3._client.cache_clear()
    return made


def test_an_import_and_what_looks_after_it_call_s3_only(
    pipeline: Pipeline, small_chunks: None, made: list[str]
) -> None:
    pipeline.know("oksana@example.org", "kari@acme.com")
    good = "".join(f"MS-{number},oksana@example.org,kari@acme.com,2024-11-05\n" for number in range(20))
    batch = pipeline.load(KEY, f"{HEADER}{good}MS-20,nobody@example.org,kari@acme.com,2024-11-05\n".encode())
    assert (batch["status"], batch["inserted_rows"], batch["error_rows"]) == ("completed", 20, 1)
    assert pipeline.upload(KEY, b"no columns\n")["state"] == "refused"
    for app in (outbox.app, monitor.app, retention.app):
        app.handler({}, CONTEXT)
    assert set(made) == {"s3"}
