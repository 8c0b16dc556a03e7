"""Commits that are asked for again and again while functions are killed: a plan is carried out once, as shown."""

import random
import time
from functools import partial
from typing import Any

from tests.faults.database_relay import Ambush, When
from tests.faults.disturbing import COMMITS, Attack
from tests.faults.outcomes import Outcome, differences, outcome
from tests.faults.starting_over import is_failed, is_unfinished, wait_until
from tests.faults.trials import Trial, Trials

TIMES_ASKED = 4


def committed_and_killed(trials: Trials, trial: Trial, pick: random.Random) -> None:
    """A commit whose functions are killed comes out as one that nobody disturbs."""
    wanted = _commit(trials, lambda attack: None, random.Random(), [])
    disturb = pick.choice((_kill_at_random, partial(_kill_at_commit, when=pick.choice((When.BEFORE, When.AFTER)))))
    trial.differences += differences(_commit(trials, disturb, pick, trial.done), wanted)


def _kill_at_random(attack: Attack) -> None:
    attack.at_random_moments(*[attack.kill_a_function] * attack.pick.randint(1, 3))


def _kill_at_commit(attack: Attack, *, when: When) -> None:
    name = attack.pick.choice(("Stage", "Reconcile", "Merge", "Finalize"))
    attack.lie_in_ambush(Ambush(name, when, attack.pick.randrange(COMMITS[name])))


def _commit(trials: Trials, disturb: Any, pick: random.Random, done: list[object]) -> Outcome:
    """Load a file, plan a second one, and commit the plan while it is disturbed; the outcome."""
    world, files = trials.world, trials.new_files()
    trials.load(f"{files.folder}/first.csv", files.first())
    planned = trials.batch_of(world.door.put(f"{files.folder}/second.csv", files.second(), dry_run="true"))
    plan_hash = world.door.get(f"/v1/import/backfill/{planned}/status")["planHash"]
    attack = Attack(world, pick, trials.undisturbed[1], send=dict, earlier={}, done=done)

    def ask() -> str:
        body = {"planHash": plan_hash}
        batch_id: str = world.door.post(f"/v1/import/batches/{planned}/commit", body)["batchId"]
        return batch_id

    with attack.afterwards:
        asked = [ask()]
        disturb(attack)
        for _ in range(TIMES_ASKED - 1):
            time.sleep(pick.uniform(0, 0.2))
            if not is_failed(world, asked[0]):
                asked.append(ask())
        wait_until(lambda: not is_unfinished(world, asked[0]), "the commit does not end")
    found = outcome(world, files, [asked[0]])
    found["batches that were named"] = len(set(asked))
    # These name the plan, which is another in each trial.
    trail = "audit trail of batch 1"
    found[trail] = [row[:2] if row[0] == "import_committed" else row for row in found[trail]]
    return found
