"""Bring the schema up to date from the numbered files in migrations/.

The first line of a file says when to apply it. `-- deploy: before` adds what new code needs and old code tolerates:
Migrate applies it before CloudFormation replaces the functions. `-- deploy: after` removes what only old code needs:
Migrate notes it, and applies it at its next call. If the deploy is rolled back, the Migrate of the old code forgets the
note, for the old functions are still there. A new database gets everything at once.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from ingestion.database.connection import Connection, DatabaseError, another, sqlstate, transaction
from ingestion.database.tables import programmes
from ingestion.records import PROGRAMMES

FOLDER = Path(__file__).parent / "migrations"

# Any number that nothing else in this database locks, so that migrations wait for each other.
_LOCK = 0x6B696E74

# Whoever calls a function or fires a trigger controls where it looks up tables, functions and operators, unless the
# function sets its own search path; and pg_temp comes first, unless it is named. A body that the server has parsed
# (BEGIN ATOMIC, RETURN) has resolved its names already. Functions of extensions are left alone.
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


_WHEN = re.compile(r"-- deploy: (before|after)\n")


class MigrationFailed(Exception):
    """The database refused a file of migrations/; the message becomes the reason for the failed deploy."""


class OtherSchema(Exception):
    """The database was made by different migrations; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Migration:
    """A file of migrations/."""

    version: str
    name: str
    sql: str
    is_after: bool
    """Whether it waits until the new code has replaced the old."""

    @classmethod
    def read(cls, path: Path) -> "Migration":
        """Read a file. Raises MigrationFailed if it does not say when to apply it."""
        sql = path.read_text(encoding="utf-8")
        when = _WHEN.match(sql)
        if when is None:
            raise MigrationFailed(f"{path.name} must begin with a line `-- deploy: before` or `-- deploy: after`.")
        return cls(path.name.split("_", 1)[0], path.name, sql, when[1] == "after")

    @property
    def checksum(self) -> str:
        """SHA-256 of the text, by which a database recognises it."""
        return sha256(self.sql.encode()).hexdigest()


def migrations() -> list[Migration]:
    """Return the migrations of this code, oldest first."""
    return [Migration.read(path) for path in sorted(FOLDER.glob("[0-9][0-9][0-9][0-9]_*.sql"))]


def versions() -> list[str]:
    """Return the versions of this code, oldest first: the numbers at the start of the file names."""
    return [each.version for each in migrations()]


def is_empty(db: Connection) -> bool:
    """Whether no migration has been applied to this database yet."""
    return bool(db.run("SELECT to_regclass('schema_migrations') IS NULL")[0][0])


def migrate(db: Connection) -> list[str]:
    """Apply what is due, each file in one transaction with its record, and return the versions applied.

    Raises MigrationFailed; files before the failed one stay applied. Raises OtherSchema before any change.
    """
    with _alone(db):
        return _apply_due(db)


@contextmanager
def _alone(db: Connection) -> Iterator[None]:
    """Keep other runners out, by a lock that a transaction of another connection holds.

    Each file is a transaction of its own, and a lock that outlives transactions does not survive a pooler.
    """
    with closing(another(db)) as keeper, transaction(keeper):
        keeper.run("SET LOCAL idle_in_transaction_session_timeout = 0")
        keeper.run("SELECT pg_advisory_xact_lock(:lock)", lock=_LOCK)
        yield


def _apply_due(db: Connection) -> list[str]:
    known = migrations()
    is_new = _create_ledger(db)
    noted = {str(version): (checksum, applied) for version, checksum, applied in _noted(db)}
    _refuse_other_schema({version: checksum for version, (checksum, _) in noted.items()}, known)
    done = {version for version, (_, is_applied) in noted.items() if is_applied}
    waiting = [each for each in known if each.version in noted and each.version not in done]
    fresh = [each for each in known if each.version not in noted]
    due = waiting + [each for each in fresh if is_new or not each.is_after]
    for each in due:
        _apply(db, each)
    _note(db, [each for each in fresh if each not in due])
    _forget(db, noted.keys() - {each.version for each in known})
    programmes.register(db, PROGRAMMES)
    return [each.version for each in due]


def _create_ledger(db: Connection) -> bool:
    """Create the table of applied migrations; True if there was none. Raises OtherSchema."""
    found = db.run(
        """
        SELECT array_agg(attname::text) FROM pg_attribute
         WHERE attrelid = to_regclass('schema_migrations') AND attnum > 0 AND NOT attisdropped
        """
    )[0][0]
    if found is not None and "checksum" not in found:
        raise OtherSchema(_sentence("its migrations are older than the first release"))
    db.run(
        """
        CREATE TABLE IF NOT EXISTS schema_migrations (
            version     text PRIMARY KEY,
            checksum    text NOT NULL,
            applied_at  timestamptz
        );
        COMMENT ON TABLE schema_migrations IS 'Migrations that were applied; without applied_at, they wait for a deploy'
        """
    )
    return found is None


def _noted(db: Connection) -> list[list[object]]:
    return db.run("SELECT version, checksum, applied_at IS NOT NULL FROM schema_migrations")


def _refuse_other_schema(noted: dict[str, object], known: list[Migration]) -> None:
    """Refuse a database of another origin; it may only be ahead of the code, as after a rolled-back deploy."""
    here = {each.version: each for each in known}
    newest = known[-1].version if known else ""
    for version, checksum in sorted(noted.items()):
        if version in here and here[version].checksum != checksum:
            raise OtherSchema(_sentence(f"{here[version].name} had a different text when it was applied"))
        if version not in here and version <= newest:
            raise OtherSchema(_sentence(f"its migration {version} is not in this version of the code"))


def _sentence(why: str) -> str:
    return (
        f"The database was made by another version of Kintell Ingest, and can't be upgraded: {why}. "
        "Locally, run make clean, which removes the data in .local/, then make up; elsewhere, use an empty database."
    )


def _apply(db: Connection, migration: Migration) -> None:
    try:
        with transaction(db):
            db.run(migration.sql)
            db.run(_PIN_SEARCH_PATHS)
            db.run(
                """
                INSERT INTO schema_migrations (version, checksum, applied_at) VALUES (:version, :checksum, now())
                    ON CONFLICT (version) DO UPDATE SET applied_at = now()
                """,
                version=migration.version,
                checksum=migration.checksum,
            )
    except DatabaseError as failed:
        raise MigrationFailed(f"{migration.name} was not applied: {_reason(failed)}") from failed


def _note(db: Connection, waiting: Iterable[Migration]) -> None:
    """Record what to apply at the next call."""
    for each in waiting:
        db.run(
            "INSERT INTO schema_migrations (version, checksum) VALUES (:version, :checksum)",
            version=each.version,
            checksum=each.checksum,
        )


def _forget(db: Connection, unknown: Iterable[str]) -> None:
    """Drop what newer code noted and a rollback kept from being applied: it waits anew when that code comes back."""
    for version in unknown:
        db.run("DELETE FROM schema_migrations WHERE version = :version AND applied_at IS NULL", version=version)


def _reason(failed: DatabaseError) -> str:
    """Return the server's message, or only the SQLSTATE if the message could quote a value (see `exchange`)."""
    message = str(failed.args[0].get("M", "")) if failed.args and isinstance(failed.args[0], dict) else ""
    return f"{message} (SQLSTATE {sqlstate(failed)})".lstrip()
