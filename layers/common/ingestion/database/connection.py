"""The database connection of a process: how it is made, kept, and proved to be sound before it is used again.

What a statement and its answer are, and which errors they raise, is in `exchange`.
"""

import json
import secrets
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from random import uniform
from time import monotonic, sleep
from typing import Any
from uuid import UUID

import boto3
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from pydantic import BaseModel, ConfigDict

from ingestion.aws.secrets import read_secret
from ingestion.config import Settings
from ingestion.database.exchange import Connection, DatabaseError, InterfaceError, sqlstate
from ingestion.errors import Unavailable

__all__ = [
    "Connection",
    "DatabaseError",
    "DatabaseSecret",
    "connect",
    "connection",
    "rows",
    "sqlstate",
    "transaction",
]

CONNECT_SECONDS = 10
PROBE_SECONDS = 3
"""How long a kept connection may take to prove itself; whoever waits for it has a page open."""
WAIT_SECONDS = 20
"""How long a function waits for a connection that the server has none left of; less than any function may take."""

TOKEN_SECONDS = 900
RDS_ROOTS = Path(__file__).with_name("rds_roots.pem")

# In seconds, probes, and milliseconds. https://man7.org/linux/man-pages/man7/tcp.7.html
_KEEPALIVE = {"TCP_KEEPIDLE": 20, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 4, "TCP_USER_TIMEOUT": 60_000}

SESSION = {
    "search_path": '"$user", public',
    "TimeZone": "UTC",
    "DateStyle": "ISO, MDY",
    "IntervalStyle": "postgres",
    "standard_conforming_strings": "on",
    "transform_null_equals": "off",
    "array_nulls": "on",
    "synchronous_commit": "on",
    "default_transaction_isolation": "read committed",
    "default_transaction_read_only": "off",
    "statement_timeout": "0",
    "lock_timeout": "0",
    "idle_session_timeout": "0",
    "idle_in_transaction_session_timeout": "15min",
}
"""What statements rely on, as the server spells it. A role may change its own defaults for every connection to come, so
no connection relies on defaults. Statements take as long as their function may, at most 15 minutes.

https://www.postgresql.org/docs/current/config-setting.html
"""

# too_many_connections, cannot_connect_now
_FULL = ("53300", "57P03")


class DatabaseSecret(BaseModel):
    """The secret as Secrets Manager keeps it; RDS writes the same names. Without a password, a token is shown."""

    model_config = ConfigDict(frozen=True)

    host: str
    port: int = 5432
    dbname: str = "kintell"
    username: str
    password: str = ""
    sslmode: str = "verify-full"


def connect(secret: DatabaseSecret) -> Connection:
    """A new connection, in UTC; waits a while for one if the server has none left. Raises Unavailable."""
    deadline = monotonic() + WAIT_SECONDS
    while True:
        try:
            return _connect(secret)
        except DatabaseError as failed:
            if sqlstate(failed) not in _FULL or monotonic() > deadline:
                raise Unavailable("The database is out of reach.") from failed
            sleep(uniform(0.1, 1.0))
        except (InterfaceError, OSError) as failed:
            raise Unavailable("The database is out of reach.") from failed


def _connect(secret: DatabaseSecret) -> Connection:
    link = socket.create_connection((secret.host, secret.port), CONNECT_SECONDS)
    try:
        _notice_death(link)
        db = Connection(
            secret.username,
            host=secret.host,
            database=secret.dbname,
            password=secret.password or _token(secret),
            ssl_context=_tls() if secret.sslmode != "disable" else False,
            application_name="kintell-ingest",
            startup_params=SESSION,
            sock=link,
        )
        _insist_on_settings(db)
        # Only the connecting has a time limit: a statement may take as long as its function may.
        db.wait_for(None)
    except BaseException:
        link.close()
        raise
    return db


def _insist_on_settings(db: Connection) -> None:
    """Set what did not arrive with the connection's first message: a proxy may keep it to itself."""
    db.run(
        """
        SELECT set_config(name, wanted, false)
          FROM json_each_text(CAST(:wanted AS json)) AS s (name, wanted)
         WHERE current_setting(name) <> wanted
        """,
        wanted=to_json(SESSION),
    )


def _notice_death(link: socket.socket) -> None:
    """Let the system find out within a minute or so that the other side is gone; macOS knows some of it only."""
    link.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _KEEPALIVE.items():
        if hasattr(socket, option):
            link.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)


@cache
def _tls() -> ssl.SSLContext:
    """Server and host name are verified (verify-full), by the roots of RDS or, as for a proxy, of everybody."""
    context = ssl.create_default_context()
    context.load_verify_locations(RDS_ROOTS)
    return context


def _token(secret: DatabaseSecret) -> str:
    """What IAM authentication takes for a password: a signed request to connect, made without asking anyone.

    https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.Connecting.html
    boto3's own generate_db_auth_token wants a client of RDS, which takes longer to load than all else here.
    """
    if secret.sslmode == "disable":
        raise ValueError("A token may not be sent without TLS: give the database's secret a password, or an sslmode.")
    session = boto3.Session()
    credentials = session.get_credentials()
    if credentials is None:
        raise Unavailable("There are no credentials to make a token with.")
    request = AWSRequest(
        "GET", f"https://{secret.host}:{secret.port}/", params={"Action": "connect", "DBUser": secret.username}
    )
    SigV4QueryAuth(credentials, "rds-db", session.region_name, expires=TOKEN_SECONDS).add_auth(request)
    return str(request.url).removeprefix("https://")


_open: dict[str, Connection] = {}


def connection(settings: Settings) -> Connection:
    """This process's connection, opened at the first call and again after it was lost."""
    arn = settings.database_secret_arn
    db = _open.get(arn)
    if db is not None:
        if _is_sound(db):
            return db
        db.abandon()
    _open[arn] = connect(DatabaseSecret.model_validate_json(read_secret(arn)))
    return _open[arn]


def _is_sound(db: Connection) -> bool:
    """Whether the next answer on the connection is its own: nobody else's holds a number that was just drawn."""
    nonce = secrets.token_hex(16)
    try:
        with db.time_limit(PROBE_SECONDS):
            # An invocation that was cut off may have left a transaction open.
            return db.run(f"ROLLBACK; SELECT '{nonce}'") == [[nonce]]
    except Exception:
        return False


@contextmanager
def transaction(db: Connection) -> Iterator[Connection]:
    """Everything inside is committed together, or not at all.

    Raises RuntimeError if what stands inside went on after a statement had failed: the server commits nothing then.
    """
    db.run("BEGIN")
    try:
        yield db
    except BaseException:
        # If the connection is gone, so is its transaction.
        with suppress(Unavailable, DatabaseError):
            db.run("ROLLBACK")
        raise
    if db.is_in_failed_transaction:
        db.run("ROLLBACK")
        raise RuntimeError("a statement of the transaction failed and its error was swallowed: nothing is committed")
    db.run("COMMIT")


def rows(db: Connection, sql: str, **params: Any) -> list[dict[str, Any]]:
    """The result of a query, a dict per row by column name."""
    found = db.run(sql, **params)
    names = [column["name"] for column in db.columns or []]
    return [dict(zip(names, row, strict=True)) for row in found]


def to_json(value: Any) -> str:
    """*value* as the text of a jsonb parameter."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_plain)


def _plain(value: Any) -> str:
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} is no part of a jsonb column")
