"""Writes database/schema.sql: all that the migrations make, each table with what belongs to it, as pg_dump has it.

PYTHONPATH=layers/common:functions:. .venv/bin/python -m tests.db.schema_sql
"""

import os
import re
import subprocess
from pathlib import Path

from ingestion.database.connection import connect
from ingestion.database.schema import FOLDER, migrate
from local.postgres import Database, binary, temporary_server
from tests.conftest import secret_of

FILE = FOLDER.with_name("schema.sql")
HEAD = (
    "-- What the migrations make, for reading. Written by tests/db/schema_sql.py, never by hand; a test compares it.\n"
)

_PART = re.compile(r"^-- (?:Data for )?Name: (.+?); Type: (.+?); Schema: (.+?); Owner: .*\n--\n\n", re.MULTILINE)
_TABLE = re.compile(r"(?:ON|TABLE(?: ONLY)?) (?:ONLY )?(\w+\.\w+)")
_WITH_THEIR_TABLE = ("CONSTRAINT", "FK CONSTRAINT", "INDEX", "TRIGGER", "SEQUENCE", "DEFAULT", "COMMENT")
_ORDER = ("SCHEMA", "TABLE", "VIEW", "FUNCTION")


def schema_sql(database: Database) -> str:
    """The schema of a database that the migrations have made."""
    options = ["--schema-only", "--no-owner", "--no-privileges", "--restrict-key=x"]
    where = ["--host", database.host, "--port", str(database.port), "--username", database.username, database.dbname]
    done = subprocess.run(
        [binary("pg_dump"), *options, *where],
        env={**os.environ, "PGPASSWORD": database.password},
        capture_output=True,
        text=True,
        check=True,
    )
    return HEAD + "".join(f"\n{text}\n" for text in _arranged(done.stdout))


def _arranged(dump: str) -> list[str]:
    """The statements, each table before what belongs to it, functions last."""
    pieces = _PART.split(dump)[1:]
    kinds: dict[str, list[tuple[str, str]]] = {kind: [] for kind in _ORDER}
    belonging: dict[str, list[str]] = {}
    for name, kind, schema, text in zip(*(pieces[start::4] for start in range(4)), strict=True):
        statement = re.sub(r"\n*(--\n*)?(-- PostgreSQL database dump complete.*)?\Z", "", text, flags=re.DOTALL)
        if kind in _WITH_THEIR_TABLE:
            belonging.setdefault(_owner_of(name, kind, schema, statement), []).append(statement)
        else:
            kinds[kind].append((f"{schema}.{name}" if schema != "-" else name, statement))
    arranged = []
    for kind in _ORDER:
        for name, statement in sorted(kinds[kind]):
            arranged.append("\n".join([statement, *_tight(belonging.pop(name, []))]))
    assert not belonging, f"belongs to nothing: {sorted(belonging)}"
    return arranged


def _tight(statements: list[str]) -> list[str]:
    return [re.sub(r"\n{2,}", "\n", each) for each in statements]


def _owner_of(name: str, kind: str, schema: str, statement: str) -> str:
    """The table, view, schema or function that it is part of."""
    if kind == "COMMENT":
        what, _, thing = name.partition(" ")
        thing = thing.rsplit(".", 1)[0] if what == "COLUMN" else thing
        return thing if what == "SCHEMA" else f"{schema}.{thing}"
    found = _TABLE.search(statement)
    assert found, statement
    return found[1]


def main() -> None:
    """Write the file anew."""
    with temporary_server() as server:
        database = server.create("schema")
        db = connect(secret_of(database))
        migrate(db)
        db.close()
        Path(FILE).write_text(schema_sql(database), encoding="utf-8")


if __name__ == "__main__":
    main()
