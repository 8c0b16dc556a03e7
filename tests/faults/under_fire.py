"""A whole local system in which anything may be made to fail: its database, its S3, the processes of its functions."""

import json
import os
import signal
import threading
import time
import urllib.error
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from local.failures import CannotStart
from local.postgres import THROW_AWAY, Database, running_server
from local.system import LocalSystem, Places
from tests.e2e.front_door import FrontDoor
from tests.faults.database_relay import DatabaseRelay
from tests.faults.s3_relay import S3Relay

COMMITS_LAST = {**THROW_AWAY, "synchronous_commit": "on"}
"""Settings of a database that may lose a machine, but no commit when it crashes."""

SMALL = {"CHUNK_BYTES": "8000", "ROWS_PER_SHARD": "300"}
"""Chunks and shards of a few rows: many steps for little data."""

STAGES = ("Intake", "Stage", "Reconcile", "AnnotateConflicts", "Merge", "Finalize")
ENDED_SECONDS = 180


class Server:
    """A PostgreSQL that may be killed and started again, on the same data."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lock = threading.Lock()
        self.database = self.start()

    def start(self) -> Database:
        self.running = ExitStack()
        return self.running.enter_context(running_server(self.folder, COMMITS_LAST))

    def start_again(self) -> Database:
        """On the same port, or on another if somebody's connection has taken that one meanwhile."""
        for _ in range(4):
            with suppress(CannotStart):
                return self.start()
        return self.start()

    def stop(self) -> None:
        with self.lock:
            self.running.close()

    def kill_and_restart(self, seconds_away: float) -> None:
        """SIGKILL to all of its processes; after some seconds it is started again, and recovers."""
        with self.lock:
            postmaster = self.postmaster()
            postmaster.suspend()  # or it starts a process more while the others are looked up
            children = postmaster.children()
            for process in (postmaster, *children):
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            self.running.close()
            # A server does not start while one of these holds the shared memory of the last.
            psutil.wait_procs(children, timeout=60)
            time.sleep(seconds_away)
            self.database = self.start_again()

    def crash_a_backend(self, pick: Callable[[list[psutil.Process]], psutil.Process]) -> bool:
        """SIGKILL to one backend: PostgreSQL ends all others, recovers, and empties its unlogged tables."""
        backends = [each for each in self.postmaster().children() if " 127.0.0.1" in " ".join(_command(each))]
        if not backends:
            return False
        with suppress(psutil.NoSuchProcess):
            pick(backends).kill()
        return True

    def postmaster(self) -> psutil.Process:
        return psutil.Process(int((self.folder / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0]))


@dataclass
class UnderFire:
    """The system, its front door, and what stands between its parts."""

    server: Server
    database_relay: DatabaseRelay
    s3_relay: S3Relay
    system: LocalSystem
    door: FrontDoor
    functions: dict[str, str]
    """Names of functions as deployed, by their short names."""

    def workers(self, function: str = "") -> list[psutil.Process]:
        """The processes of this system's functions, or of one of them."""
        return [worker for worker, name in _workers(self.system.aws.port) if function in ("", name)]

    def kill(self, function: str) -> int:
        """SIGKILL to all processes of a function, at work or not; how many there were."""
        victims = self.workers(function)
        for victim in victims:
            _kill(victim)
        return len(victims)

    def invoke(self, function: str, event: Any, *, wait: bool = False) -> dict[str, Any]:
        """Invoke a function, by default as S3 and EventBridge do, which do not wait for it."""
        kind = "RequestResponse" if wait else "Event"
        client = self.system.client("lambda")
        answer: dict[str, Any] = client.invoke(
            FunctionName=self.functions[function], InvocationType=kind, Payload=json.dumps(event)
        )
        return answer

    def configure(self, function: str, *, variables: dict[str, str] | None = None, timeout: int | None = None) -> int:
        """Change what the deploy gave a function; its time limit before that."""
        client, name = self.system.client("lambda"), self.functions[function]
        found = client.get_function_configuration(FunctionName=name)
        changed: dict[str, Any] = {}
        if variables:
            changed["Environment"] = {"Variables": {**found["Environment"]["Variables"], **variables}}
        if timeout:
            changed["Timeout"] = timeout
        client.update_function_configuration(FunctionName=name, **changed)
        return int(found["Timeout"])

    def rows(self, sql: str, **given: Any) -> list[list[Any]]:
        """What the database says, past the relay."""
        db = self.server.database.connect()
        try:
            found: list[list[Any]] = db.run(sql, **given)
        finally:
            db.close()
        return found

    def ended(self, version: str) -> str | None:
        """The batch of an object version, once it has ended, or None if the version was refused; the API and all
        behind it may be away meanwhile."""
        deadline = time.monotonic() + ENDED_SECONDS
        while time.monotonic() < deadline:
            try:
                upload = self.door.decided(version)
                if upload["state"] == "refused":
                    return None
                self.door.ended(upload["batchId"])
            except (urllib.error.URLError, ConnectionError, KeyError):
                time.sleep(0.2)
            else:
                return str(upload["batchId"])
        raise AssertionError(f"version {version} did not end in {ENDED_SECONDS} s")

    def calm_down(self) -> None:
        """Let nothing more fail."""
        self.database_relay.ambush = None
        self.s3_relay.choose = None


