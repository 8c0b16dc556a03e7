"""schema.sql says what the migrations make, and every table in it says what it is for."""

import pytest

from ingestion.database.connection import Connection
from local.postgres import Database
from tests.db.schema_sql import FILE, schema_sql


def test_schema_sql_is_what_the_migrations_make(module_database: Database) -> None:
    assert FILE.read_text(encoding="utf-8") == schema_sql(module_database), "run python -m tests.db.schema_sql"


@pytest.mark.parametrize("schema", ["public", "staging", "reporting"])
def test_every_table_and_view_has_a_comment(db: Connection, schema: str) -> None:
    found = db.run(
        """
        SELECT c.relname FROM pg_class c
         WHERE c.relkind IN ('r', 'v') AND c.relnamespace = CAST(:schema AS regnamespace)
           AND obj_description(c.oid, 'pg_class') IS NULL
        """,
        schema=schema,
    )
    assert found == []
