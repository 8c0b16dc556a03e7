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
ENGINE_SECONDS = 10.0
VERSION_FORMAT = "{{.Server.Version}} {{.Server.Arch}}"
LAMBDA_IMAGE = "public.ecr.aws/lambda/python:3.13-{architecture}"
"""On which SAM bases its own image, under SAM's name for it; tests/unit/test_local_sam.py asks SAM."""


@dataclass(frozen=True)
class Engine:
    """A Docker engine, and its processor architecture under SAM's name."""

    version: str
    architecture: str


def docker(*arguments: str, timeout_seconds: float | None = None) -> str:
    """The command's output. CannotStart with its error message if it fails, or takes longer than it may."""
    try:
        done = subprocess.run(
            ["docker", *arguments], capture_output=True, text=True, check=False, timeout=timeout_seconds
        )
    except subprocess.TimeoutExpired:
        raise CannotStart(f"docker {arguments[0]}: no answer within {timeout_seconds:g} seconds") from None
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
        version, architecture = docker("version", "--format", VERSION_FORMAT, timeout_seconds=ENGINE_SECONDS).split()
    except CannotStart as failed:
        what_to_do = f"start one, or set DOCKER_HOST; {without}"
        raise CannotStart(f"no Docker engine is reachable ({failed}); {what_to_do}") from None
    if architecture not in ARCHITECTURES:
        raise CannotStart(f"the Docker engine runs on {architecture}, which Lambda does not")
    return Engine(version, ARCHITECTURES[architecture])


def base_image(engine: Engine) -> str:
    """The image of Lambda's Python for the engine's processor."""
    return LAMBDA_IMAGE.format(architecture=engine.architecture)


def has_image(engine: Engine) -> bool:
    """Whether the engine has Lambda's image already."""
    return bool(docker("images", "--quiet", base_image(engine)))


@contextmanager
def network(name: str) -> Iterator[str]:
    """A network for some containers, which end with it; one that a killed process left is removed first."""
    if docker("network", "ls", "--quiet", "--filter", f"name=^{name}$"):
        _remove(name)
    docker("network", "create", name)
    try:
        yield name
    finally:
        _remove(name)


def _remove(network_name: str) -> None:
    # A process that started a container here may have been killed before it could end it.
    for left_over in docker("ps", "--all", "--quiet", "--filter", f"network={network_name}").split():
        docker("rm", "--force", "--volumes", left_over)
    docker("network", "rm", network_name)


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
