"""What may happen to an import on its way: functions and databases that die, events that come again."""

import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from local.system import LocalSystem

STAGES = ("Intake", "Stage", "Weigh", "Explain", "Merge", "Settle")


@dataclass(frozen=True)
class Disturber:
    """Everything that can go wrong, on purpose."""

    system: LocalSystem
    event: dict[str, Any]
    """The S3 event of the file under way."""

    def kill_a_function(self, pick: random.Random) -> str:
        """SIGKILL to the process of a function, at work or not."""
        workers = [process for process in _children("local.aws_server") if "_worker.py" in " ".join(_command(process))]
        if not workers:
            return "no function to kill"
        victim = pick.choice(workers)
        name = _function(victim)
        _kill(victim)
        return f"killed {name}"

    def crash_the_database(self, pick: random.Random) -> str:
        """SIGKILL to a backend: PostgreSQL ends all others, recovers, and empties its unlogged tables."""
        postmaster = psutil.Process(_postmaster(self.system.places.folder))
        backends = [each for each in postmaster.children() if " 127.0.0.1" in " ".join(_command(each))]
        if not backends:
            return "no backend to kill"
        _kill(pick.choice(backends))
        return "crashed the database"

    def repeat_the_event(self, _pick: random.Random) -> str:
        """S3 delivers the file's event once more."""
        names = [each["FunctionName"] for each in self.system.client("lambda").list_functions()["Functions"]]
        intake = next(name for name in names if "Intake" in name)
        payload = json.dumps(self.event)
        self.system.client("lambda").invoke(FunctionName=intake, InvocationType="Event", Payload=payload)
        return "repeated the event"

    def disturb(self, pick: random.Random, seconds: float) -> list[str]:
        """Two to four of these within so many seconds; what was done, and when."""
        kinds: list[Callable[[random.Random], str]] = [
            self.kill_a_function,
            self.kill_a_function,
            self.repeat_the_event,
            self.crash_the_database,
        ]
        chosen = [kinds[index] for index in pick.sample(range(len(kinds)), pick.randint(2, 4))]
        moments = sorted(pick.uniform(0, seconds) for _ in chosen)
        started, done = time.monotonic(), []
        for moment, disturbance in zip(moments, chosen, strict=True):
            time.sleep(max(0.0, started + moment - time.monotonic()))
            done.append(f"{moment:.2f} s: {disturbance(pick)}")
        return done


def _children(module: str) -> list[psutil.Process]:
    return [
        child
        for process in psutil.Process().children(recursive=True)
        if module in _command(process)
        for child in process.children(recursive=True)
    ]


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def _function(process: psutil.Process) -> str:
    try:
        name = process.environ().get("AWS_LAMBDA_FUNCTION_NAME", "")
    except psutil.Error:
        return "a function that was gone"
    return next((stage for stage in STAGES if stage in name), name)


def _kill(process: psutil.Process) -> None:
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return


def _postmaster(folder: Path) -> int:
    return int((folder / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0])
