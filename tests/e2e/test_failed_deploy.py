"""A deploy that can't go on says why, and ends."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from local.aws import ROOT, Aws, running_aws
from local.deploy import deploy, find_stack
from local.failures import CannotStart
from local.postgres import Database
from local.processes import free_port

PARTS = ("template.yaml", "infra", "statemachine", "functions", "layers")
MIGRATIONS = "layers/common/ingestion/database/migrations"


@pytest.fixture
def empty(database_server: Database) -> Iterator[Database]:
    """A database that nobody has migrated."""
    made = database_server.create(f"unmigrated_{uuid4().hex}", "template0")
    yield made
    database_server.drop(made.dbname)


@pytest.fixture
def broken_clone(tmp_path: Path) -> Path:
    """What is deployed, with one more migration, which can't be applied."""
    clone = tmp_path / "clone"
    for name in PARTS:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, clone / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            clone.mkdir(exist_ok=True)
            shutil.copy(source, clone / name)
    (clone / MIGRATIONS / "9999_broken.sql").write_text(
        "-- deploy: before\nCREATE TABLE half (id integer); SELECT * FROM nowhere;"
    )
    return clone


def test_a_failed_migration_fails_the_deploy_with_its_reason(
    broken_clone: Path, empty: Database, tmp_path: Path
) -> None:
    with running_aws(tmp_path / "aws", free_port(), free_port()) as aws:
        with pytest.raises(
            CannotStart, match=r'Schema: .*9999_broken\.sql was not applied: relation "nowhere" does not exist'
        ):
            deploy(aws, empty, template=broken_clone / "template.yaml")
        stacks = aws.client("cloudformation").describe_stacks()["Stacks"]
        assert {stack["StackStatus"] for stack in stacks if stack["StackName"] == "kintell"} == {"ROLLBACK_COMPLETE"}
        db = empty.connect()
        assert db.run("SELECT to_regclass('half'), to_regclass('uploads') IS NOT NULL") == [[None, True]]
        db.close()
        # As sam delete does; then it is deployed again, under the same name and in the same account.
        aws.client("cloudformation").delete_stack(StackName="kintell")
        wait_until_gone(aws)
        assert deploy(aws, empty).api_id


def wait_until_gone(aws: Aws) -> None:
    deadline = time.monotonic() + 30
    while find_stack(aws.client("cloudformation")) is not None:
        assert time.monotonic() < deadline
        time.sleep(0.1)
