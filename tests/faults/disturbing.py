"""What may happen to one import on its way. Each sends the file itself, since some must lie in wait before it comes."""

import random
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tests.faults.database_relay import Ambush, When
from tests.faults.s3_relay import Trouble
from tests.faults.under_fire import ENDED_SECONDS, STAGES, UnderFire

COMMITS = {"Intake": 2, "Stage": 6, "Reconcile": 1, "Merge": 2, "Finalize": 1}
"""How many a function makes for the file of a trial, at least."""
TIME_LIMIT_SECONDS = 6
"""Time enough to start a process on a busy machine."""

Event = dict[str, Any]


@dataclass
class Attack:
    """A file on its way through a system that is being disturbed, and what was done so far."""

    world: UnderFire
    pick: random.Random
    usual_seconds: float
    """How long the file takes undisturbed."""
    send: Callable[[], Event]
    """Uploads the file; the S3 event that reports it."""
    earlier: Event
    """The event of the file before it, whose batch has ended."""
    done: list[object] = field(default_factory=list)
    afterwards: ExitStack = field(default_factory=ExitStack)
    """What is done once the batch has ended."""

    def at_random_moments(self, *disturbances: Callable[[], str]) -> None:
        """Do each of these at some moment of the import."""
        moments = sorted(self.pick.uniform(0, self.usual_seconds) for _ in disturbances)
        started = time.monotonic()
        for moment, disturb in zip(moments, disturbances, strict=True):
            time.sleep(max(0.0, started + moment - time.monotonic()))
            self.done.append(f"{moment:.2f} s: {disturb()}")

    def lie_in_ambush(self, ambush: Ambush) -> None:
        """Strike at commits of a function, when they come."""
        self.world.database_relay.ambush = ambush
        self.done.append(ambush)

    def kill_a_function(self) -> str:
        """SIGKILL to all processes of a function."""
        name = self.pick.choice([*STAGES, "Stage", "Merge"])
        return f"killed {name} ({self.world.kill(name)} processes)"

    def crash_the_database(self) -> str:
        """SIGKILL to a backend."""
        crashed = self.world.server.crash_a_backend(self.pick.choice)
        return "crashed the database" if crashed else "no backend to kill"

    def restart_the_database(self) -> str:
        """SIGKILL to all of PostgreSQL; it comes back after a while."""
        seconds = self.pick.uniform(0, 1.5)
        self.world.server.kill_and_restart(seconds)
        return f"killed PostgreSQL and started it again after {seconds:.1f} s"

    def repeat(self, event: Event) -> str:
        """S3 delivers an event once more."""
        self.world.invoke("Intake", event)
        return "repeated the event"


def killed_at_random(attack: Attack) -> None:
    """Functions are killed at random moments."""
    attack.send()
    attack.at_random_moments(*[attack.kill_a_function] * attack.pick.randint(1, 3))


def killed_at_commit(attack: Attack, *, when: When) -> None:
    """A function is struck just before one of its commits reaches the database, or just after it was obeyed."""
    name = attack.pick.choice([*COMMITS, "Stage", "Merge"])
    passing, strikes = attack.pick.randrange(COMMITS[name]), attack.pick.choice((1, 1, 2))
    attack.lie_in_ambush(Ambush(name, when, passing, strikes))
    attack.send()


def at_its_time_limit(attack: Attack) -> None:
    """A function is held up in the middle of a transaction until its time is over; then it has its usual time again."""
    name = attack.pick.choice([*COMMITS])
    ambush = Ambush(name, When.STALLED, attack.pick.randrange(COMMITS[name]))
    usual = attack.world.configure(name, timeout=TIME_LIMIT_SECONDS)
    try:
        attack.lie_in_ambush(ambush)
        attack.send()
        ambush.stalled.wait(ENDED_SECONDS)
    finally:
        attack.world.configure(name, timeout=usual)


def database_crashed(attack: Attack) -> None:
    """PostgreSQL crashes and recovers, once or twice: what was not committed is gone, unlogged tables are empty."""
    attack.send()
    attack.at_random_moments(*[attack.crash_the_database] * attack.pick.randint(1, 2))


def database_killed(attack: Attack) -> None:
    """PostgreSQL is killed, and away for a while."""
    attack.send()
    attack.at_random_moments(attack.restart_the_database)


def s3_in_trouble(attack: Attack, *, troubles: tuple[Trouble, ...]) -> None:
    """A part of the requests to S3 comes to grief."""
    share, most = attack.pick.uniform(0.1, 0.6), attack.pick.randint(5, 25)
    struck: list[Trouble] = []

    def choose(_method: str) -> Trouble | None:
        if len(struck) >= most or attack.pick.random() > share:
            return None
        struck.append(attack.pick.choice(troubles))
        return struck[-1]

    attack.world.s3_relay.choose = choose
    attack.done.append(f"{share:.0%} of requests to S3, {most} at most")
    attack.done.append(struck)
    attack.send()


def event_three_times(attack: Attack) -> None:
    """S3 delivers each event three times, in any order, and one of them perhaps after the batch has ended."""
    event = attack.send()
    repeats = [event, event, attack.earlier, attack.earlier]
    attack.pick.shuffle(repeats)
    if attack.pick.random() < 0.5:
        attack.afterwards.callback(attack.world.invoke, "Intake", repeats.pop(), wait=True)
        attack.done.append("one event after the end")
    attack.at_random_moments(*(partial(attack.repeat, each) for each in repeats))


def all_at_once(attack: Attack) -> None:
    """Two to four things of different kinds."""
    event = attack.send()
    kinds: list[Callable[[], str]] = [
        attack.kill_a_function,
        attack.kill_a_function,
        partial(attack.repeat, event),
        attack.crash_the_database,
        attack.restart_the_database,
    ]
    attack.at_random_moments(*attack.pick.sample(kinds, attack.pick.randint(2, 4)))
