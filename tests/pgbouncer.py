"""PgBouncer in transaction mode, between the code and its database: `make test-pooler`.

It is as unhelpful as a pooler may be. It takes no settings from its clients, gives each transaction another connection
to the server, and on each of those somebody has left settings that mislead.
"""

import os
import shutil
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen
from time import monotonic, sleep

import pytest

from local.postgres import Database, give_away
from local.processes import LOOPBACK, end, free_port, last_line, launch_command, start, unprivileged

START_TIMEOUT_SECONDS = 20

LEFT_BEHIND = {
    "search_path": "pg_catalog",
    "IntervalStyle": "iso_8601",
    "transform_null_equals": "on",
    "array_nulls": "off",
    "synchronous_commit": "off",
    "default_transaction_isolation": "serializable",
    "default_transaction_read_only": "on",
    "statement_timeout": "10s",
    "lock_timeout": "1ms",
    "idle_in_transaction_session_timeout": "5s",
}
"""Not what PgBouncer itself keeps for each client: TimeZone, DateStyle, standard_conforming_strings."""


@dataclass(frozen=True, slots=True)
class Pooler:
    """Where PgBouncer listens."""

    port: int


def is_wanted() -> bool:
    """Whether every connection of the tests shall go through PgBouncer."""
    return os.environ.get("KINTELL_POOLER") == "pgbouncer"


def find_pgbouncer() -> str | None:
    """Return where the program is; Debian keeps it where not every user looks."""
    return shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


@contextmanager
def running_pooler(server: Database, folder: Path, passwords: Mapping[str, str]) -> Iterator[Pooler]:
    """Run PgBouncer before *server*, for its owner and for the roles with these passwords; skip where there is none."""
    program = find_pgbouncer()
    if program is None:
        missing = "there is no PgBouncer on this machine; on Debian and Ubuntu: apt-get install pgbouncer"
        if is_wanted():
            pytest.fail(missing)
        pytest.skip(missing)
    port = free_port()
    settings, log = _configure(server, folder, passwords, port), folder / "pgbouncer.log"
    give_away(folder)
    process = start(launch_command([program, str(settings)], unprivileged()), log=log)
    try:
        _wait_until_listening(port, process, log)
        yield Pooler(port)
    finally:
        end(process)


def _configure(server: Database, folder: Path, passwords: Mapping[str, str], port: int) -> Path:
    left = "; ".join(f"SET {name} = ''{value}''" for name, value in LEFT_BEHIND.items())
    users = folder / "users.txt"
    everybody = {server.username: server.password, **passwords}
    users.write_text("".join(f'"{name}" "{password}"\n' for name, password in everybody.items()))
    settings = folder / "pgbouncer.ini"
    settings.write_text(
        f"""
[databases]
* = host={server.host} port={server.port} connect_query='{left}'

[pgbouncer]
listen_addr = {LOOPBACK}
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {users}
pool_mode = transaction
server_round_robin = 1
default_pool_size = 8
min_pool_size = 3
max_client_conn = 200
server_idle_timeout = 2
log_connections = 0
log_disconnections = 0
""".lstrip()
    )
    return settings


def _wait_until_listening(port: int, process: Popen[bytes], log: Path) -> None:
    deadline = monotonic() + START_TIMEOUT_SECONDS
    while True:
        try:
            socket.create_connection((LOOPBACK, port), 1).close()
        except OSError as refused:
            if process.poll() is not None or monotonic() > deadline:
                raise RuntimeError(f"PgBouncer did not start: {last_line(log)}") from refused
            sleep(0.02)
        else:
            return
