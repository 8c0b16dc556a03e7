"""The schema, brought up to date from the numbered files in migrations/."""

from contextlib import suppress
from pathlib import Path

from ingestion.db import Connection, DatabaseError, sqlstate, transaction
from ingestion.errors import Unavailable
from ingestion.programmes import PROGRAMMES
from ingestion.tables import programmes

FOLDER = Path(__file__).parent.parent / "migrations"

# Any number that nothing else in this database locks: who migrates waits for who migrates.
_LOCK = 0x6B696E74


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
                db.run("INSERT INTO schema_migrations (version) VALUES (:version)", version=version)
        except DatabaseError as failed:
            raise MigrationFailed(f"{path.name} was not applied: {_reason(failed)}") from failed
        applied.append(version)
    programmes.register(db, PROGRAMMES)
    return applied


def _reason(failed: DatabaseError) -> str:
    """What the server said, which is without a message where that would quote a value (see `ingestion.db`)."""
    message = str(failed.args[0].get("M", "")) if failed.args and isinstance(failed.args[0], dict) else ""
    return f"{message} (SQLSTATE {sqlstate(failed)})".lstrip()
