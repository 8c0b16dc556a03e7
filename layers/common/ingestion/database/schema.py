"""The schema, brought up to date from the numbered files in migrations/."""

from contextlib import suppress
from pathlib import Path

from ingestion.database.connection import Connection, DatabaseError, sqlstate, transaction
from ingestion.database.tables import programmes
from ingestion.errors import Unavailable
from ingestion.records import PROGRAMMES

FOLDER = Path(__file__).parent / "migrations"

# Any number that nothing else in this database locks: who migrates waits for who migrates.
_LOCK = 0x6B696E74

# Whoever calls a function, or fires it as a trigger, has a say in where it looks for tables, functions and operators,
# unless the function says so itself; and pg_temp comes first, unless it is named. A body that the server has parsed
# (BEGIN ATOMIC, RETURN) has found its names already. An extension's functions are its own.
# https://www.postgresql.org/docs/current/sql-createfunction.html#SQL-CREATEFUNCTION-SECURITY
_PIN_SEARCH_PATHS = """
    DO $$
    DECLARE
        ours regprocedure;
    BEGIN
        FOR ours IN
            SELECT p.oid FROM pg_proc p
             WHERE p.pronamespace = current_schema()::regnamespace AND p.proowner = CURRENT_USER::regrole
               AND p.prosqlbody IS NULL
               AND NOT EXISTS (SELECT FROM pg_depend d
                                WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
        LOOP
            EXECUTE format('ALTER FUNCTION %s SET search_path = pg_catalog, %I, pg_temp', ours, current_schema());
        END LOOP;
    END $$
"""


class MigrationFailed(Exception):
    """The database refused a file of migrations/; the message is the reason that a deploy fails with."""


def versions() -> list[str]:
    """The versions that this code knows, oldest first: the numbers at the start of the file names."""
    return [path.name.split("_", 1)[0] for path in _files()]


def _files() -> list[Path]:
    return sorted(FOLDER.glob("[0-9][0-9][0-9][0-9]_*.sql"))


def migrate(db: Connection) -> list[str]:
    """Apply what is missing, each file in one transaction with the note that it was applied; the versions applied.

    Raises MigrationFailed; the files before the one that failed stay applied.
    """
    db.run("SELECT pg_advisory_lock(:lock)", lock=_LOCK)
    try:
        return _apply_missing(db)
    finally:
        # If the connection is gone, so is its lock.
        with suppress(Unavailable):
            db.run("SELECT pg_advisory_unlock(:lock)", lock=_LOCK)


def _apply_missing(db: Connection) -> list[str]:
    db.run(
        """
        CREATE TABLE IF NOT EXISTS schema_migrations (
            version     text PRIMARY KEY,
            applied_at  timestamptz NOT NULL DEFAULT now()
        )
        """
    )
    done = {row[0] for row in db.run("SELECT version FROM schema_migrations")}
    applied = []
    for path in _files():
        version = path.name.split("_", 1)[0]
        if version in done:
            continue
        try:
            with transaction(db):
                db.run(path.read_text(encoding="utf-8"))
                db.run(_PIN_SEARCH_PATHS)
                db.run("INSERT INTO schema_migrations (version) VALUES (:version)", version=version)
        except DatabaseError as failed:
            raise MigrationFailed(f"{path.name} was not applied: {_reason(failed)}") from failed
        applied.append(version)
    programmes.register(db, PROGRAMMES)
    return applied


def _reason(failed: DatabaseError) -> str:
    """What the server said, without a message where that would quote a value (see `ingestion.database.connection`)."""
    message = str(failed.args[0].get("M", "")) if failed.args and isinstance(failed.args[0], dict) else ""
    return f"{message} (SQLSTATE {sqlstate(failed)})".lstrip()
