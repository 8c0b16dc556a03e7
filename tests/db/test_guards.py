"""What the functions' role might try to get past the guards of the database with, if somebody else spoke through it."""

from collections.abc import Iterator

import pytest

from ingestion.batch import BatchStatus, Tally
from ingestion.database.connection import Connection, connect
from ingestion.database.tables import audit, batch_states
from local.postgres import Database
from tests.conftest import functions_secret_of
from tests.db.test_audit import INSUFFICIENT_PRIVILEGE
from tests.db.world import CHECK, FOREIGN_KEY, LANGUAGE, a_session, account_for, add_batch, add_upload, insert, refused

NO_SNAPSHOT = "25000"
FORGOTTEN = {
    "ingestion_batches": "imported_by = NULL, claimed_by = NULL",
    "uploads": "uploaded_by = NULL, principal = NULL, claimed_by = NULL",
}
TALLY = Tally(total=10, inserted=10, updated=0, unchanged=0, rejected=0)
TRIGGERED = "CREATE TABLE staging.mine (id bigint); CREATE TRIGGER t AFTER INSERT ON staging.mine EXECUTE FUNCTION "


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TEMPORARY TABLE users (id bigint)",
        "CREATE TEMPORARY VIEW users AS SELECT 1 AS id",
        "CREATE TEMPORARY SEQUENCE numbers",
        "SELECT 1 AS id INTO TEMPORARY users",
        "CREATE SCHEMA mine",
        "CREATE EXTENSION pg_trgm",
        "CREATE FUNCTION public.length(integer) RETURNS integer RETURN 1",
        "CREATE OPERATOR public.= (LEFTARG = bigint, RIGHTARG = integer, FUNCTION = int84ne)",
        "CREATE TYPE public.mine AS ENUM ('a')",
        "CREATE VIEW public.mine AS SELECT 1",
        "CREATE OR REPLACE FUNCTION check_session_references() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN END'",
        "ALTER FUNCTION check_session_references() RESET search_path",
        "ALTER FUNCTION check_session_references() SECURITY INVOKER",
        "CREATE TRIGGER mine BEFORE INSERT ON users EXECUTE FUNCTION tsvector_update_trigger()",
        "CREATE RULE mine AS ON INSERT TO users DO INSTEAD NOTHING",
        "CREATE TABLE staging.mine () INHERITS (public.users)",
        "CREATE TABLE staging.mine (id bigint REFERENCES public.users)",
        f"{TRIGGERED} public.check_session_references()",
        f"{TRIGGERED} public.empty_batch_people()",
        "ALTER SCHEMA staging OWNER TO CURRENT_USER",
        "ALTER DEFAULT PRIVILEGES FOR ROLE kintell GRANT ALL ON TABLES TO PUBLIC",
        "GRANT kintell TO CURRENT_USER",
        "INSERT INTO audit_logs (actor, action, resource_type, resource_id, at) "
        "VALUES ('me', 'import_started', 'batch', gen_random_uuid(), '2020-01-01')",
        "INSERT INTO audit_logs (id, actor, action, resource_type, resource_id) OVERRIDING SYSTEM VALUE "
        "VALUES (1, 'me', 'import_started', 'batch', gen_random_uuid())",
        "INSERT INTO audit_logs OVERRIDING USER VALUE SELECT * FROM audit_logs",
        "COPY audit_logs FROM STDIN",
        "SELECT setval('audit_logs_id_seq', 1)",
        "SELECT nextval('audit_logs_id_seq')",
        "INSERT INTO batch_people VALUES (1, gen_random_uuid())",
        "UPDATE batch_people SET person_id = 1",
        "DELETE FROM batch_people",
        "DELETE FROM ingestion_batches",
        "INSERT INTO ingestion_batches (status) VALUES ('completed')",
        "INSERT INTO ingestion_batches (created_at) VALUES ('2020-01-01')",
        "UPDATE ingestion_batches SET total_rows = 0",
        "UPDATE ingestion_batches SET file_hash = ''",
        "UPDATE ingestion_batches SET program_type = 'kintell_users'",
        "UPDATE ingestion_batches SET dry_run = true",
        "INSERT INTO uploads (created_at) VALUES ('2020-01-01')",
        "INSERT INTO uploads (state) VALUES ('accepted')",
        "UPDATE uploads SET id = gen_random_uuid()",
        "UPDATE uploads SET created_at = '2020-01-01'",
        "UPDATE uploads SET link_token_hash = NULL",
        "COPY users TO PROGRAM 'cat'",
        "SELECT pg_read_file('PG_VERSION')",
    ],
)
def test_the_functions_may_not(functions: Connection, statement: str) -> None:
    with refused(functions, INSUFFICIENT_PRIVILEGE):
        functions.run(statement)


IN_FRONT = [
    pytest.param("staging", id="tables in the staging, and a path that leads there first"),
    pytest.param("pg_temp", id="temporary tables, which nobody but the owner may make"),
]


