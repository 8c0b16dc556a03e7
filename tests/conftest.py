"""A real PostgreSQL for every test that touches SQL: one server per worker, a fresh database per test."""

import os
from collections.abc import Iterator
from itertools import count

import pytest

# Powertools reads these when it is imported, as it does on Lambda.
os.environ.update(
    POWERTOOLS_SERVICE_NAME="test", POWERTOOLS_METRICS_NAMESPACE="Test", POWERTOOLS_LOG_LEVEL="INFO", POWERTOOLS_DEV="0"
)

from hypothesis import settings

from ingestion.database.connection import Connection, DatabaseSecret, connect
from ingestion.database.roles import Login, let_in
from ingestion.database.schema import migrate
from local.postgres import Database, temporary_server
from tests.chromium import browser
from tests.pgbouncer import Pooler, is_wanted, running_pooler

__all__ = ["browser"]

FUNCTIONS, FUNCTIONS_PASSWORD = "kintell_functions", "of the functions"
# No test is about time: on a machine that is busy any example may take a second.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

_numbers = count(1)
_poolers: dict[int, Pooler] = {}
"""The pooler in front of a server, by the server's port; none unless the tests are to run through one."""


@pytest.fixture(scope="session")
def database_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A throw-away server, with a database `migrated` to copy. If wanted, the code gets to it through PgBouncer."""
    with temporary_server() as server:
        template = server.create("migrated")
        db = connect(secret_of(template))
        migrate(db)
        let_in(db, Login(username=FUNCTIONS, password=FUNCTIONS_PASSWORD))
        db.close()
        if not is_wanted():
            yield server
            return
        folder = tmp_path_factory.mktemp("pooler")
        with running_pooler(server, folder, {FUNCTIONS: FUNCTIONS_PASSWORD}) as pooler:
            _poolers[server.port] = pooler
            yield server


@pytest.fixture
def database(database_server: Database) -> Iterator[Database]:
    """An empty database with the schema."""
    fresh = database_server.create(f"test_{next(_numbers)}", template="migrated")
    yield fresh
    database_server.drop(fresh.dbname)


@pytest.fixture
def db(database: Database) -> Iterator[Connection]:
    """A connection to the test's database."""
    connection = connect(secret_of(database))
    yield connection
    connection.close()


def secret_of(database: Database) -> DatabaseSecret:
    """The database's address as Secrets Manager keeps it."""
    return DatabaseSecret(
        host=database.host,
        port=_poolers[database.port].port if database.port in _poolers else database.port,
        dbname=database.dbname,
        username=database.username,
        password=database.password,
        sslmode=database.sslmode,
    )


def functions_secret_of(database: Database) -> DatabaseSecret:
    """The same for the functions, who may read and write rows and no more."""
    return secret_of(database).model_copy(update={"username": FUNCTIONS, "password": FUNCTIONS_PASSWORD})
