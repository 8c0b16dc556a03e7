"""What the staging tables take, the tables that they are merged into take too: the same checks, the same types."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from ingestion.database.connection import Connection, transaction
from ingestion.database.publishing import staging
from ingestion.database.publishing.targets import PEOPLE, SESSIONS, Target
from tests.db.world import backend, wait_until_blocked


def checks(db: Connection, table: str) -> dict[str, str]:
    """The check constraints of a table by name, as PostgreSQL writes them."""
    found = db.run(
        """
        SELECT conname, pg_get_constraintdef(oid)
          FROM pg_constraint WHERE conrelid = CAST(:t AS regclass) AND contype = 'c'
        """,
        t=table,
    )
    return {str(name): str(definition) for name, definition in found}


def columns_of(db: Connection, table: str) -> dict[str, tuple[str, str]]:
    """Type and collation of a table's columns."""
    found = db.run(
        """
        SELECT attname, format_type(atttypid, atttypmod), attcollation::regcollation::text
          FROM pg_attribute WHERE attrelid = CAST(:t AS regclass) AND attnum > 0 AND NOT attisdropped
        """,
        t=table,
    )
    return {str(name): (str(type_), str(collation)) for name, type_, collation in found}


def test_the_checks_of_sessions_are_those_of_their_staging(db: Connection) -> None:
    of_sessions, of_staging = checks(db, "kintell_sessions"), checks(db, "staging.session_rows")
    assert of_sessions.keys() == of_staging.keys()
    # Staged as the file has it; only the whole file knows its scale.
    assert "rating" in of_sessions.pop("rating_in_range")
    assert "rating_given" in of_staging.pop("rating_in_range")
    assert of_sessions == of_staging


def test_the_checks_of_people_are_those_of_their_staging(db: Connection) -> None:
    assert set(checks(db, "users").values()) == set(checks(db, "staging.person_rows").values())


@pytest.mark.parametrize("target", [SESSIONS, PEOPLE], ids=lambda target: target.table)
def test_staged_columns_have_the_types_of_the_table(db: Connection, target: Target) -> None:
    of_table, of_staging = columns_of(db, target.table), columns_of(db, f"staging.{target.staged}")
    both = of_table.keys() & of_staging.keys()
    assert {name: of_staging[name] for name in both} == {name: of_table[name] for name in both}
    assert set(target.staged_columns) == of_staging.keys()


@pytest.mark.parametrize("shard_count", [1, 3])
@pytest.mark.parametrize("target", [SESSIONS, PEOPLE], ids=lambda target: target.table)
def test_the_staging_tables_of_a_batch_keep_the_checks(db: Connection, target: Target, shard_count: int) -> None:
    batch_id = uuid4()
    staging.create(db, batch_id, target, shard_count)
    staging.create(db, batch_id, target, shard_count)
    assert checks(db, staging.rows_table(batch_id)) == checks(db, f"staging.{target.staged}")
    assert staging.batches(db) == [batch_id]
    staging.drop(db, batch_id)
    assert not staging.exists(db, batch_id)


def test_two_stages_create_the_tables_of_a_batch_once_also_after_they_were_dropped(
    new_connection: Callable[[], Connection],
) -> None:
    first, second, observer = new_connection(), new_connection(), new_connection()
    batch_id, pid = uuid4(), backend(second)
    # The connection remembers that there is no such table, as after a batch was taken back.
    assert not staging.exists(second, batch_id)

    def create_too() -> None:
        with transaction(second):
            staging.create(second, batch_id, SESSIONS, 3)

    with ThreadPoolExecutor(1) as pool:
        with transaction(first):
            staging.create(first, batch_id, SESSIONS, 3)
            creating = pool.submit(create_too)
            wait_until_blocked(observer, pid)
        creating.result(timeout=10)
    assert staging.batches(observer) == [batch_id]
