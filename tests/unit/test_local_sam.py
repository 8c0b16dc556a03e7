"""``make sam-local`` without an engine: which events it sends, what it says, and how containers reach the loopback."""

import asyncio
import os
import stat
import subprocess
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import pytest

from local import relay
from local.aws import ROOT
from local.containers import Engine, base_image, find_engine, network
from local.failures import CannotStart
from local.invocable import NETWORK, open_to_containers
from local.sam_local import STORY, function_of, parsed, report
from tests.template.documents import EVENTS, functions


def docker_that(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """A docker command of which only this much is known: what it prints, and how it ends."""
    command = folder / "docker"
    command.write_text(f"#!/bin/sh\n{script}\n")
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)


def finished(doing: Coroutine[Any, Any, bytes]) -> bytes:
    """Its result, in a thread of its own: the driver of a browser may have its loop in this one."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(asyncio.run, doing).result()


def test_every_sample_event_is_told() -> None:
    assert {name for name, _ in STORY} == {path.stem for path in EVENTS.iterdir()}


def test_every_function_is_invoked() -> None:
    assert {function_of(name, list(functions())) for name, _ in STORY} == functions().keys()


@pytest.mark.parametrize(
    ("event", "function"),
    [
        ("retention", "Retention"),
        ("finalize", "Finalize"),
        ("finalize_failed_execution", "Finalize"),
        ("stage", "Stage"),
    ],
)
def test_an_event_is_for_the_function_that_it_is_named_for(event: str, function: str) -> None:
    assert function_of(event, list(functions())) == function


def test_where_there_is_no_docker_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CannotStart, match="no docker command"):
        find_engine()


def test_where_no_engine_is_reachable_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    docker_that(
        tmp_path, monkeypatch, "echo 'Cannot connect to the Docker daemon\n\nRun docker version --help' >&2; exit 1"
    )
    with pytest.raises(CannotStart, match=r"no Docker engine is reachable .*Cannot connect.*set DOCKER_HOST"):
        find_engine()


@pytest.mark.parametrize(("said", "architecture"), [("27.1 amd64", "x86_64"), ("27.1 arm64", "arm64")])
def test_functions_run_on_the_engines_own_processor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, architecture: str
) -> None:
    docker_that(tmp_path, monkeypatch, f"echo {said}")
    assert find_engine() == Engine("27.1", architecture)


def test_a_processor_that_lambda_has_not_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    docker_that(tmp_path, monkeypatch, "echo 27.1 riscv64")
    with pytest.raises(CannotStart, match="riscv64"):
        find_engine()


def test_an_answer_is_found_below_what_else_is_printed() -> None:
    assert parsed('START\n{"no": 1}\n\n{"status": "completed"}\n') == {"status": "completed"}
    assert parsed("nothing of the kind") is None
    assert report("REPORT RequestId: 1\tInit Duration: 0.1 ms\tDuration: 2345.6 ms\tBilled") == "2.35 s"


def test_a_relay_carries_both_ways_and_tells_the_end_of_each(tmp_path: Path) -> None:
    sent = os.urandom(1_000_000)
    assert finished(through_two_relays(tmp_path, sent)) == sent[::-1]


async def through_two_relays(folder: Path, sent: bytes) -> bytes:
    """What comes back from a server that answers once all has been said, by way of a socket between two relays."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write((await reader.read())[::-1])
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    outer = await relay.listen(str(folder / "socket"), f"127.0.0.1:{server.sockets[0].getsockname()[1]}")
    inner = await relay.listen("127.0.0.1:0", str(folder / "socket"))
    reader, writer = await relay.connect(f"127.0.0.1:{inner.sockets[0].getsockname()[1]}")
    writer.write(sent)
    writer.write_eof()
    received = await reader.read()
    writer.close()
    for each in (server, outer, inner):
        each.close()
    return received


def test_a_relay_hangs_up_where_nobody_answers(tmp_path: Path) -> None:
    async def read_all() -> bytes:
        server = await relay.listen("127.0.0.1:0", str(tmp_path / "nobody"))
        reader, writer = await relay.connect(f"127.0.0.1:{server.sockets[0].getsockname()[1]}")
        received = await reader.read()
        writer.close()
        server.close()
        return received

    assert finished(read_all()) == b""


SAM_PYTHON = ROOT / ".venv-sam/bin/python"


@pytest.mark.skipif(not SAM_PYTHON.exists(), reason="make lint installs SAM")
@pytest.mark.parametrize("architecture", ["x86_64", "arm64"])
def test_the_image_has_the_name_that_sam_asks_for(architecture: str) -> None:
    asked = (
        "from samcli.local.docker.lambda_image import LambdaImage, Runtime\n"
        f"tag = Runtime.get_image_name_tag('python3.13', '{architecture}')\n"
        "print(f'{LambdaImage._INVOKE_REPO_PREFIX}/{tag}')"
    )
    done = subprocess.run([str(SAM_PYTHON), "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == base_image(Engine("27.1", architecture))


def said_by_make_up(folder: Path) -> list[str]:
    """What it says of functions in containers; the system is asked nothing."""
    lines: list[str] = []
    with open_to_containers(cast(Any, None), folder, lines.append):
        pass
    return lines


def test_without_docker_make_up_says_nothing_of_containers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert said_by_make_up(tmp_path) == []


def test_without_lambdas_image_make_up_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    docker_that(tmp_path, monkeypatch, '[ "$1" = version ] && echo 27.1 amd64; exit 0')
    (line,) = said_by_make_up(tmp_path)
    assert "docker pull public.ecr.aws/lambda/python:3.13-x86_64" in line


def test_a_network_that_was_left_over_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a `make up` that was killed: Docker would make a second one of the name, or refuse."""
    log = tmp_path / "log"
    docker_that(tmp_path, monkeypatch, f'echo "$@" >> {log}; [ "$2" = ls ] && echo 1a2b; exit 0')
    with network(NETWORK):
        pass
    steps = [line.split()[1] for line in log.read_text().splitlines() if line.startswith("network")]
    assert steps == ["ls", "rm", "create", "rm"]


def test_an_engine_that_refuses_does_not_end_make_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuses = "echo 'Error response from daemon: permission denied' >&2; exit 1"
    docker_that(tmp_path, monkeypatch, f'[ "$1" = version ] && echo 27.1 amd64 && exit 0; {refuses}')
    (line,) = said_by_make_up(tmp_path)
    assert line.endswith("can't be used: docker images: Error response from daemon: permission denied")


def test_an_engine_that_does_not_answer_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    docker_that(tmp_path, monkeypatch, "exec sleep 30")
    monkeypatch.setattr("local.containers.ENGINE_SECONDS", 0.2)
    with pytest.raises(CannotStart, match=r"no answer within 0\.2 seconds"):
        find_engine()
