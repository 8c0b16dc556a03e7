"""One database for a module's tests, each in a transaction that is rolled back: a copy of its own would cost 0.2 s."""

from collections.abc import Callable, Iterator
from itertools import count

import pytest

from ingestion.database.connection import Connection, connect
from ingestion.database.roles import Login, let_in
from local.postgres import Database
from tests.conftest import FUNCTIONS, FUNCTIONS_PASSWORD, functions_secret_of, secret_of

_numbers = count(1)


@pytest.fixture(scope="module")
def module_database(database_server: Database) -> Iterator[Database]:
    """A database with the schema, for what leaves nothing behind."""
    fresh = database_server.create(f"test_db_{next(_numbers)}", template="migrated")
    yield fresh
    database_server.drop(fresh.dbname)


@pytest.fixture(scope="module")
def module_connection(module_database: Database) -> Iterator[Connection]:
    """A connection to it."""
    connection = connect(secret_of(module_database))
    yield connection
    connection.close()


@pytest.fixture
def db(module_connection: Connection) -> Iterator[Connection]:
    """A connection in a transaction that is rolled back."""
    module_connection.run("BEGIN")
    yield module_connection
    module_connection.run("ROLLBACK")


@pytest.fixture
def new_connection(database: Database) -> Iterator[Callable[[], Connection]]:
    """Makes connections to a database of the test's own, for what takes more than one."""
    made: list[Connection] = []

    def make() -> Connection:
        made.append(connect(secret_of(database)))
        return made[-1]

    yield make
    for connection in made:
        connection.close()


@pytest.fixture
def owner(database: Database) -> Iterator[Connection]:
    """The owner's connection, once it has let the functions in: a copy of a database has not its rights."""
    connection = connect(secret_of(database))
    let_in(connection, Login(username=FUNCTIONS, password=FUNCTIONS_PASSWORD))
    yield connection
    connection.close()


@pytest.fixture
def functions(database: Database, owner: Connection) -> Iterator[Connection]:
    """The functions' connection, in a transaction."""
    connection = connect(functions_secret_of(database))
    connection.run("BEGIN")
    yield connection
    connection.close()