@contextmanager
def under_fire(folder: Path, say: Callable[[str], None] = lambda _line: None) -> Iterator[UnderFire]:
    """The system, running; ended with all its processes afterwards."""
    with ExitStack() as exits:
        server = Server(folder)
        exits.callback(server.stop)
        emulator: list[int] = []
        database_relay = DatabaseRelay(lambda: server.database.port, partial(_function_of, emulator))
        exits.callback(database_relay.close)
        relayed = replace(server.database, port=database_relay.port)
        system = exits.enter_context(LocalSystem(Places(folder, database_url=relayed.url), say))
        emulator.append(system.aws.port)
        s3_relay = S3Relay(system.aws.port)
        exits.callback(s3_relay.close)
        system.aws.is_also_called(s3_relay.url.removeprefix("http://"))
        door = FrontDoor(system.client("s3"), system.stack.uploads_bucket, system.aws.api_url)
        world = UnderFire(server, database_relay, s3_relay, system, door, _functions(system))
        for function in (*STAGES, "Undo", "Retention"):
            small = SMALL if function in ("Intake", "Undo") else {}
            world.configure(function, variables={"AWS_ENDPOINT_URL_S3": s3_relay.url, **small})
        yield world


def _functions(system: LocalSystem) -> dict[str, str]:
    names = [each["FunctionName"] for each in system.client("lambda").list_functions()["Functions"]]
    return {name.split("-")[1]: name for name in names}


def _workers(aws_port: int) -> list[tuple[psutil.Process, str]]:
    """The processes below the emulator that listens on *aws_port*, each with the name of its function: `Stage` of
    `kintell-Stage-1A2B3C`."""
    children = [
        child
        for process in psutil.Process().children()
        if "local.emulators.ministack.server" in _command(process)
        and _variable(process, "GATEWAY_PORT") == str(aws_port)
        for child in process.children()
    ]
    named = [(child, _variable(child, "AWS_LAMBDA_FUNCTION_NAME").split("-")) for child in children]
    return [(child, name[1]) for child, name in named if len(name) > 1]


def _function_of(emulator: list[int], port: int) -> tuple[str, Callable[[], None]] | None:
    """Whose connection comes from *port*: the function's name, and how to kill it."""
    for worker, name in _workers(emulator[0]) if emulator else []:
        with suppress(psutil.Error):
            if any(link.laddr.port == port for link in worker.net_connections("tcp4")):
                return name, partial(_kill, worker)
    return None


def _command(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []


def _variable(process: psutil.Process, name: str) -> str:
    try:
        return str(process.environ().get(name, ""))
    except psutil.Error:
        return ""


def _kill(process: psutil.Process) -> None:
    with suppress(ProcessLookupError):
        os.kill(process.pid, signal.SIGKILL)
