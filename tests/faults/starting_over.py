"""Imports that fail on the way and are started over: nothing stays of the first try, and the second one is whole."""

import random
import time
from collections.abc import Callable
from typing import Any

from tests.faults.database_relay import Ambush, When
from tests.faults.outcomes import Outcome, differences, outcome, sessions
from tests.faults.trials import Trial, Trials
from tests.faults.under_fire import ENDED_SECONDS, UnderFire

FOR_EVER = 1_000


def aborted_and_started_over(trials: Trials, trial: Trial, pick: random.Random) -> None:
    """Somebody stops the execution at a random moment; its functions may still be at work."""
    seconds = pick.uniform(0, trials.undisturbed[1])

    def abort(batch_id: str) -> None:
        time.sleep(seconds)
        steps = trials.world.system.client("stepfunctions")
        while is_unfinished(trials.world, batch_id):
            try:
                steps.stop_execution(executionArn=execution(trials.world, batch_id))
            except steps.exceptions.ExecutionDoesNotExist:
                time.sleep(0.02)  # it is about to be started
            else:
                break
        trial.done.append(f"stopped after {seconds:.2f} s")

    fail_and_start_over(trials, trial, abort)


def broken_and_started_over(trials: Trials, trial: Trial, pick: random.Random) -> None:
    """A function is killed as often as it is tried, until the import is given up."""
    name = pick.choice(("Stage", "Reconcile", "Merge", "Merge"))
    ambush = Ambush(name, When.BEFORE, 0 if name == "Reconcile" else pick.randrange(2), FOR_EVER)
    trial.done.append(ambush)

    def kill_again_and_again(batch_id: str) -> None:
        trials.world.database_relay.ambush = ambush
        wait_until(lambda: not is_unfinished(trials.world, batch_id), "the import is not given up")
        trials.world.calm_down()

    fail_and_start_over(trials, trial, kill_again_and_again)


def cancelled_and_started_over(trials: Trials, trial: Trial, pick: random.Random) -> None:
    """Somebody cancels the import at a random moment, by the API."""
    seconds = pick.uniform(0, trials.undisturbed[1])

    def cancel(batch_id: str) -> None:
        time.sleep(seconds)
        status_code = trials.world.door.cancel(batch_id)
        assert status_code in (202, 409), f"the API answers {status_code}"
        wait_until(lambda: not is_unfinished(trials.world, batch_id), "the import is not cancelled")
        if status_code == 202 and not is_failed(trials.world, batch_id):
            trial.differences.append("it was cancelled, and has completed")
        trial.done.append(f"cancelled after {seconds:.2f} s: {status_code}")

    fail_and_start_over(trials, trial, cancel)


def fail_and_start_over(trials: Trials, trial: Trial, fail: Callable[[str], None]) -> None:
    """Import a file that fails, unless it was quicker; then start it over, and compare with one that never failed."""
    wanted, _ = trials.undisturbed
    world, files = trials.world, trials.new_files()
    trials.load(f"{files.folder}/first.csv", files.first())
    before = sessions(world, files)
    version = world.door.put(f"{files.folder}/second.csv", files.second())
    batch_id = batch_of(world, version)
    fail(batch_id)
    wait_until(lambda: not is_unfinished(world, batch_id), "the import does not end")
    if is_failed(world, batch_id):
        left = differences(sessions(world, files), before)
        trial.differences += [f"after it failed, {each}" for each in left]
        start_over(world, batch_id)
        trial.done.append("started over")
    got = outcome(world, files, [batch_id])
    trial.differences += differences(without_the_failure(got), wanted)


def start_over(world: UnderFire, batch_id: str) -> None:
    """A new execution with the input of the old one, as docs/runbook.md says; comes back once it has ended."""
    steps = world.system.client("stepfunctions")
    given = steps.describe_execution(executionArn=execution(world, batch_id))["input"]
    machine = world.system.stack.state_machine_arn
    again: str = steps.start_execution(stateMachineArn=machine, name=f"{batch_id}-2", input=given)["executionArn"]

    def has_ended() -> bool:
        running = steps.describe_execution(executionArn=again)["status"] == "RUNNING"
        return not running and not is_unfinished(world, batch_id)

    wait_until(has_ended, "the import that was started over does not end")


def without_the_failure(parts: Outcome) -> Outcome:
    """The audit trail says that a first try failed, once, and that it was started over; the rest is as ever."""
    name = "audit trail of batch 1"
    trail: list[list[Any]] = [row for row in parts[name] if row[0] != "import_cancelled"]
    failed = [number for number, row in enumerate(trail) if row[0] == "import_failed"]
    if len(failed) != 1 or '"startedOver": true' not in trail[failed[0] + 1][2]:
        return parts
    received, started_over = trail[0], trail[failed[0] + 1]
    return {**parts, name: [received, [*started_over[:2], "{}"], *trail[failed[0] + 2 :]]}


def execution(world: UnderFire, batch_id: str) -> str:
    """The execution that intake starts."""
    return f"{world.system.stack.state_machine_arn.replace(':stateMachine:', ':execution:')}:{batch_id}"


def batch_of(world: UnderFire, version: str) -> str:
    """The batch of an object version, as soon as there is one."""
    found: list[list[Any]] = []

    def find() -> bool:
        found[:] = world.rows(
            "SELECT b.id FROM ingestion_batches b JOIN uploads u ON u.id = b.upload_id WHERE u.version_id = :version",
            version=version,
        )
        return bool(found)

    wait_until(find, "the upload becomes no batch")
    return str(found[0][0])


def is_unfinished(world: UnderFire, batch_id: str) -> bool:
    """Whether the batch is pending or running."""
    return status(world, batch_id) in ("pending", "running")


def is_failed(world: UnderFire, batch_id: str) -> bool:
    """Whether the batch has failed."""
    return status(world, batch_id) == "failed"


def status(world: UnderFire, batch_id: str) -> str:
    """The status of a batch."""
    sql = "SELECT status FROM ingestion_batches WHERE id = CAST(:id AS uuid)"
    return str(world.rows(sql, id=batch_id)[0][0])


def wait_until(is_so: Callable[[], bool], otherwise: str) -> None:
    """Come back once it is so. AssertionError if that takes too long."""
    deadline = time.monotonic() + ENDED_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.02)
