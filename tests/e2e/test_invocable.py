"""What `sam local invoke` is given beside a running system: every function runs with it, here under plain Python."""

import json
import os
import socket
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

import pytest

from local.aws import ROOT
from local.containers import Engine
from local.invocable import EVENTS, NETWORK, open_to_containers, write_files
from local.sam_local import function_of
from local.system import LocalSystem
from tests.e2e.front_door import FrontDoor
from tests.template.documents import functions
from tests.unit.test_local_sam import docker_that

INVOKE = """
import importlib, json, sys
from types import SimpleNamespace
module, _, name = sys.argv[1].rpartition(".")
handler = getattr(importlib.import_module(module), name)
CONTEXT = SimpleNamespace(function_name="name", memory_limit_in_mb=512, invoked_function_arn="arn", aws_request_id="id",
    get_remaining_time_in_millis=lambda: 60_000)
answer = handler(json.load(open(sys.argv[2])), CONTEXT)
print("ANSWER", json.dumps(answer))
"""


@pytest.fixture(scope="module")
def folder(system: LocalSystem, s3: Any, api_url: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of `make up`, whose addresses lead to the system without a container between."""
    door = FrontDoor(s3, system.stack.uploads_bucket, api_url)
    roster = b"Email,Name\ninvocable@example.org,Somebody\n"  # an import that went well, whatever other tests did
    assert door.load("incoming/kintell_users/invocable.csv", roster)["status"] == "completed"
    made = tmp_path_factory.mktemp("sam")
    write_files(system, made, Engine("27.1", "x86_64"), (system.aws.url, (system.database.host, system.database.port)))
    return made


@pytest.mark.parametrize("event", sorted(path.name for path in EVENTS.glob("*.json")))
def test_a_function_answers_its_event_with_what_make_up_wrote(folder: Path, event: str) -> None:
    name = function_of(event.removesuffix(".json"), list(functions()))
    template = json.loads((folder / "template.json").read_text())["Resources"]
    if name not in template:
        assert name == "SignIn", "only sign-in is not on a laptop"
        return
    properties = template[name]["Properties"]
    variables = json.loads((folder / "variables.json").read_text())[name]
    assert variables.keys() == properties["Environment"]["Variables"].keys(), "SAM passes on what the template names"
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT / 'layers/common'}:{properties['CodeUri']}:{ROOT}"}
    done = subprocess.run(
        [sys.executable, "-c", INVOKE, properties["Handler"], str(folder / "events" / event)],
        env=environment | variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert "ANSWER" in done.stdout, done.stderr[-2000:]


def test_sam_finds_what_make_up_writes(folder: Path) -> None:
    given: dict[str, Any] = tomllib.loads((ROOT / "samconfig.toml").read_text())["default"]["local_invoke"]
    parameters = given["parameters"]
    assert parameters["docker_network"] == NETWORK
    for key in ("template_file", "env_vars"):
        assert (folder / Path(parameters[key]).relative_to(".local/sam")).is_file()


ENGINE = """
case "$1 $2" in
    version*) echo 27.1 amd64 ;;
    images*) echo 1a2b ;;
    inspect*) echo true 127.0.0.1 ;;
esac
"""


def test_make_up_opens_a_way_back_and_closes_it(
    system: LocalSystem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With an engine that does as it is asked: what a container would see in /shared leads to the emulator."""
    docker_that(tmp_path, monkeypatch, ENGINE)
    lines: list[str] = []
    folder = tmp_path / "sam"
    with open_to_containers(system, folder, lines.append):
        assert "sam local invoke Stage -e .local/sam/events/stage.json" in lines[0]
        assert {path.name for path in (folder / "events").iterdir()} == {path.name for path in EVENTS.iterdir()}
        way = folder / "shared/aws"
        deadline = time.monotonic() + 10
        while not way.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert asked_by(way).startswith(b"HTTP/1.1 403"), "it asks for a signature"
    with pytest.raises(OSError, match="refused"):
        asked_by(way)


def asked_by(way: Path) -> bytes:
    """What comes back from a request by a Unix socket."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(str(way))
        connection.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1:4566\r\nConnection: close\r\n\r\n")
        return connection.recv(1000)