@pytest.fixture
def impostor(request: pytest.FixtureRequest, database: Database, owner: Connection, schema: str) -> Connection:
    """Somebody whose tables of our names stand in front of ours."""
    db = owner
    if schema == "staging":
        db = request.getfixturevalue("functions")
    else:
        db.run("BEGIN")
    return db


def put_in_front(db: Connection, schema: str, **tables: str) -> None:
    for name, query in tables.items():
        db.run(f"CREATE TABLE {schema}.{name} AS {query}")
    db.run(f"SET LOCAL search_path = {schema}, public")


@pytest.mark.parametrize("schema", IN_FRONT)
def test_no_session_refers_to_somebody_who_is_not_there(impostor: Connection, owner: Connection, schema: str) -> None:
    given = a_session(owner)
    put_in_front(impostor, schema, users="SELECT CAST(-1 AS bigint) AS id")
    with refused(impostor, FOREIGN_KEY):
        insert(impostor, "public.kintell_sessions", **{**given, "participant_id": -1})


@pytest.mark.parametrize("schema", IN_FRONT)
def test_nobody_is_deleted_who_has_sessions(impostor: Connection, owner: Connection, schema: str) -> None:
    given = a_session(owner)
    insert(owner, "kintell_sessions", **given)
    put_in_front(
        impostor,
        schema,
        kintell_sessions="SELECT * FROM public.kintell_sessions LIMIT 0",
        batch_people="SELECT * FROM public.batch_people LIMIT 0",
    )
    with refused(impostor, FOREIGN_KEY):
        impostor.run("DELETE FROM public.users WHERE id = :id", id=given["participant_id"])


@pytest.mark.parametrize("schema", IN_FRONT)
def test_no_batch_is_completed_by_ledgers_that_are_none_of_its(
    impostor: Connection, owner: Connection, schema: str
) -> None:
    batch_id = add_batch(owner, "running")
    account_for(owner, batch_id, TALLY)
    put_in_front(impostor, schema, chunks="SELECT * FROM public.chunks", shards="SELECT * FROM public.shards")
    owner.run("DELETE FROM public.chunks WHERE batch_id = :id", id=batch_id)
    with refused(impostor, CHECK, "completed_batches_add_up"):
        impostor.run(
            """
            UPDATE public.ingestion_batches SET status = 'completed', inserted_rows = 10, completed_at = now()
             WHERE id = :id
            """,
            id=batch_id,
        )


@pytest.mark.parametrize("old", [BatchStatus.FAILED, BatchStatus.ARCHIVED])
def test_no_batch_is_completed_that_has_ended(owner: Connection, functions: Connection, old: BatchStatus) -> None:
    batch_id = add_batch(owner, old.value)
    account_for(owner, batch_id, TALLY)
    with refused(functions, CHECK, "ended_batches_stay_ended"):
        functions.run(
            """
            UPDATE ingestion_batches
               SET status = 'completed', failure_reason = NULL, inserted_rows = 10, skipped_rows = 0,
                   completed_at = now()
             WHERE id = :id
            """,
            id=batch_id,
        )


@pytest.mark.parametrize(
    "change",
    [
        "status = 'failed', failure_reason = 'x'",
        "status = 'running', completed_at = NULL",
        "status = 'pending', completed_at = NULL",
        "forced = true, force_reason = 'x'",
    ],
)
def test_a_batch_that_is_completed_stays_so(owner: Connection, functions: Connection, change: str) -> None:
    add_batch(owner, "completed")
    with refused(functions, CHECK, "what_is_completed_stays"):
        functions.run(f"UPDATE ingestion_batches SET {change}")


AS_SOMEBODY_ELSE = """
    WITH gone AS (DELETE FROM uploads RETURNING id, bucket, key, version_id, file_name)
    INSERT INTO uploads (id, bucket, key, version_id, file_name, uploaded_by, uploader_kind)
    SELECT *, 'boss@example.org', 'local' FROM gone
"""


@pytest.mark.parametrize("statement", ["DELETE FROM uploads", AS_SOMEBODY_ELSE], ids=["gone", "from somebody else"])
def test_an_upload_that_has_arrived_stays(owner: Connection, functions: Connection, statement: str) -> None:
    add_upload(owner, uploaded_by="AWS:AROA:somebody", uploader_kind="aws")
    with refused(functions, CHECK, "what_has_arrived_stays"):
        functions.run(statement)


@pytest.fixture
def others(database: Database, owner: Connection) -> Iterator[Connection]:
    """The functions once more, at work at the same time."""
    connection = connect(functions_secret_of(database))
    yield connection
    connection.close()


@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
def test_nobody_is_deleted_whose_sessions_came_after_a_snapshot(
    owner: Connection, functions: Connection, others: Connection, level: str
) -> None:
    given = a_session(owner)
    functions.run(f"SET TRANSACTION ISOLATION LEVEL {level}")
    functions.run("SELECT FROM users")
    insert(others, "kintell_sessions", **given)
    with refused(functions, NO_SNAPSHOT):
        functions.run("DELETE FROM users WHERE id = :id", id=given["participant_id"])
    with refused(functions, NO_SNAPSHOT):
        functions.run("UPDATE users SET id = DEFAULT WHERE id = :id", id=given["participant_id"])
    # Instances are the owner's to delete.
    owner.run(f"BEGIN ISOLATION LEVEL {level}")
    with refused(owner, NO_SNAPSHOT):
        owner.run("DELETE FROM program_instances WHERE id = :id", id=given["program_instance_id"])


