"""``make sam-local`` without an engine: which events it sends, what it says, and how containers reach the loopback."""

import asyncio
import os
import stat
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from local import relay
from local.containers import Engine, find_engine
from local.failures import CannotStart
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
