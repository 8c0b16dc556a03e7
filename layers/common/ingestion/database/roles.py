"""The role with which the functions connect: it reads and writes rows, and owns nothing but staging tables.

The schema owner could disable triggers, empty tables and rewrite the audit trail; so only Migrate connects as the
owner, and sets here what the functions may do, after every migration.
"""

import base64
import hashlib
import hmac
import secrets
import unicodedata

from pydantic import BaseModel, ConfigDict

from ingestion.database.connection import Connection, DatabaseError, sqlstate, transaction
from ingestion.database.grants import grant

_LOCK = 0x726F6C65
_INSUFFICIENT_PRIVILEGE = "42501"
_IS_THERE = ("42710", "23505")
_ITERATIONS = 4096


class Login(BaseModel):
    """The part of the functions' secret that identifies them. Without a password, they use an IAM token."""

    model_config = ConfigDict(frozen=True)

    username: str
    password: str = ""


class MayNotCreateRole(Exception):
    """The functions' role doesn't exist, and the owner is not allowed to create it."""


def let_in(db: Connection, login: Login) -> None:
    """Create the functions' role if needed, and grant it its rights, at every migration. Raises MayNotCreateRole."""
    if login.username == db.run("SELECT CURRENT_USER::text")[0][0]:
        return
    role = _quoted(db, login.username)
    _create(db, login, role)
    with transaction(db):
        db.run("SELECT pg_advisory_xact_lock(:lock)", lock=_LOCK)
        grant(db, role)
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
    _forget_defaults(db, role)
    if not password and db.run("SELECT FROM pg_roles WHERE rolname = 'rds_iam'"):
        db.run(f"GRANT rds_iam TO {role}")


def _set_password(db: Connection, role: str, password: str) -> None:
    """Set the password, unless somebody else created the role and so sets it themselves."""
    _alter(db, f"ALTER ROLE {role} {password}")


def _forget_defaults(db: Connection, role: str) -> None:
    """Reset the settings that the role has given its own connections, which PostgreSQL lets every role do."""
    database = _quoted(db, str(db.run("SELECT current_database()")[0][0]))
    _alter(db, f"ALTER ROLE {role} RESET ALL")
    _alter(db, f"ALTER ROLE {role} IN DATABASE {database} RESET ALL")


def _alter(db: Connection, statement: str) -> None:
    try:
        db.run(statement)
    except DatabaseError as failed:
        if sqlstate(failed) != _INSUFFICIENT_PRIVILEGE:
            raise


def _sentence(role: str) -> str:
    return (
        f"The functions' role {role} does not exist, and the schema owner may not create it. Have somebody who may run "
        f"CREATE ROLE {role} LOGIN with the password of the functions' secret, then deploy again; or leave out "
        "DatabaseOwnerSecretArn, so that the functions connect as the owner."
    )


def _hand_over_staging(db: Connection, role: str) -> None:
    """Hand over the staging tables that the functions created as the owner, of batches running during this deploy."""
    found = db.run(
        """
        SELECT c.oid::regclass::text FROM pg_class c
         WHERE c.relnamespace = 'staging'::regnamespace AND c.relkind IN ('r', 'p')
           AND c.relowner = CURRENT_USER::regrole AND c.relname ~ '^[a-z]+_[0-9a-f]{32}(_[0-9]+)?$'
        """
    )
    if found:
        # Giving an object to a role requires membership in it.
        db.run(f"GRANT {role} TO CURRENT_USER")
    for (table,) in found:
        db.run(f"ALTER TABLE {table} OWNER TO {role}")


def _quoted(db: Connection, name: str) -> str:
    return str(db.run("SELECT quote_ident(:name)", name=name)[0][0])


def _verifier(password: str) -> str:
    """Return what the server stores of a password (RFC 5803): statements are logged, so they must not contain it.

    https://www.postgresql.org/docs/current/catalog-pg-authid.html
    """
    salt = secrets.token_bytes(16)
    plain = unicodedata.normalize("NFKC", password).encode()
    salted = hashlib.pbkdf2_hmac("sha256", plain, salt, _ITERATIONS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    texts = [base64.b64encode(each).decode() for each in (salt, stored, server)]
    return f"SCRAM-SHA-256${_ITERATIONS}:{texts[0]}${texts[1]}:{texts[2]}"
