"""Measures the common case, a file of 500 rows whose user waits, and the emulator's own time for an execution."""

import json
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from bench.data import write_mentors
from bench.imports import Importer, WentWrong
from local.system import LocalSystem

ROWS = 500
TIMES = 20
STATES = 7
"""The states of a small file: HowLarge, StageOne, Reconcile, IsMoreToRead, IsAnythingToMerge, Merge, Finalize."""


@dataclass(frozen=True, slots=True)
class SmallFiles:
    """Seconds from PUT to `completed` with warm functions, and of an execution of as many empty states."""

    median: float
    worst: float
    empty_execution: float


def measure_small_files(system: LocalSystem, importer: Importer, folder: Path, times: int = TIMES) -> SmallFiles:
    """Import small files of new rows one after another; the first one, which warms the functions, is not counted."""
    seconds = []
    for number in range(times + 1):
        file = write_mentors(folder / "small.csv", ROWS, seed=1_000 + number, first=10_000_000 + number * ROWS)
        ran = importer.load(file)
        if ran.outcome["inserted"] != ROWS:
            raise WentWrong(f"a small file gave {ran.outcome}")
        seconds.append(ran.seconds)
    warm = seconds[1:]
    return SmallFiles(median(warm), max(warm), _empty_execution_seconds(system, times))


def _empty_execution_seconds(system: LocalSystem, times: int) -> float:
    """The median time of an execution of empty states, from its start to its end."""
    steps = system.client("stepfunctions")
    imports: dict[str, Any] = steps.describe_state_machine(stateMachineArn=system.stack.state_machine_arn)
    names = [f"State{number}" for number in range(1, STATES + 1)]
    states: dict[str, dict[str, Any]] = {name: {"Type": "Pass", "Next": after} for name, after in pairwise(names)}
    states[names[-1]] = {"Type": "Pass", "End": True}
    machine = steps.create_state_machine(
        name="bench-empty", definition=json.dumps({"StartAt": names[0], "States": states}), roleArn=imports["roleArn"]
    )["stateMachineArn"]
    seconds = []
    for _ in range(times):
        begun = time.perf_counter()
        execution = steps.start_execution(stateMachineArn=machine)["executionArn"]
        while steps.describe_execution(executionArn=execution)["status"] == "RUNNING":
            time.sleep(0.005)
        seconds.append(time.perf_counter() - begun)
    return median(seconds)
