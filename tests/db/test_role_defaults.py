"""What a role may change of itself has no effect on the connections of the functions, and ends with the next deploy."""

from collections.abc import Iterator

import pytest

from ingestion.database import connection as database_connection
from ingestion.database.connection import Connection, connect
from ingestion.database.roles import Login, let_in
from ingestion.database.session_settings import SESSION
from ingestion.errors import Unavailable
from local.postgres import Database
from tests.conftest import FUNCTIONS, FUNCTIONS_PASSWORD, functions_secret_of
from tests.db.test_audit import INSUFFICIENT_PRIVILEGE
from tests.db.world import refused

MISLEADING = {
    "search_path": "staging",
    "TimeZone": "Asia/Tokyo",
    "DateStyle": "SQL, DMY",
    "IntervalStyle": "iso_8601",
    "standard_conforming_strings": "off",
    "transform_null_equals": "on",
    "array_nulls": "off",
    "synchronous_commit": "off",
    "default_transaction_isolation": "serializable",
    "default_transaction_read_only": "on",
    "statement_timeout": "1",
    "lock_timeout": "1",
    "idle_session_timeout": "1",
    "idle_in_transaction_session_timeout": "1",
}


@pytest.fixture
def rebel(functions: Connection, owner: Connection) -> Iterator[Connection]:
    """The functions' role, whose own settings and password are as before once the test is over."""
    yield functions
    functions.close()
    let_in(owner, Login(username=FUNCTIONS, password=FUNCTIONS_PASSWORD))


def set_defaults(db: Connection, where: str) -> None:
    for name, value in MISLEADING.items():
        db.run(f"ALTER ROLE CURRENT_USER {where} SET {name} = '{value}'")
    db.run("COMMIT")


@pytest.fixture(params=["everywhere", "in this database"])
def where(request: pytest.FixtureRequest, database: Database) -> str:
    """For which connections the role sets its defaults."""
    return "" if request.param == "everywhere" else f"IN DATABASE {database.dbname}"


def settings_of(db: Connection) -> dict[str, str]:
    return {name: db.run("SELECT current_setting(:name)", name=name)[0][0] for name in SESSION}


def test_there_is_a_misleading_default_for_each_setting_that_matters() -> None:
    assert MISLEADING.keys() == SESSION.keys()


def test_defaults_of_the_role_do_not_reach_its_connections(rebel: Connection, database: Database, where: str) -> None:
    set_defaults(rebel, where)
    connection = connect(functions_secret_of(database))
    assert settings_of(connection) == SESSION
    connection.close()


def test_nor_through_a_proxy_that_keeps_the_first_message_to_itself(
    rebel: Connection, database: Database, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Proxied(Connection):
        def __init__(self, *args: object, startup_params: object, **kwargs: object) -> None:
            super().__init__(*args, **kwargs)

    # What ends a connection before it can say anything is left out: nobody could set it.
    monkeypatch.setitem(MISLEADING, "statement_timeout", "10s")
    monkeypatch.setitem(MISLEADING, "idle_session_timeout", "10s")
    set_defaults(rebel, where)
    monkeypatch.setattr(database_connection, "Connection", Proxied)
    connection = connect(functions_secret_of(database))
    assert settings_of(connection) == SESSION
    connection.close()


def test_a_deploy_forgets_them(rebel: Connection, owner: Connection, where: str) -> None:
    set_defaults(rebel, where)
    let_in(owner, Login(username=FUNCTIONS, password=FUNCTIONS_PASSWORD))
    assert owner.run("SELECT FROM pg_db_role_setting WHERE setrole = CAST(:name AS regrole)", name=FUNCTIONS) == []


def test_a_password_that_the_role_gave_itself_ends_with_a_deploy(
    rebel: Connection, owner: Connection, database: Database
) -> None:
    rebel.run("ALTER ROLE CURRENT_USER PASSWORD 'its own'; COMMIT")
    let_in(owner, Login(username=FUNCTIONS, password=FUNCTIONS_PASSWORD))
    with pytest.raises(Unavailable):
        connect(functions_secret_of(database).model_copy(update={"password": "its own"}))
    connect(functions_secret_of(database)).close()


@pytest.mark.parametrize(
    "statement",
    [
        "SET session_replication_role = replica",
        "ALTER ROLE CURRENT_USER SET session_replication_role = replica",
        "ALTER ROLE CURRENT_USER SET session_preload_libraries = anything",
        "ALTER ROLE CURRENT_USER SET log_statement = none",
        "ALTER ROLE CURRENT_USER SUPERUSER",
        "ALTER ROLE CURRENT_USER CREATEROLE",
        "ALTER ROLE CURRENT_USER BYPASSRLS",
        "ALTER ROLE CURRENT_USER VALID UNTIL 'infinity'",
        "ALTER ROLE CURRENT_USER CONNECTION LIMIT 0",
        "ALTER ROLE kintell SET search_path = staging",
        "ALTER ROLE ALL SET search_path = staging",
        "ALTER ROLE kintell PASSWORD 'mine'",
    ],
)
def test_what_more_a_role_might_change_is_refused(functions: Connection, statement: str) -> None:
    with refused(functions, INSUFFICIENT_PRIVILEGE):
        functions.run(statement)


def test_nobody_sets_a_default_for_the_database_but_its_owner(functions: Connection, database: Database) -> None:
    with refused(functions, INSUFFICIENT_PRIVILEGE):
        functions.run(f"ALTER DATABASE {database.dbname} SET search_path = staging")
