"""Starts and ends the processes of the local system, each by its own pid."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from local.failures import CannotStart

LAUNCH = str(Path(__file__).with_name("launch.py"))
LOOPBACK = "127.0.0.1"
AT_ONCE = 4
"""Simultaneous processes of one function, each with a database connection: twice as many as two cores can use."""


def launch_command(
    program: Sequence[str], how: str = "plain", *, ends_by: signal.Signals = signal.SIGTERM
) -> list[str]:
    """The command that runs *program* so that it gets the signal *ends_by* when this process ends, however it ends."""
    # -P keeps this folder off the path, where local/ modules would shadow the standard library's for the launcher.
    return [sys.executable, "-P", LAUNCH, how, str(os.getpid()), str(int(ends_by)), *program]


@cache
def unprivileged() -> str:
    """How to launch programs that refuse to run as root: "plain" for a normal user, otherwise what works for root."""
    if os.geteuid() != 0:
        return "plain"
    for how in ("namespace", "nobody"):
        command = launch_command(["/bin/ls", str(Path(__file__).parent)], how)
        tried = subprocess.run(command, capture_output=True, check=False)
        if tried.returncode == 0:
            return how
    raise CannotStart(
        "PostgreSQL does not run as root, and neither user namespaces nor setpriv work here; run this as a normal user"
    )


def start(command: Sequence[str], *, log: Path, env: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
    """Start a server in its own session, so that Ctrl-C reaches it only through us. Its output goes to *log*."""
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=env,
            start_new_session=True,
        )


def end(process: subprocess.Popen[bytes], by: signal.Signals = signal.SIGTERM, *, within_seconds: float = 20) -> None:
    """Ask a process to end, and kill it if it doesn't."""
    if process.poll() is None:
        process.send_signal(by)
        try:
            process.wait(within_seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def last_line(log: Path) -> str:
    """The last line of a log that isn't blank, which usually says why the process ended."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines()] if log.exists() else []
    return next((line for line in reversed(lines) if line), "nothing was logged")


def is_free(port: int) -> bool:
    """Whether a server could listen on this port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A port on which nothing listens at the moment."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
    return port
