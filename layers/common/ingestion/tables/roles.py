"""The role that the functions connect as: it reads and writes rows, and owns nothing but the staging of batches.

The schema's owner could switch triggers off, empty tables and rewrite the audit trail; so only Migrate connects as the
owner, and says here, after every migration, what the functions may do.
"""

import base64
import hashlib
import hmac
import secrets
import unicodedata
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from ingestion.db import Connection, DatabaseError, sqlstate, transaction

APPEND_ONLY = ("audit_logs",)
# Who stands in which sessions, triggers write down as the owner.
READ_ONLY = ("schema_migrations", "people_of_sessions")
# A batch stays for good: archived, it still says that its file was imported.
NEVER_DELETED = ("ingestion_batches",)
# What the database alone says of a new row: an audit line when it was written, a batch that nothing has come of it yet.
NOT_INSERTED = {
    "audit_logs": ("id", "at"),
    "ingestion_batches": (
        *("number", "status", "inserted_rows", "updated_rows", "skipped_rows", "error_rows", "error_summary"),
        *("failure_reason", "error_file_key", "created_at", "started_at", "weighed_at", "completed_at", "archived_at"),
    ),
}
# What a batch is, by which its counts are judged.
NOT_UPDATED = {
    "ingestion_batches": (
        "id",
        "number",
        "upload_id",
        "program_type",
        "file_hash",
        "total_rows",
        "dry_run",
        "created_at",
    )
}

_LOCK = 0x726F6C65
_INSUFFICIENT_PRIVILEGE = "42501"
_IS_THERE = ("42710", "23505")
_ITERATIONS = 4096


class Login(BaseModel):
    """Of the functions' secret, who they are. Without a password, they show a token."""

    model_config = ConfigDict(frozen=True)

    username: str
    password: str = ""


class MayNotCreateRole(Exception):
    """The functions' role is not there, and the owner is not allowed to create it."""


def let_in(db: Connection, login: Login) -> None:
    """Give the functions their role, and the role what it needs; again at every migration. Raises MayNotCreateRole."""
    if login.username == db.run("SELECT CURRENT_USER::text")[0][0]:
        return
    role = _quoted(db, login.username)
    _create(db, login, role)
    with transaction(db):
        db.run("SELECT pg_advisory_xact_lock(:lock)", lock=_LOCK)
        _grant(db, role)
        _hand_over_staging(db, role)


def _create(db: Connection, login: Login, role: str) -> None:
    password = f"PASSWORD '{_verifier(login.password)}'" if login.password else ""
    if not db.run("SELECT FROM pg_roles WHERE rolname = :name", name=login.username):
        try:
            db.run(f"CREATE ROLE {role} LOGIN {password}")
        except DatabaseError as failed:
            if sqlstate(failed) == _INSUFFICIENT_PRIVILEGE:
                raise MayNotCreateRole(_sentence(role)) from failed
            if sqlstate(failed) not in _IS_THERE:
                raise
    elif password:
        _set_password(db, role, password)
    if not password and db.run("SELECT FROM pg_roles WHERE rolname = 'rds_iam'"):
        db.run(f"GRANT rds_iam TO {role}")


def _set_password(db: Connection, role: str, password: str) -> None:
    """Whoever made the role sets its password; that of a role which somebody else made is theirs to set."""
    try:
        db.run(f"ALTER ROLE {role} {password}")
    except DatabaseError as failed:
        if sqlstate(failed) != _INSUFFICIENT_PRIVILEGE:
            raise


def _sentence(role: str) -> str:
    return (
        f"The functions' role {role} is not there and the owner of the schema may not create it: have somebody who may "
        f"run CREATE ROLE {role} LOGIN with the password of the functions' secret, then deploy again; or leave "
        "DatabaseOwnerSecretArn out, and the functions connect as the owner."
    )


def _grant(db: Connection, role: str) -> None:
    """What is granted is told by what is there, so that a table of a later migration needs no line here."""
    schema = db.run("SELECT quote_ident(current_schema())")[0][0]
    _close_to_everybody(db, schema, role)
    db.run(f"REVOKE ALL ON SCHEMA {schema} FROM {role}")
    db.run(f"GRANT USAGE ON SCHEMA {schema} TO {role}")
    db.run(f"GRANT USAGE, CREATE ON SCHEMA staging TO {role}")
    for table, name, is_staging in _own_tables(db):
        db.run(f"REVOKE ALL ON {table} FROM PUBLIC, {role}")
        db.run(f"GRANT {_rights_on(db, name, is_staging)} ON {table} TO {role}")
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


def _rights_on(db: Connection, name: str, is_staging: bool) -> str:
    if is_staging or name in READ_ONLY:
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
    """Those that the owner owns: in a database that is shared, nobody else's."""
    return db.run(
        """
        SELECT c.oid::regclass::text, c.relname, c.relnamespace = 'staging'::regnamespace
          FROM pg_class c
         WHERE c.relkind IN ('r', 'p') AND c.relowner = CURRENT_USER::regrole
           AND c.relnamespace IN (current_schema()::regnamespace, 'staging'::regnamespace)
      ORDER BY c.oid
        """
    )


def _hand_over_staging(db: Connection, role: str) -> None:
    """Staging tables that the functions made when they were the owner: batches under way at this very deploy."""
    found = db.run(
        """
        SELECT c.oid::regclass::text FROM pg_class c
         WHERE c.relnamespace = 'staging'::regnamespace AND c.relkind IN ('r', 'p')
           AND c.relowner = CURRENT_USER::regrole AND c.relname ~ '^[a-z]+_[0-9a-f]{32}(_[0-9]+)?$'
        """
    )
    if found:
        # To give something to a role one must be able to become it.
        db.run(f"GRANT {role} TO CURRENT_USER")
    for (table,) in found:
        db.run(f"ALTER TABLE {table} OWNER TO {role}")


def _quoted(db: Connection, name: str) -> str:
    return str(db.run("SELECT quote_ident(:name)", name=name)[0][0])


def _verifier(password: str) -> str:
    """What the server keeps of a password (RFC 5803): statements are logged, and so hold no password.

    https://www.postgresql.org/docs/current/catalog-pg-authid.html
    """
    salt = secrets.token_bytes(16)
    plain = unicodedata.normalize("NFKC", password).encode()
    salted = hashlib.pbkdf2_hmac("sha256", plain, salt, _ITERATIONS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    texts = [base64.b64encode(each).decode() for each in (salt, stored, server)]
    return f"SCRAM-SHA-256${_ITERATIONS}:{texts[0]}${texts[1]}:{texts[2]}"
