"""What the functions' role may do, said anew after every migration: read and write rows, and get past no guard.

See docs/decisions/0012-who-may-do-what.md.
"""

from collections.abc import Mapping
from typing import Any

from ingestion.database.connection import Connection

APPEND_ONLY = ("audit_logs",)
# Triggers write it as the owner: whoever could, could say of somebody with sessions that they have none.
READ_ONLY = ("schema_migrations", "batch_people")
# A batch stays for good: archived, it still says that its file was imported.
NEVER_DELETED = ("ingestion_batches",)
# What the database alone says of a new row: an audit line when it was written, a batch or an upload that
# nothing has come of it yet.
NOT_INSERTED = {
    "audit_logs": ("id", "at"),
    "ingestion_batches": (
        *("number", "status", "inserted_rows", "updated_rows", "skipped_rows", "unpublished_rows", "error_rows"),
        *("error_summary", "failure_reason", "failure_code", "error_file_key"),
        *("created_at", "started_at", "reconciled_at", "cancelled_at", "completed_at", "archived_at"),
    ),
    "uploads": ("state", "sha256", "refusal_code", "refusal_message", "created_at", "decided_at", "deleted_at"),
}
# What an upload is, and what a batch is, by which its counts are judged.
NOT_UPDATED = {
    "uploads": ("id", "bucket", "link_token_hash", "created_at"),
    "ingestion_batches": (
        "id",
        "number",
        "upload_id",
        "program_type",
        "file_hash",
        "total_rows",
        "corrects_batch_id",
        "dry_run",
        "created_at",
    ),
}


def grant(db: Connection, role: str) -> None:
    """What is granted is told by what is there, so that a table of a later migration needs no line here."""
    schema = db.run("SELECT quote_ident(current_schema())")[0][0]
    _close_to_everybody(db, schema, role)
    db.run(f"REVOKE ALL ON SCHEMA {schema} FROM {role}")
    db.run(f"GRANT USAGE ON SCHEMA {schema} TO {role}")
    db.run(f"GRANT USAGE, CREATE ON SCHEMA staging TO {role}")
    for table, name, is_read_only in _own_tables(db):
        db.run(f"REVOKE ALL ON {table} FROM PUBLIC, {role}")
        db.run(f"GRANT {_rights_on(db, name, is_read_only)} ON {table} TO {role}")
    for function, is_trigger in _own_functions(db):
        # Whoever may execute a trigger's function may hang it on a table of their own, and have it believe that.
        db.run(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC, {role}")
        if not is_trigger:
            db.run(f"GRANT EXECUTE ON FUNCTION {function} TO {role}")


def _close_to_everybody(db: Connection, schema: str, role: str) -> None:
    """Nobody makes temporary tables here, or anything in the schema, for having been given no right at all.

    Not where the database, or the schema, is somebody else's: then it is theirs to say.
    """
    database, owns_database, owns_schema = db.run(
        """
        SELECT quote_ident(d.datname), pg_has_role(d.datdba, 'USAGE'), pg_has_role(n.nspowner, 'USAGE')
          FROM pg_database d, pg_namespace n
         WHERE d.datname = current_database() AND n.nspname = current_schema()
        """
    )[0]
    if owns_database:
        db.run(f"REVOKE TEMPORARY, CREATE ON DATABASE {database} FROM PUBLIC, {role}")
    if owns_schema:
        db.run(f"REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC")


def _rights_on(db: Connection, name: str, is_read_only: bool) -> str:
    if is_read_only or name in READ_ONLY:
        return "SELECT"
    rights = ["SELECT", f"INSERT{_columns(db, name, NOT_INSERTED)}"]
    if name not in APPEND_ONLY:
        rights.append(f"UPDATE{_columns(db, name, NOT_UPDATED)}")
    if name not in (*APPEND_ONLY, *NEVER_DELETED):
        rights.append("DELETE")
    return ", ".join(rights)


def _columns(db: Connection, name: str, kept_from: Mapping[str, tuple[str, ...]]) -> str:
    """The columns of the table that a right is for, in brackets; nothing if it is for all."""
    if name not in kept_from:
        return ""
    found = db.run(
        """
        SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum)
          FROM pg_attribute
         WHERE attrelid = CAST(:name AS regclass) AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
           AND attname <> ALL (CAST(:kept AS text[]))
        """,
        name=name,
        kept=list(kept_from[name]),
    )
    return f" ({found[0][0]})"


def _own_functions(db: Connection) -> list[list[Any]]:
    """The functions of the schema that the owner made, and whether they are a trigger's."""
    return db.run(
        """
        SELECT p.oid::regprocedure::text, p.prorettype = 'trigger'::regtype
          FROM pg_proc p
         WHERE p.pronamespace = current_schema()::regnamespace AND p.proowner = CURRENT_USER::regrole
           AND NOT EXISTS (SELECT FROM pg_depend d
                            WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
      ORDER BY p.oid
        """
    )


def _own_tables(db: Connection) -> list[list[Any]]:
    """Tables and views of the owner's own, not of others who share the database; and whether they are only read."""
    return db.run(
        """
        SELECT c.oid::regclass::text, c.relname, c.relkind = 'v' OR c.relnamespace = 'staging'::regnamespace
          FROM pg_class c
         WHERE c.relkind IN ('r', 'p', 'v') AND c.relowner = CURRENT_USER::regrole
           AND c.relnamespace IN (current_schema()::regnamespace, 'staging'::regnamespace)
      ORDER BY c.oid
        """
    )
