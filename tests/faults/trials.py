"""A trial: something goes wrong as a seed says, and the outcome must be that of an undisturbed run."""

import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from typing import Any

from tests.faults.database_relay import Ambush
from tests.faults.disturbing import Attack, Event
from tests.faults.files import ROSTER, Files
from tests.faults.outcomes import Outcome, differences, outcome
from tests.faults.under_fire import UnderFire

Kind = Callable[["Trials", "Trial", random.Random], None]
"""A way of going wrong: does it as the seed says, and notes in the trial what was done and what differs."""

_numbers = count(1)


@dataclass
class Trial:
    """What was done, and in what the outcome differs from the one that was wanted: in nothing, that is."""

    kind: str
    seed: int
    done: list[object] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.kind}, seed {self.seed} ({'; '.join(str(each) for each in self.done)})"


class Trials:
    """A system in which to try, and what undisturbed runs come to in it."""

    def __init__(self, world: UnderFire, kinds: "dict[str, Kind]") -> None:
        self.world = world
        self.kinds = kinds
        self.load("incoming/kintell_users/roster.csv", ROSTER.encode())

    def run(self, kind: str, seed: int) -> Trial:
        """A trial of this kind, everything else in it as the seed says."""
        trial = Trial(kind, seed)
        try:
            self.kinds[kind](self, trial, random.Random(seed))
        except AssertionError as stuck:
            trial.differences.append(str(stuck))
        finally:
            self.world.calm_down()
        trial.differences += self.unsound()
        return trial

    def unsound(self) -> list[str]:
        """What the scheduled check has to say of the counts of all batches: nothing."""
        answer = json.loads(self.world.invoke("Monitor", {}, wait=True)["Payload"].read())
        if answer.get("unsoundBatches") == 0:
            return []
        found = self.world.rows("SELECT id, finding FROM ingestion_batches WHERE finding IS NOT NULL")
        return [f"the counts do not hold: {answer}, {found}"]

    def new_files(self) -> Files:
        """Files under ids and in an instance that no other trial uses."""
        return Files(f"T{next(_numbers):05}")

    def load(self, key: str, body: bytes) -> str:
        """Upload a file and wait for its end; its batch."""
        return self.batch_of(self.world.door.put(key, body))

    def batch_of(self, version: str) -> str:
        """The batch that an object version became, once it has ended."""
        batch_id = self.world.ended(version)
        assert batch_id, f"version {version} was refused"
        return batch_id

    def event(self, key: str, version: str, size: int) -> Event:
        """What S3 says of an object version, again and again if it must."""
        found = {"key": key, "versionId": version, "size": size}
        ((who,),) = self.world.rows("SELECT uploaded_by FROM uploads ORDER BY created_at LIMIT 1")
        bucket = {"name": self.world.door.bucket}
        return {"Records": [{"s3": {"bucket": bucket, "object": found}, "userIdentity": {"principalId": who}}]}

    @cached_property
    def undisturbed(self) -> tuple[Outcome, float]:
        """The result of a second file after a first, and how many seconds it takes; functions warm."""
        self.second_after_first(lambda attack: attack.send())
        return self.second_after_first(lambda attack: attack.send())

    def second_after_first(
        self, disturb: Callable[[Attack], Any], pick: random.Random | None = None, done: list[object] | None = None
    ) -> tuple[Outcome, float]:
        """Load the first file, then the second one while it is disturbed: the outcome, and the seconds it took."""
        files, sent = self.new_files(), list[str]()
        body, key, first = files.second(), f"{files.folder}/second.csv", f"{files.folder}/first.csv"
        earlier = self.world.door.put(first, files.first())
        self.batch_of(earlier)

        def send() -> Event:
            sent.append(self.world.door.put(key, body))
            return self.event(key, sent[0], len(body))

        attack = Attack(
            self.world,
            pick or random.Random(),
            usual_seconds=self.undisturbed[1] if pick else 0,
            send=send,
            earlier=self.event(first, earlier, len(files.first())),
            done=[] if done is None else done,
        )
        with attack.afterwards:
            disturb(attack)
            sent_at = time.monotonic()
            batch_id = self.batch_of(sent[0])
            seconds = time.monotonic() - sent_at
        return outcome(self.world, files, [batch_id]), seconds


def disturbed(disturb: Callable[[Attack], None], trials: Trials, trial: Trial, pick: random.Random) -> None:
    """A disturbed import comes out as an undisturbed one."""
    wanted, _ = trials.undisturbed
    got, _ = trials.second_after_first(disturb, pick, trial.done)
    trial.differences = differences(got, wanted)
    if any(isinstance(each, Ambush) and not each.struck for each in trial.done):
        trial.differences.append(
            "nothing was done to it: a function commits less often than the trial takes for granted"
        )
