"""The stages run by hand: real PostgreSQL, S3 and Secrets Manager by moto, and the order of the state machine."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws

import annotate_conflicts.app
import finalize.app
import intake.app
import merge.app
import reconcile.app
import stage.app
from ingestion import config
from ingestion.aws import cookie_key, s3
from ingestion.database import connection as database_module
from ingestion.database.connection import Connection, rows
from ingestion.uploads.upload_options import encode_metadata
from local.postgres import Database
from tests.conftest import functions_secret_of

UPLOADS, WORK = "test-uploads", "test-work"


CONTEXT: Any = SimpleNamespace(
    function_name="test",
    memory_limit_in_mb=128,
    invoked_function_arn="arn:aws:lambda:eu-north-1:123456789012:function:test",
    aws_request_id="test",
)
"""The context that Lambda gives a handler."""


@dataclass
class Pipeline:
    """Uploads files and drives their imports."""

    db: Connection
    s3: Any

    def upload(self, key: str, body: bytes, **metadata: str) -> dict[str, Any]:
        """Put an object, deliver its event; what intake answered for it."""
        encoded = {name.replace("_", "-"): encode_metadata(value) for name, value in metadata.items()}
        put = self.s3.put_object(Bucket=UPLOADS, Key=key, Body=body, Metadata=encoded)
        return self.deliver(key, put["VersionId"], len(body))

    def deliver(self, key: str, version_id: str, size: int, principal: str = "AWS:operator") -> dict[str, Any]:
        """Deliver the event of an object version; what intake answered."""
        record = {
            "s3": {"bucket": {"name": UPLOADS}, "object": {"key": key, "versionId": version_id, "size": size}},
            "userIdentity": {"principalId": principal},
        }
        answer: dict[str, Any] = intake.app.handler({"Records": [record]}, CONTEXT)["uploads"][0]
        return answer

    def run(self, batch_id: str, execution: str | None = None) -> dict[str, Any]:
        """Import a batch as the state machine does; the batch's record."""
        given = execution or f"execution-of-{batch_id}"
        numbers = [row[0] for row in self.db.run("SELECT number FROM chunks WHERE batch_id = :id", id=batch_id)]
        try:
            self._flow(batch_id, given, numbers)
        except Exception as broke:
            error = {"Error": type(broke).__name__, "Cause": json.dumps({"errorMessage": str(broke)})}
            finalize.app.handler({"batchId": batch_id, "execution": given, "error": error}, CONTEXT)
        return self.batch(batch_id)

    def _flow(self, batch_id: str, execution: str, numbers: list[int]) -> None:
        while True:
            for number in numbers:
                task = {"batchId": batch_id, "chunk": number, "execution": execution}
                stage.app.handler(task, CONTEXT)
            verdict = reconcile.app.handler({"batchId": batch_id}, CONTEXT)
            if verdict["verdict"] != "restage":
                break
            numbers = self._manifest(verdict)
        if verdict["hasConflicts"]:
            for number in self._manifest(verdict):
                annotate_conflicts.app.handler({"batchId": batch_id, "chunk": number}, CONTEXT)
        for shard in reversed(verdict["shards"]):
            merge.app.handler({"batchId": batch_id, "shard": shard}, CONTEXT)
        finalize.app.handler({"batchId": batch_id}, CONTEXT)

    def _manifest(self, verdict: dict[str, Any]) -> list[int]:
        body = self.s3.get_object(Bucket=WORK, Key=verdict["manifestKey"])["Body"].read()
        return [entry["chunk"] for entry in json.loads(body)]

    def load(self, key: str, body: bytes, **metadata: str) -> dict[str, Any]:
        """Upload and import; the batch's record."""
        taken = self.upload(key, body, **metadata)
        assert taken["state"] == "accepted", taken
        return self.run(taken["batch_id"])

    def batch(self, batch_id: str) -> dict[str, Any]:
        """A batch as the database has it."""
        return rows(self.db, "SELECT * FROM ingestion_batches WHERE id = :id", id=batch_id)[0]

    def error_file(self, batch: dict[str, Any]) -> bytes:
        """The error file of a batch."""
        body: bytes = self.s3.get_object(Bucket=WORK, Key=batch["error_file_key"])["Body"].read()
        return body

    def know(self, *emails: str, role: str = "participant") -> None:
        """Make people known."""
        self.db.run(
            "INSERT INTO users (email, role) SELECT unnest(CAST(:emails AS text[])), :role ON CONFLICT DO NOTHING",
            emails=list(emails),
            role=role,
        )


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """An environment as the template gives it; tests may change it before the first call."""
    for name, value in {
        "AWS_DEFAULT_REGION": "eu-north-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "UPLOADS_BUCKET": UPLOADS,
        "WORK_BUCKET": WORK,
        "DATABASE_SECRET_ARN": "database",
    }.items():
        monkeypatch.setenv(name, value)
    _forget()
    yield monkeypatch
    _forget()


def _forget() -> None:
    for cached in (config.settings, cookie_key.cookie_key, s3._client):
        cached.cache_clear()
    for connection in database_module._open.values():
        connection.close()
    database_module._open.clear()


@pytest.fixture
def pipeline(environment: pytest.MonkeyPatch, database: Database, db: Connection) -> Iterator[Pipeline]:
    """The stages, ready to import."""
    with mock_aws():
        client = boto3.client("s3")
        where = {"LocationConstraint": "eu-north-1"}
        for bucket in (UPLOADS, WORK):
            client.create_bucket(Bucket=bucket, CreateBucketConfiguration=where)
        client.put_bucket_versioning(Bucket=UPLOADS, VersioningConfiguration={"Status": "Enabled"})
        secret = functions_secret_of(database).model_dump_json()
        boto3.client("secretsmanager").create_secret(Name="database", SecretString=secret)
        yield Pipeline(db, client)
        for connection in database_module._open.values():
            connection.close()
        database_module._open.clear()


@pytest.fixture
def small_chunks(environment: pytest.MonkeyPatch) -> None:
    """Chunks of a few rows."""
    environment.setenv("CHUNK_BYTES", "300")