@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
def test_no_session_refers_to_somebody_who_went_after_a_snapshot(
    owner: Connection, functions: Connection, others: Connection, level: str
) -> None:
    given = a_session(owner)
    functions.run(f"SET TRANSACTION ISOLATION LEVEL {level}")
    functions.run("SELECT FROM users")
    others.run("DELETE FROM users WHERE id = :id", id=given["participant_id"])
    with refused(functions, NO_SNAPSHOT):
        insert(functions, "kintell_sessions", **given)


@pytest.mark.parametrize(
    "change",
    ["status = 'running', completed_at = NULL", "status = 'pending', completed_at = NULL", "archived_at = NULL"],
)
@pytest.mark.parametrize("status", ["archived", "failed"])
def test_a_batch_whose_file_was_deleted_does_not_come_back(
    owner: Connection, functions: Connection, status: str, change: str
) -> None:
    batch_id = add_batch(owner, status, archived_at="2025-12-01T12:00:00Z")
    account_for(owner, batch_id, TALLY)
    with refused(functions, CHECK, "files_stay_deleted"):
        functions.run(f"UPDATE ingestion_batches SET {change}, failure_reason = NULL WHERE id = :id", id=batch_id)


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("ingestion_batches", "imported_by"),
        ("ingestion_batches", "claimed_by"),
        ("uploads", "uploaded_by"),
        ("uploads", "principal"),
        ("uploads", "claimed_by"),
    ],
)
def test_who_sent_a_file_may_be_forgotten_but_not_said_anew(
    owner: Connection, functions: Connection, table: str, column: str
) -> None:
    somebody = {"principal": "AWS:AROA:somebody", "claimed_by": "somebody@example.org"}
    upload_id = add_upload(owner, uploaded_by="AWS:AROA:somebody", uploader_kind="aws", **somebody)
    add_batch(owner, upload_id=upload_id, imported_by="AWS:AROA:somebody", claimed_by="somebody@example.org")
    with refused(functions, CHECK, "uploader_is_set_once"):
        functions.run(f"UPDATE {table} SET {column} = 'boss@example.org'")
    functions.run(f"UPDATE {table} SET {FORGOTTEN[table]}")
    with refused(functions, CHECK, "uploader_is_set_once"):
        functions.run(f"UPDATE {table} SET {column} = 'boss@example.org'")


def test_the_functions_still_do_their_work(owner: Connection, functions: Connection) -> None:
    given = a_session(owner)
    insert(functions, "kintell_sessions", **given)
    assert functions.run("SELECT count(*) FROM batch_people") == [[2]]
    functions.run("DELETE FROM kintell_sessions")
    assert functions.run("SELECT count(*) FROM batch_people") == [[0]]
    functions.run("DELETE FROM users")
    audit.write(functions, actor=audit.SERVICE, action="import_started", batch_id=given["batch_id"])
    assert batch_states.start(functions, given["batch_id"], "execution-1")


def test_every_function_of_the_schema_says_where_it_looks_for_names(owner: Connection) -> None:
    found = owner.run(
        """
        SELECT p.proname FROM pg_proc p
         WHERE p.pronamespace = 'public'::regnamespace AND p.prosqlbody IS NULL
           AND p.proconfig IS DISTINCT FROM ARRAY['search_path=pg_catalog, public, pg_temp']
        """
    )
    assert found == []


def test_few_functions_are_more_than_who_calls_them_and_none_is_everybodys(owner: Connection) -> None:
    definers = owner.run("SELECT proname FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace")
    assert sorted(name for (name,) in definers) == [
        "check_session_references",
        "remove_batch_people",
        "remove_versions",
    ]
    for (function,) in owner.run(
        "SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
    ):
        # Whoever is in no group has what everybody has.
        open_to_all = owner.run("SELECT has_function_privilege('pg_monitor', :name, 'EXECUTE')", name=function)
        assert open_to_all == [[False]], function


def test_everybody_has_no_right_to_any_table(owner: Connection) -> None:
    found = owner.run(
        """
        SELECT c.relname FROM pg_class c, aclexplode(c.relacl) a
         WHERE a.grantee = 0 AND c.relnamespace IN ('public'::regnamespace, 'staging'::regnamespace)
        """
    )
    assert found == []


def test_a_batch_corrects_one_of_its_own_programme(owner: Connection) -> None:
    parent = add_batch(owner, "completed")
    add_batch(owner, parent_batch_id=parent)
    owner.run("BEGIN")
    with refused(owner, FOREIGN_KEY, "parent_of_the_same_programme"):
        add_batch(owner, parent_batch_id=parent, program_type=LANGUAGE)
