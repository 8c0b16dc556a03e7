"""The local system, running, for the tests that go in through its front door: one for all of them, in a folder of its
own, on free ports."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ingestion.database.connection import Connection, connect
from local.postgres import THROW_AWAY, Database, running_server
from local.system import LocalSystem, Places
from tests.conftest import secret_of

# A proxy that the environment may name knows nothing of this machine's loopback.
os.environ["no_proxy"] = os.environ["NO_PROXY"] = "127.0.0.1,localhost"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With xdist, the tests that share the system run in one process, after one another; the others stay by module."""
    here = Path(__file__).parent
    for item in items:
        if item.path.parent == here:
            uses_system = "system" in getattr(item, "fixturenames", ())
            item.add_marker(pytest.mark.xdist_group("system" if uses_system else item.path.stem))


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSystem]:
    """The whole system; its database with the settings for what need not survive."""
    folder = tmp_path_factory.mktemp("system")
    with (
        running_server(folder, THROW_AWAY) as database,
        LocalSystem(Places(folder, database_url=database.url)) as running,
    ):
        yield running


@pytest.fixture(scope="session")
def api_url(system: LocalSystem) -> str:
    """Where the HTTP API answers, without a slash at its end."""
    return system.aws.api_url


@pytest.fixture(scope="session")
def s3(system: LocalSystem) -> Any:
    """A client with the account's root key."""
    return system.client("s3")


@pytest.fixture(scope="session")
def stepfunctions(system: LocalSystem) -> Any:
    """A client with the account's root key."""
    return system.client("stepfunctions")


@pytest.fixture
def database(system: LocalSystem) -> Database:
    """The running system's database, in place of the empty one of the other tests."""
    return system.database


@pytest.fixture
def db(database: Database) -> Iterator[Connection]:
    """A connection to the running system's database."""
    connection = connect(secret_of(database))
    yield connection
    connection.close()
