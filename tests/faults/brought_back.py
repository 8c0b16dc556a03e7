"""Retries and corrections whose functions are killed: each row comes in once, and the others stay open."""

import random
import time
from typing import Any

from tests.faults.files import HEADER
from tests.faults.starting_over import is_unfinished, wait_until
from tests.faults.trials import Trial, Trials
from tests.faults.under_fire import STAGES

ROWS = 300
"""One in ten names somebody unknown, and one in fifteen has no date."""


def retried_and_killed(trials: Trials, trial: Trial, pick: random.Random) -> None:
    """The people of rejected rows become known; their retry is killed at random moments."""
    batch = _rejecting(trials)
    prefix = trials.world.rows("SELECT file_name FROM ingestion_batches WHERE id = CAST(:id AS uuid)", id=batch)[0][0]
    trials.load("incoming/kintell_users/late.csv", f"Email,Role when joined\n{prefix}@example.org,learner\n".encode())
    child = trials.world.door.post(f"/v1/import/batches/{batch}/retry", {})["batchId"]
    _kill(trials, trial, pick, child)
    _check(trials, trial, batch, child, came_in=30, left_open=20)


def corrected_and_killed(trials: Trials, trial: Trial, pick: random.Random) -> None:
    """Rows get their dates by API; the import of the corrections is killed at random moments."""
    batch = _rejecting(trials)
    rejects = trials.world.door.all_of(f"/v1/import/batches/{batch}/rejects")
    undated = [row["rowNumber"] for row in rejects if row["cells"]["scheduled_at"] == "soon"]
    rows = [{"rowNumber": number, "cells": {"scheduled_at": "2024-11-05"}} for number in undated]
    child = trials.world.door.post(f"/v1/import/batches/{batch}/corrections", {"rows": rows})["batchId"]
    _kill(trials, trial, pick, child)
    _check(trials, trial, batch, child, came_in=20, left_open=30)


def _rejecting(trials: Trials) -> str:
    """A batch some of whose rows are rejected. Its file has the name of the unknown person."""
    files = trials.new_files()
    lines = []
    for number in range(ROWS):
        who = f"{files.prefix.lower()}.csv@example.org" if number % 10 == 1 else "oksana@example.org"
        date = "soon" if number % 15 == 2 else "2024-11-05"
        lines.append(f"{files.prefix}-{number},{who},kari@acme.com,{date},4,fine\n")
    return trials.load(f"{files.folder}/{files.prefix.lower()}.csv", (HEADER + "".join(lines)).encode())


def _kill(trials: Trials, trial: Trial, pick: random.Random, child: str) -> None:
    """Kill functions until the child has ended, a few times at most."""
    world = trials.world
    for _ in range(pick.randint(1, 3)):
        name, seconds = pick.choice(STAGES), pick.uniform(0, trials.undisturbed[1] / 2)
        time.sleep(seconds)
        trial.done.append(f"{name} killed after {seconds:.2f} s: {world.kill(name)}")
    wait_until(lambda: not is_unfinished(world, child), "the child does not end")


def _check(trials: Trials, trial: Trial, batch: str, child: str, *, came_in: int, left_open: int) -> None:
    door = trials.world.door
    parent, made = (door.get(f"/v1/import/backfill/{one}/status") for one in (batch, child))
    got: dict[str, Any] = {
        "status": made["status"],
        "came in": made["insertedRows"],
        "rejected": made["errorRows"],
        "open": parent["openRows"],
        "corrected": parent["correctedRows"],
        "sessions": trials.world.rows(
            "SELECT count(*) FROM kintell_sessions WHERE id >> 30 IN "
            "(SELECT number FROM ingestion_batches WHERE id = ANY(CAST(:ids AS uuid[])))",
            ids=[batch, child],
        )[0][0],
    }
    wanted = {
        "status": "completed",
        "came in": came_in,
        "rejected": 0,
        "open": left_open,
        "corrected": came_in,
        "sessions": ROWS - left_open,
    }
    trial.differences += [
        f"{name}: {got[name]} instead of {wanted[name]}" for name in wanted if got[name] != wanted[name]
    ]
