"""Docker, as far as ``make sam-local`` needs it: an engine, a network, and in it a container that leads back here.

Everything goes through the ``docker`` command, which finds the engine that the user has set up.
"""

import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.failures import CannotStart, failures_in_one_line

ARCHITECTURES = {"amd64": "x86_64", "x86_64": "x86_64", "arm64": "arm64", "aarch64": "arm64"}
TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class Engine:
    """A Docker engine, and its processor architecture under SAM's name."""

    version: str
    architecture: str


def docker(*arguments: str) -> str:
    """The command's output. CannotStart with its error message if it fails."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip() and "--help" not in line]
        raise CannotStart(f"docker {arguments[0]}: {said[-1] if said else 'it said nothing'}")
    return done.stdout.strip()


def find_engine() -> Engine:
    """The engine that the command reaches. CannotStart, with advice, if there is none."""
    without = "everything else (make demo, make test) does without Docker"
    if shutil.which("docker") is None:
        raise CannotStart(f"there is no docker command here, so no function can run in Lambda's image; {without}")
    try:
        version, architecture = docker("version", "--format", "{{.Server.Version}} {{.Server.Arch}}").split()
    except CannotStart as failed:
        what_to_do = f"start one, or set DOCKER_HOST; {without}"
        raise CannotStart(f"no Docker engine is reachable ({failed}); {what_to_do}") from None
    if architecture not in ARCHITECTURES:
        raise CannotStart(f"the Docker engine runs on {architecture}, which Lambda does not")
    return Engine(version, ARCHITECTURES[architecture])


@contextmanager
def network(name: str) -> Iterator[str]:
    """A network for some containers, which end with it."""
    docker("network", "create", name)
    try:
        yield name
    finally:
        # A process that started a container here may have been killed before it could end it.
        for left_over in docker("ps", "--all", "--quiet", "--filter", f"network={name}").split():
            docker("rm", "--force", "--volumes", left_over)
        docker("network", "rm", name)


@contextmanager
def running(name: str, network_name: str, image: str, folder: Path, command: Sequence[str]) -> Iterator[str]:
    """Run a container that sees *folder* as /shared; gives its address. Pulls the image if it is missing."""
    options = ["--detach", "--name", name, "--network", network_name, "--volume", f"{folder}:/shared"]
    docker("run", *options, "--entrypoint", command[0], image, *command[1:])
    try:
        yield address_of(name)
    finally:
        docker("rm", "--force", "--volumes", name)


def address_of(container: str) -> str:
    """The container's address. CannotStart with its last output if it ended."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    what = "{{.State.Running}} {{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
    while time.monotonic() < deadline:
        is_running, _, address = docker("inspect", "--format", what, container).partition(" ")
        if is_running == "true" and address:
            return address
        if is_running != "true":
            raise CannotStart(f"the container {container} ended: {docker('logs', container)[-300:]}")
        time.sleep(0.1)
    raise CannotStart(f"the container {container} got no address")


if __name__ == "__main__":
    with failures_in_one_line():
        find_engine()
