"""Sessions never are without the people, the batch and the instance that they name, whoever writes at the same time."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest

from ingestion.database.connection import Connection, DatabaseError, sqlstate
from tests.db.world import (
    FOREIGN_KEY,
    LANGUAGE,
    a_session,
    add_batch,
    add_instance,
    add_session,
    backend,
    insert,
    refused,
    wait_until_blocked,
)

MISSING: dict[str, Any] = {
    "participant_id": -1,
    "volunteer_id": -1,
    "batch_id": UUID(int=0),
    "program_instance_id": -1,
}


@pytest.mark.parametrize("column", MISSING)
def test_a_session_refers_to_what_exists(db: Connection, column: str) -> None:
    session_id = add_session(db)
    with refused(db, FOREIGN_KEY):
        add_session(db, **{column: MISSING[column]})
    with refused(db, FOREIGN_KEY):
        db.run(
            f"UPDATE kintell_sessions SET {column} = :missing WHERE id = :id", id=session_id, missing=MISSING[column]
        )


def test_a_session_is_of_an_instance_of_its_programme(db: Connection) -> None:
    with refused(db, FOREIGN_KEY):
        add_session(db, program_instance_id=add_instance(db, LANGUAGE))


@pytest.mark.parametrize("column", MISSING)
def test_one_bad_reference_among_many_rows_refuses_them_all(db: Connection, column: str) -> None:
    given = a_session(db)
    insert(db, "kintell_sessions", **given)
    values = {name: name for name in given} | {
        "id": "id + n",
        "row_number": "row_number + n",
        "external_session_id": "external_session_id || '-' || n",
        column: f"CASE WHEN n = 700 THEN :missing ELSE {column} END",
    }
    with refused(db, FOREIGN_KEY):
        db.run(
            f"""
            INSERT INTO kintell_sessions ({", ".join(values)})
            SELECT {", ".join(values.values())} FROM kintell_sessions, generate_series(1, 1000) n
            """,
            missing=MISSING[column],
        )
    assert db.run("SELECT count(*) FROM kintell_sessions") == [[1]]


REFERRED_TO = [
    pytest.param("users", "participant_id", id="a participant"),
    pytest.param("users", "volunteer_id", id="a volunteer"),
    pytest.param("ingestion_batches", "batch_id", id="a batch"),
    pytest.param("program_instances", "program_instance_id", id="an instance"),
]


@pytest.mark.parametrize(("table", "column"), REFERRED_TO)
def test_what_a_session_refers_to_stays_and_keeps_its_id(db: Connection, table: str, column: str) -> None:
    given = a_session(db)
    insert(db, "kintell_sessions", **given)
    new_id = "gen_random_uuid()" if table == "ingestion_batches" else "DEFAULT"
    with refused(db, FOREIGN_KEY):
        db.run(f"DELETE FROM {table} WHERE id = :id", id=given[column])
    with refused(db, FOREIGN_KEY):
        db.run(f"UPDATE {table} SET id = {new_id} WHERE id = :id", id=given[column])
    db.run("DELETE FROM kintell_sessions")
    db.run(f"DELETE FROM {table} WHERE id = :id", id=given[column])


def test_an_instance_with_sessions_stays_in_its_programme(db: Connection) -> None:
    instance_id = add_instance(db)
    add_session(db, program_instance_id=instance_id)
    with refused(db, FOREIGN_KEY):
        db.run("UPDATE program_instances SET program_type = :other WHERE id = :id", other=LANGUAGE, id=instance_id)
    db.run("UPDATE program_instances SET name = 'Another name' WHERE id = :id", id=instance_id)


@pytest.mark.parametrize(("table", "column"), REFERRED_TO[2:])
def test_what_an_earlier_version_refers_to_stays(db: Connection, table: str, column: str) -> None:
    session_id = add_session(db)
    before: dict[str, Any] = {"batch_id": add_batch(db), "program_instance_id": add_instance(db)}
    insert(
        db,
        "kintell_session_versions",
        session_id=session_id,
        version=2,
        scheduled_at="2024-11-05T17:00:00Z",
        row_number=1,
        line=2,
        replaced_by_batch=add_batch(db),
        replaced_by_row=1,
        **before,
    )
    with refused(db, FOREIGN_KEY):
        db.run(f"DELETE FROM {table} WHERE id = :id", id=before[column])


@pytest.mark.parametrize(("table", "column"), REFERRED_TO)
def test_a_deletion_waits_for_a_session_that_is_being_written_and_is_then_refused(
    new_connection: Callable[[], Connection], table: str, column: str
) -> None:
    writer, deleter, observer = new_connection(), new_connection(), new_connection()
    given, pid = a_session(observer), backend(deleter)
    writer.run("BEGIN")
    insert(writer, "kintell_sessions", **given)
    with ThreadPoolExecutor(1) as pool:
        deletion = pool.submit(deleter.run, f"DELETE FROM {table} WHERE id = :id", id=given[column])
        wait_until_blocked(observer, pid)
        writer.run("COMMIT")
        with pytest.raises(DatabaseError) as raised:
            deletion.result(timeout=10)
    assert sqlstate(raised.value) == FOREIGN_KEY


def test_a_session_waits_for_a_deletion_that_is_not_committed_and_is_then_refused(
    new_connection: Callable[[], Connection],
) -> None:
    writer, deleter, observer = new_connection(), new_connection(), new_connection()
    given, pid = a_session(observer), backend(writer)
    deleter.run("BEGIN")
    deleter.run("DELETE FROM users WHERE id = :id", id=given["participant_id"])
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(insert, writer, "kintell_sessions", **given)
        wait_until_blocked(observer, pid)
        deleter.run("COMMIT")
        with pytest.raises(DatabaseError) as raised:
            writing.result(timeout=10)
    assert sqlstate(raised.value) == FOREIGN_KEY


def test_the_versions_of_a_session_go_with_it(db: Connection) -> None:
    given = a_session(db)
    session_id = insert(db, "kintell_sessions", **given)
    db.run(
        """
        INSERT INTO kintell_session_versions
               (session_id, version, program_instance_id, scheduled_at, batch_id, row_number, line, replaced_by_batch,
                replaced_by_row)
        SELECT id, version, program_instance_id, scheduled_at, batch_id, row_number, line, batch_id, 2
          FROM kintell_sessions
        """
    )
    db.run("DELETE FROM kintell_sessions WHERE id = :id", id=session_id)
    assert db.run("SELECT count(*) FROM kintell_session_versions") == [[0]]
