"""Starts and stops the local system as a whole: database, emulator, deployed stack."""

import fcntl
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pg8000.native

from local.aws import REGION, ROOT, Aws, running_aws
from local.deploy import LOOPBACK_ONLY, Stack, deploy
from local.emulators.ministack.durable import Outstanding, submit_again
from local.failures import CannotStart
from local.postgres import Database, is_answering, running_server
from local.processes import free_port, is_free

HOME = ROOT / ".local"
API_PORT = 3002
AWS_PORT = 4566


@dataclass(frozen=True)
class Places:
    """The system's folder, ports and database. A port of None means any free one, a database of None the embedded one.

    `who_may_call` holds the template's parameters for sign-in; on a laptop nobody signs in."""

    folder: Path = HOME
    api_port: int | None = None
    aws_port: int | None = None
    database_url: str | None = None
    who_may_call: Mapping[str, str] = field(default_factory=lambda: LOOPBACK_ONLY)
    template: Path = ROOT / "template.yaml"

    @classmethod
    def of_this_clone(cls) -> Self:
        """The places for `make up`: the defaults, changed by environment variables. CannotStart if one is not valid."""
        return cls(
            api_port=port_of("KINTELL_API_PORT", API_PORT),
            aws_port=port_of("KINTELL_AWS_PORT", AWS_PORT),
            database_url=os.environ.get("DATABASE_URL") or None,
        )


def port_of(variable: str, usual: int) -> int:
    given = os.environ.get(variable) or str(usual)
    if not given.isdecimal() or not 0 < int(given) < 65536:
        raise CannotStart(f"{variable} is {given!r}; it must be a port number")
    return int(given)


class LocalSystem:
    """``with LocalSystem(Places(folder)) as system:`` runs it, and ends it with all its processes afterwards."""

    aws: Aws
    database: Database
    stack: Stack

    def __init__(self, places: Places, say: Callable[[str], None] = lambda line: None) -> None:
        self.places = places
        self.say = say
        self.exits = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as exits:  # what has started is stopped again if the rest fails
            exits.enter_context(only_one(self.places.folder))
            (self.places.folder / "env").unlink(missing_ok=True)  # left by a system that was killed
            ports = self.free_ports()
            self.database = exits.enter_context(self.running_database())
            self.say("AWS emulator: starting")
            left_undone = Outstanding(self.places.folder / "aws" / "outstanding").files()
            self.aws = exits.enter_context(running_aws(self.places.folder / "aws", *ports))
            self.say("stack: deploying template.yaml")
            self.redeploy()
            if submitted := submit_again(left_undone, self.client):
                self.say(f"imports: resuming what was running when the system last stopped ({submitted})")
            self.exits = exits.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.exits.__exit__(kind, error, trace)

    def free_ports(self) -> tuple[int, int]:
        """The ports of the emulator and the API. CannotStart, before anything starts, if another program uses one."""
        named = {"KINTELL_AWS_PORT": self.places.aws_port, "KINTELL_API_PORT": self.places.api_port}
        for variable, port in named.items():
            if port and not is_free(port):
                raise CannotStart(f"port {port} is in use by another program; set {variable} to a free one")
        if self.places.aws_port and self.places.aws_port == self.places.api_port:
            raise CannotStart("KINTELL_AWS_PORT and KINTELL_API_PORT are the same; they must differ")
        aws_port, api_port = (port or free_port() for port in named.values())
        return aws_port, api_port

    @contextmanager
    def running_database(self) -> Iterator[Database]:
        if self.places.database_url is None:
            self.say("PostgreSQL: starting")
            with running_server(self.places.folder) as database:
                yield database
        else:
            self.say("PostgreSQL: using DATABASE_URL")
            database = Database.from_url(self.places.database_url)
            if not is_answering(database):
                raise CannotStart(f"DATABASE_URL: nothing answers at {database.host}:{database.port}")
            yield database

    def redeploy(self) -> None:
        """Deploy the current template and code, as ``sam deploy`` would."""
        functions = self.database.functions_login(self.places.folder)
        if functions is None:
            self.say(
                f"PostgreSQL: {self.database.username} may not create roles, so the functions connect as that user"
            )
        self.stack = deploy(self.aws, self.database, functions, self.places.who_may_call, self.places.template)

    def client(self, service: str) -> Any:
        """A boto3 client for the emulator, with the root key."""
        return self.aws.client(service)

    def connect(self) -> pg8000.native.Connection:
        """A connection to the system's database, which the caller closes."""
        return self.database.connect()

    @property
    def variables(self) -> dict[str, str]:
        """The variables in .local/env."""
        return {
            "KINTELL_API_URL": self.aws.api_url,
            "AWS_ENDPOINT_URL": self.aws.url,
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": self.aws.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.aws.secret_access_key,
            "KINTELL_UPLOADS_BUCKET": self.stack.uploads_bucket,
            "DATABASE_URL": self.database.url,
        }


def close_to_others(folder: Path) -> None:
    """Close the folder to other users of this machine: it holds keys, uploads and the database's files."""
    for each in (HOME, folder) if HOME in folder.parents else (folder,):
        each.mkdir(mode=0o700, parents=True, exist_ok=True)
        each.chmod(0o700)  # it may exist already, created by an earlier version


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Lock the folder for this process. CannotStart if another process has it."""
    close_to_others(folder)
    with (folder / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as held:
            lock.seek(0)
            raise CannotStart(f"it is already running here (process {lock.read().strip() or 'unknown'})") from held
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


@contextmanager
def published(variables: dict[str, str], file: Path) -> Iterator[None]:
    """Publish the ``KEY=value`` file that says where the system is; it exists only while the system is ready."""
    unfinished = file.with_name(file.name + ".new")
    with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        out.writelines(f"{name}={value}\n" for name, value in variables.items())
    unfinished.rename(file)
    try:
        yield
    finally:
        file.unlink(missing_ok=True)
