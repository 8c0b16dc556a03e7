"""An import that was under way when the local system ended, however it ended, goes on at the next start."""

import json
import time
import urllib.request
from pathlib import Path
from typing import Any

import psutil

from local.demo import SAMPLES
from local.system import LocalSystem, Places


def get(system: LocalSystem, path: str) -> Any:
    with urllib.request.urlopen(system.aws.api_url + path) as answer:
        return json.load(answer)


def upload_roster(system: LocalSystem) -> None:
    body = (SAMPLES / "kintell-users.csv").read_bytes()
    key = "incoming/kintell_users/kintell-users.csv"
    system.client("s3").put_object(Bucket=system.stack.uploads_bucket, Key=key, Body=body)


def emulator_of(system: LocalSystem) -> psutil.Process:
    for process in psutil.Process().children():
        if "local.emulators.ministack.server" in process.cmdline() and str(system.aws.port) == process.environ().get(
            "GATEWAY_PORT"
        ):
            return process
    raise AssertionError("the emulator's process was not found")


def test_an_import_goes_on_after_the_emulator_was_killed(tmp_path: Path) -> None:
    with LocalSystem(Places(tmp_path)) as system:
        upload_roster(system)
        emulator_of(system).kill()
    with LocalSystem(Places(tmp_path)) as system:
        deadline = time.monotonic() + 30
        while not (batches := get(system, "/v1/import/batches")["items"]) or batches[0]["status"] != "completed":
            assert time.monotonic() < deadline, batches
            time.sleep(0.1)
        assert batches[0]["successRows"] == 50
