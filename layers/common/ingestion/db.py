"""The database connection of a process; the only importer of pg8000.

Errors come out as what they mean for the caller: `Unavailable` where trying again may help, pg8000's own
`DatabaseError` where the statement is at fault (see `sqlstate`).
"""

import json
import re
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
from pg8000.exceptions import DatabaseError, InterfaceError
from pg8000.native import Connection as _Pg8000Connection
from pydantic import BaseModel, ConfigDict

from ingestion.config import Settings
from ingestion.errors import Unavailable
from ingestion.vault import read_secret

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

# Classes of SQLSTATE after which the same statement may succeed: connection, rollback (deadlock, serialization),
# resources, operator intervention, system. https://www.postgresql.org/docs/current/errcodes-appendix.html
_PASSING = ("08", "40", "53", "57", "58", "XX")

CONNECT_SECONDS = 10
WAIT_SECONDS = 20
"""How long a function waits for a connection that the server has none left of; less than any function may take."""

TOKEN_SECONDS = 900
RDS_ROOTS = Path(__file__).with_name("rds_roots.pem")

# too_many_connections, cannot_connect_now
_FULL = ("53300", "57P03")

# Fields of an error that hold no data: https://www.postgresql.org/docs/current/protocol-error-fields.html
_FIELDS_WITHOUT_DATA = frozenset("SVCMPstcdn")
_QUOTES_A_VALUE = "22"
_COPY_LINE = re.compile(r"COPY \S+, line \d+")


class DatabaseSecret(BaseModel):
    """The secret as Secrets Manager keeps it; RDS writes the same names. Without a password, a token is shown."""

    model_config = ConfigDict(frozen=True)

    host: str
    port: int = 5432
    dbname: str = "kintell"
    username: str
    password: str = ""
    sslmode: str = "verify-full"


class Connection(_Pg8000Connection):  # type: ignore[misc]  # pg8000 has no types
    """A pg8000 connection that says `Unavailable` where trying again may help."""

    def run(self, sql: str, stream: Any = None, types: Any = None, **params: Any) -> list[list[Any]]:
        """Run one statement with `:name` parameters; its rows, or an empty list."""
        try:
            return super().run(sql, stream, types, **params) or []
        except (InterfaceError, OSError) as lost:
            raise Unavailable("The connection to the database was lost.") from lost
        except DatabaseError as failed:
            if sqlstate(failed).startswith(_PASSING):
                raise Unavailable(f"The database can't do this now (SQLSTATE {sqlstate(failed)}).") from failed
            raise _without_data(failed) from None


def _without_data(error: DatabaseError) -> DatabaseError:
    """The same error without what it quotes of the data: errors end up in logs, and rows are about people."""
    if not error.args or not isinstance(error.args[0], dict):
        return error
    kept = {name: text for name, text in error.args[0].items() if name in _FIELDS_WITHOUT_DATA}
    if sqlstate(error).startswith(_QUOTES_A_VALUE):
        del kept["M"]
    if line := _COPY_LINE.match(str(error.args[0].get("W", ""))):
        kept["W"] = line[0]
    return DatabaseError(kept)


def sqlstate(error: DatabaseError) -> str:
    """The five-character SQLSTATE of what the server said; empty if it said nothing."""
    fields = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
    return str(fields.get("C", ""))


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
    # Only the connecting has a time limit: a statement may take as long as its function may.
    link = socket.create_connection((secret.host, secret.port), CONNECT_SECONDS)
    try:
        link.settimeout(None)
        link.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        return Connection(
            secret.username,
            host=secret.host,
            database=secret.dbname,
            password=secret.password or _token(secret),
            ssl_context=_tls() if secret.sslmode != "disable" else False,
            application_name="kintell-ingest",
            startup_params={"TimeZone": "UTC"},
            sock=link,
        )
    except BaseException:
        link.close()
        raise


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
    if db is not None and _is_alive(db):
        return db
    _open[arn] = connect(DatabaseSecret.model_validate_json(read_secret(arn)))
    return _open[arn]


def _is_alive(db: Connection) -> bool:
    try:
        # An invocation that was cut off may have left a transaction open.
        db.run("ROLLBACK")
    except Unavailable:
        return False
    return True


@contextmanager
def transaction(db: Connection) -> Iterator[Connection]:
    """Everything inside is committed together, or not at all."""
    db.run("BEGIN")
    try:
        yield db
    except BaseException:
        # If the connection is gone, so is its transaction.
        with suppress(Unavailable, DatabaseError):
            db.run("ROLLBACK")
        raise
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
