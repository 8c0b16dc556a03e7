"""The story of a stack: it fails, is repeated, stands beside another, is updated, goes, and is made again.

Deployed is the template as on AWS, but for what the emulator can't make (`Operations`) and what forbids S3 without TLS.
"""

import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

import local.deploy
from local.aws import ROOT, Aws, running_aws
from local.deploy import Stack, TemplateLoader
from local.failures import CannotStart
from local.postgres import THROW_AWAY, Database, running_server
from local.processes import free_port

SIGN_IN = {
    "Authentication": "oidc",
    "OidcIssuer": "http://127.0.0.1:9",
    "OidcAudience": "kintell",
    "OidcClientId": "kintell",
}
MIGRATIONS = "layers/common/ingestion/database/migrations"
BROKEN = f"{MIGRATIONS}/9999_broken.sql"
FILE = {"Key": "incoming/kept.csv", "Body": b"session_id\n"}


@dataclass
class Account:
    """An account with a database, and a clone to deploy from."""

    aws: Aws
    database: Database
    clone: Path

    def client(self, service: str) -> Any:
        return self.aws.client(service)

    def deploy(self, name: str, **parameters: str) -> Stack:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(local.deploy, "STACK", name)
            template = self.clone / "template.json"
            return local.deploy.deploy(self.aws, self.database, None, {**SIGN_IN, **parameters}, template)

    def delete(self, name: str) -> None:
        self.client("cloudformation").delete_stack(StackName=name)
        deadline = time.monotonic() + 60
        while name in self.stacks() and time.monotonic() < deadline:
            time.sleep(0.1)
        assert name not in self.stacks()

    def stacks(self) -> dict[str, str]:
        found = self.client("cloudformation").describe_stacks()["Stacks"]
        return {one["StackName"]: one["StackStatus"] for one in found}

    def buckets(self) -> set[str]:
        found = {one["Name"] for one in self.client("s3").list_buckets()["Buckets"]}
        return found - {local.deploy.ARTIFACTS}

    def functions(self, stack: str) -> dict[str, Any]:
        found = self.client("lambda").get_paginator("list_functions").paginate()
        each = [one for page in found for one in page["Functions"]]
        return {one["FunctionName"]: one for one in each if one["FunctionName"].startswith(f"{stack}-")}

    def uploads(self) -> list[list[Any]]:
        """Bucket and state of each upload, and whether its file was deleted."""
        db = self.database.connect()
        try:
            found: list[list[Any]] = db.run(
                "SELECT bucket, state, deleted_at IS NOT NULL FROM uploads ORDER BY received_at"
            )
            return found
        finally:
            db.close()

    def clean_up(self, stack: str) -> dict[str, int]:
        """What Retention answers, a year on."""
        db = self.database.connect()
        db.run("UPDATE uploads SET decided_at = decided_at - interval '1 year'")
        db.close()
        (name,) = (name for name in self.functions(stack) if "Retention" in name)
        answer: dict[str, int] = json.load(self.client("lambda").invoke(FunctionName=name, Payload="{}")["Payload"])
        return answer

    def queues(self) -> list[str]:
        return list(self.client("sqs").list_queues().get("QueueUrls", []))


def clone_in(folder: Path) -> Path:
    """A clone whose template the emulator can deploy with sign-in."""
    clone = folder / "clone"
    for name in ("infra", "statemachine", "functions", "layers"):
        shutil.copytree(ROOT / name, clone / name, ignore=shutil.ignore_patterns("__pycache__"))
    body = yaml.load((ROOT / "template.yaml").read_text(), TemplateLoader)
    del body["Resources"]["Operations"]
    body["Resources"]["Files"]["Properties"]["Parameters"]["Guarded"] = "false"
    (clone / "template.json").write_text(json.dumps(body))
    return clone


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Account]:
    with (
        running_server(tmp_path, THROW_AWAY) as database,
        running_aws(tmp_path / "aws", free_port(), free_port()) as aws,
    ):
        yield Account(aws, database, clone_in(tmp_path))


def test_a_stack_comes_and_goes(account: Account) -> None:
    # The first deploy fails, and leaves nothing that stands in the way of the second.
    (account.clone / BROKEN).write_text("-- deploy: before\nSELECT * FROM nowhere;")
    with pytest.raises(CannotStart, match="nowhere"):
        account.deploy("one")
    assert account.stacks()["one"] == "ROLLBACK_COMPLETE"
    assert (account.buckets(), account.functions("one"), account.queues()) == (set(), {}, [])
    account.delete("one")
    (account.clone / BROKEN).unlink()
    one = account.deploy("one")
    account.client("s3").put_object(Bucket=one.uploads_bucket, **FILE)
    deadline = time.monotonic() + 60
    while account.uploads() != [[one.uploads_bucket, "refused", False]] and time.monotonic() < deadline:
        time.sleep(0.1)
    assert account.uploads() == [[one.uploads_bucket, "refused", False]]

    # Another stands beside it, and takes nothing with it when it goes.
    two = account.deploy("two")
    assert not {one.uploads_bucket, one.work_bucket} & {two.uploads_bucket, two.work_bucket}
    assert len(account.functions("two")) == len(account.functions("one"))
    account.delete("two")
    assert account.stacks()["one"] == "CREATE_COMPLETE"
    assert account.functions("two") == {}

    # It is updated: a parameter and the migrations change, and nothing else; what has a name stays what it is.
    before = account.functions("one")
    (account.clone / MIGRATIONS / "9999_more.sql").write_text("-- deploy: before\nCREATE TABLE more (id integer);")
    assert account.deploy("one", LogLevel="DEBUG") == one
    after = account.functions("one")
    assert after.keys() == before.keys()
    assert {each["Environment"]["Variables"]["POWERTOOLS_LOG_LEVEL"] for each in after.values()} == {"DEBUG"}
    db = account.database.connect()
    assert db.run("SELECT to_regclass('more') IS NOT NULL") == [[True]]
    db.close()

    # It goes; the files stay, and a stack of the same name is made beside them.
    account.delete("one")
    assert account.functions("one") == {}
    kept = account.buckets()
    assert {one.uploads_bucket, one.work_bucket} <= kept
    assert account.client("s3").get_object(Bucket=one.uploads_bucket, Key=FILE["Key"])["Body"].read() == FILE["Body"]
    again = account.deploy("one")
    assert account.buckets() - kept == {again.uploads_bucket, again.work_bucket}

    # It has the old database, and deletes what has been in the old bucket for too long.
    assert account.clean_up("one")["refused_uploads_deleted"] == 1
    assert account.uploads() == [[one.uploads_bucket, "refused", True]]
    assert not account.client("s3").list_object_versions(Bucket=one.uploads_bucket).get("Versions")
