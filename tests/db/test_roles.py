"""The functions' role reads and writes rows; it changes no table, empties none, and adds to the audit trail only."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from ingestion.database.connection import Connection, DatabaseSecret, connect
from ingestion.database.publishing import staging
from ingestion.database.publishing.targets import SESSIONS
from ingestion.database.roles import Login, MayNotCreateRole, let_in
from ingestion.database.tables import audit
from ingestion.errors import Unavailable
from local.postgres import Database
from tests.conftest import FUNCTIONS, functions_secret_of, secret_of
from tests.db.test_audit import INSUFFICIENT_PRIVILEGE
from tests.db.world import FOREIGN_KEY, add_session, refused

BATCH = UUID(int=7)


@pytest.fixture
def functions(module_database: Database) -> Iterator[Connection]:
    """The functions' connection, in a transaction that is rolled back."""
    connection = connect(functions_secret_of(module_database))
    connection.run("BEGIN")
    yield connection
    connection.close()


@pytest.fixture
def owner(database: Database) -> Iterator[Connection]:
    """The owner's connection to a database of the test's own."""
    connection = connect(secret_of(database))
    yield connection
    connection.close()


@pytest.fixture
def nobody(owner: Connection, database: Database) -> DatabaseSecret:
    """Somebody who may create no role."""
    login = secret_of(database).model_copy(update={"username": f"nobody_of_{database.dbname}", "password": "plain"})
    owner.run(f"CREATE ROLE {login.username} LOGIN PASSWORD '{login.password}'")
    return login


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_logs SET actor = 'nobody'",
        "DELETE FROM audit_logs",
        "TRUNCATE audit_logs",
        "TRUNCATE users CASCADE",
        "TRUNCATE kintell_sessions",
        "DROP TABLE kintell_sessions",
        "ALTER TABLE audit_logs DISABLE TRIGGER ALL",
        "ALTER TABLE users ADD COLUMN password text",
        "CREATE TABLE public.mine (id integer)",
        "ALTER FUNCTION refuse_to_change_the_audit_trail() RENAME TO refuse_nothing",
        "SET session_replication_role = replica",
        "INSERT INTO schema_migrations (version) VALUES ('9999')",
        "DELETE FROM schema_migrations",
        "DROP TABLE staging.session_rows",
        "DELETE FROM staging.session_rows",
        "CREATE ROLE another LOGIN",
        "SET ROLE kintell",
    ],
)
def test_what_is_no_reading_or_writing_of_rows_is_refused(functions: Connection, statement: str) -> None:
    with refused(functions, INSUFFICIENT_PRIVILEGE):
        functions.run(statement)


def test_it_adds_to_the_audit_trail(functions: Connection) -> None:
    audit.write(functions, actor=audit.SERVICE, action="import_started", batch_id=BATCH)
    assert functions.run("SELECT actor, batch_id FROM audit_logs") == [[audit.SERVICE.name, BATCH]]


def test_it_makes_and_drops_the_staging_of_a_batch(functions: Connection) -> None:
    staging.create(functions, BATCH, SESSIONS, 2)
    assert staging.batches(functions) == [BATCH]
    staging.drop(functions, BATCH)
    assert staging.batches(functions) == []


def test_what_the_functions_staged_as_owner_is_theirs_to_drop(owner: Connection, database: Database) -> None:
    staging.create(owner, BATCH, SESSIONS, 2)
    let_in(owner, Login(username=functions_secret_of(database).username))
    functions = connect(functions_secret_of(database))
    staging.drop(functions, BATCH)
    assert staging.batches(functions) == []
    functions.close()


def test_letting_in_makes_the_role_once_and_sets_its_password_each_time(owner: Connection, database: Database) -> None:
    name = f'a "role" of {database.dbname}'
    for password in ("the first", "the second"):
        let_in(owner, Login(username=name, password=password))
        login = DatabaseSecret(**{**secret_of(database).model_dump(), "username": name, "password": password})
        db = connect(login)
        assert db.run("SELECT count(*) FROM users") == [[0]]
        db.close()
    with pytest.raises(Unavailable):
        connect(login.model_copy(update={"password": "the first"}))


def test_a_later_table_is_let_in_to_with_the_migration_that_makes_it(owner: Connection, database: Database) -> None:
    owner.run("CREATE TABLE later (id integer)")
    functions = connect(functions_secret_of(database))
    functions.run("BEGIN")
    with refused(functions, INSUFFICIENT_PRIVILEGE):
        functions.run("SELECT FROM later")
    functions.run("COMMIT")
    let_in(owner, Login(username=functions_secret_of(database).username))
    functions.run("INSERT INTO later VALUES (1)")
    functions.close()


def test_an_owner_who_may_create_no_role_says_what_to_do(nobody: DatabaseSecret) -> None:
    db = connect(nobody)
    with pytest.raises(MayNotCreateRole, match=r"CREATE ROLE not_there LOGIN .* leave out DatabaseOwnerSecretArn"):
        let_in(db, Login(username="not_there"))
    db.close()


def test_an_owner_who_may_create_no_role_lets_one_in_that_is_there(
    owner: Connection, database: Database, nobody: DatabaseSecret
) -> None:
    owner.run("CREATE TABLE of_others (id integer)")
    for kind, thing in (("TABLE", "users"), ("TABLE", "audit_logs"), ("SCHEMA", "staging"), ("SCHEMA", "public")):
        owner.run(f"ALTER {kind} {thing} OWNER TO {nobody.username}")
    owner.run(f"REVOKE ALL ON users FROM {FUNCTIONS}")
    db = connect(nobody)
    let_in(db, Login(username=FUNCTIONS, password="not theirs to set"))  # noqa: S106
    db.close()
    functions = connect(functions_secret_of(database))
    assert functions.run("SELECT count(*) FROM users") == [[0]]
    functions.run("BEGIN")
    with refused(functions, INSUFFICIENT_PRIVILEGE):
        functions.run("SELECT FROM of_others")
    functions.close()


def test_the_functions_may_be_the_owner(owner: Connection, database: Database) -> None:
    let_in(owner, Login(username=database.username, password=database.password))
    owner.run("CREATE TABLE still_the_owner (id integer)")


def test_not_even_the_owner_truncates_what_sessions_refer_to(db: Connection) -> None:
    add_session(db)
    for table in ("users", "ingestion_batches", "program_instances"):
        with refused(db, FOREIGN_KEY):
            db.run(f"TRUNCATE {table} CASCADE")
    db.run("TRUNCATE kintell_sessions, kintell_session_versions, users CASCADE")
    assert db.run("SELECT count(*) FROM users") == [[0]]


def test_locally_the_functions_have_a_role_of_their_database_unless_nobody_may_create_it(
    database: Database, nobody: DatabaseSecret, tmp_path: Path
) -> None:
    login = database.functions_login(tmp_path)
    assert login is not None
    assert login.username == f"{database.dbname}_functions"
    assert login.password not in ("", database.password)
    # The same at the next start.
    assert database.functions_login(tmp_path) == login
    weak = replace(database, username=nobody.username, password=nobody.password)
    assert weak.functions_login(tmp_path) is None
