"""The database connection of a process: open it, keep it, and check that it is sound before using it again.

`exchange` defines statements, their answers and the errors that they raise.
"""

import json
import secrets
import socket
import ssl
from collections.abc import Iterator, Mapping
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
from ingestion.database.session_settings import NEVER, SESSION, insist_on_settings
from ingestion.errors import Unavailable

__all__ = [
    "Connection",
    "DatabaseError",
    "DatabaseSecret",
    "another",
    "away",
    "connect",
    "connection",
    "rows",
    "sqlstate",
    "transaction",
]

CONNECT_SECONDS = 10
PROBE_SECONDS = 3
"""How long the check of a kept connection may take; somebody may be waiting for a page."""
WAIT_SECONDS = 20
"""How long a function waits while the server has no free connections; less than any function's timeout."""

IDLE = "1min"
"""How long the server keeps a function's connection that says nothing. Lambda freezes functions between calls, with
their connections: after a burst of files, idle ones would keep those of a small server for many minutes."""

TOKEN_SECONDS = 900
RDS_ROOTS = Path(__file__).with_name("rds_roots.pem")

# In seconds, probes, and milliseconds. https://man7.org/linux/man-pages/man7/tcp.7.html
_KEEPALIVE = {"TCP_KEEPIDLE": 20, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 4, "TCP_USER_TIMEOUT": 60_000}

# too_many_connections, cannot_connect_now
_FULL = ("53300", "57P03")
# protocol_violation: PgBouncer refuses settings that its configuration doesn't name.
_REFUSES_SETTINGS = "08P01"


class DatabaseSecret(BaseModel):
    """Address and login of the database, as stored in Secrets Manager, with RDS's own names.

    Without a password, an IAM token is used.
    """

    model_config = ConfigDict(frozen=True)

    host: str
    port: int = 5432
    dbname: str = "kintell"
    username: str
    password: str = ""
    sslmode: str = "verify-full"


def connect(secret: DatabaseSecret, idle: str = NEVER) -> Connection:
    """Open a connection in UTC, which the server may close when it has been idle for so long.

    Waits for a while if the server has none free. Raises Unavailable.
    """
    deadline = monotonic() + WAIT_SECONDS
    while True:
        try:
            return _connect(secret, SESSION | {"idle_session_timeout": idle})
        except DatabaseError as failed:
            if sqlstate(failed) not in _FULL or monotonic() > deadline:
                raise Unavailable("The database is out of reach.") from failed
            sleep(uniform(0.1, 1.0))
        except (InterfaceError, OSError) as failed:
            raise Unavailable("The database is out of reach.") from failed


def another(db: Connection) -> Connection:
    """Open one more connection with the login of this one. Raises Unavailable."""
    return connect(db.login)


def _connect(secret: DatabaseSecret, wanted: Mapping[str, str]) -> Connection:
    try:
        db = _open_connection(secret, wanted)
    except DatabaseError as refused:
        if sqlstate(refused) != _REFUSES_SETTINGS:
            raise
        db = _open_connection(secret, {})
    try:
        insist_on_settings(db, wanted)
        # Only connecting has a time limit; a statement may take as long as its function.
        db.wait_for(None)
    except BaseException:
        db.abandon()
        raise
    return db


def _open_connection(secret: DatabaseSecret, startup_params: Mapping[str, str]) -> Connection:
    link = socket.create_connection((secret.host, secret.port), CONNECT_SECONDS)
    try:
        # As libpq does: the end of a small COPY would wait for the server's delayed acknowledgement, 40 ms.
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _notice_death(link)
        db = Connection(
            secret.username,
            host=secret.host,
            database=secret.dbname,
            password=secret.password or _token(secret),
            ssl_context=_tls() if secret.sslmode != "disable" else False,
            application_name="kintell-ingest",
            startup_params=startup_params,
            sock=link,
        )
    except BaseException:
        link.close()
        raise
    db.login = secret
    return db


def _notice_death(link: socket.socket) -> None:
    """Make the system notice within about a minute that the server is gone; macOS supports only some options."""
    link.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _KEEPALIVE.items():
        if hasattr(socket, option):
            link.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)


@cache
def _tls() -> ssl.SSLContext:
    """Verify server and host name (verify-full) with the roots of RDS or, as a proxy needs, the public ones."""
    context = ssl.create_default_context()
    context.load_verify_locations(RDS_ROOTS)
    return context


def _token(secret: DatabaseSecret) -> str:
    """Return an IAM token, which serves as a password: a signed request to connect, made without a network call.

    https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.Connecting.html
    boto3's own generate_db_auth_token needs an RDS client, which takes longer to load than everything else here.
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
    """Return this process's connection; open it at the first call, and again after it was lost."""
    name = settings.database_secret_arn or f"{settings.database_user}@{settings.database_host}"
    db = _open.get(name)
    if db is not None:
        if _is_sound(db):
            return db
        db.abandon()
    _open[name] = db = connect(_login(settings), IDLE)
    return db


@contextmanager
def away(db: Connection) -> Iterator[None]:
    """Keep the function's connection while it works on something else, for however long."""
    _keep_idle(db, "0")
    try:
        yield
    finally:
        # If the connection is gone, the next statement says so.
        with suppress(Unavailable):
            _keep_idle(db, IDLE)


def _keep_idle(db: Connection, limit: str) -> None:
    """Have the server keep the idle connection for so long; a pooler has limits of its own."""
    if not db.begin:
        db.run(f"SET idle_session_timeout = '{limit}'")


def _login(settings: Settings) -> DatabaseSecret:
    """Without a secret nothing is asked of anyone, and nothing but the database has to be within reach."""
    if settings.database_secret_arn:
        return DatabaseSecret.model_validate_json(read_secret(settings.database_secret_arn))
    settings.must_name_a_database()
    return DatabaseSecret(host=settings.database_host, username=settings.database_user)


def _is_sound(db: Connection) -> bool:
    """Whether the connection's next answer belongs to its next statement: only that one has a fresh random number."""
    nonce = secrets.token_hex(16)
    try:
        with db.time_limit(PROBE_SECONDS):
            # An interrupted invocation may have left a transaction open.
            return db.run(f"ROLLBACK; SELECT '{nonce}'") == [[nonce]]
    except Exception:
        return False


@contextmanager
def transaction(db: Connection) -> Iterator[Connection]:
    """Commit everything inside together, or nothing.

    Raises RuntimeError if the block continued after a statement had failed, since the server then commits nothing.
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
    """Run a query and return a dict for each row, by column name."""
    found = db.run(sql, **params)
    names = [column["name"] for column in db.columns or []]
    return [dict(zip(names, row, strict=True)) for row in found]


def to_json(value: Any) -> str:
    """Write *value* as the text of a jsonb parameter."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_plain)


def _plain(value: Any) -> str:
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} can't be part of a jsonb column")
