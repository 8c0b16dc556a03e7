"""`make faults`: many trials, each from a seed that is printed, so that it can be tried again.

A run that is ended by Ctrl-C sums up what was tried and says how to go on.
"""

import argparse
import random
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from local.failures import CannotStart
from local.up import interrupt
from tests.faults.kinds import KINDS, kind_of
from tests.faults.trials import Trial, Trials
from tests.faults.under_fire import under_fire

WIDTH = 120


@dataclass
class Tally:
    """The results of the trials of one kind."""

    passed: int = 0
    failed: list[int] = field(default_factory=list)
    """Their seeds."""
    seconds: list[float] = field(default_factory=list)


Tallies = dict[str, Tally]


def main() -> None:
    given = _arguments()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, interrupt)
    seeds, tallies = _seeds(given.seed, given.trials, given.kind), {kind: Tally() for kind in KINDS}
    begun, broke_off = time.monotonic(), ""
    try:
        _run(seeds, tallies)
    except (KeyboardInterrupt, CannotStart) as reason:
        broke_off = str(reason) or "ended"
    _sum_up(tallies, time.monotonic() - begun)
    failed = [seed for tally in tallies.values() for seed in tally.failed]
    for seed in failed:
        print(f"try again with: make faults TRIALS=1 SEED={seed}")
    tried = sum(len(tally.seconds) for tally in tallies.values())
    if broke_off and tried < len(seeds):
        left = f"TRIALS={len(seeds) - tried} SEED={seeds[tried]}" + (f' KIND="{given.kind}"' if given.kind else "")
        print(f"{broke_off}, before seed {seeds[tried]}; go on with: make faults {left}")
    sys.exit(1 if failed or broke_off else 0)


def _run(seeds: Sequence[int], tallies: Tallies) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="kintell-faults-", ignore_cleanup_errors=True) as folder,
        under_fire(Path(folder), print) as world,
    ):
        trials = Trials(world, KINDS)
        for seed in seeds:
            started = time.monotonic()
            trial = trials.run(kind_of(seed), seed)
            _report(trial, time.monotonic() - started, tallies[trial.kind])


def _report(trial: Trial, seconds: float, tally: Tally) -> None:
    tally.seconds.append(seconds)
    if trial.differences:
        tally.failed.append(trial.seed)
    else:
        tally.passed += 1
    verdict = "NOT as undisturbed" if trial.differences else "as undisturbed"
    print(f"{seconds:5.1f} s  {verdict}: {trial}", flush=True)
    for line in trial.differences:
        print(f"         {line}", flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000), help="of the first trial")
    parser.add_argument("--kind", choices=list(KINDS), help="only trials of this kind")
    return parser.parse_args()


def _seeds(first: int, trials: int, kind: str | None) -> range:
    """As many seeds from the first on, of one kind if it is named."""
    if not kind:
        return range(first, first + trials)
    first += (list(KINDS).index(kind) - first) % len(KINDS)
    return range(first, first + trials * len(KINDS), len(KINDS))


def _sum_up(tallies: Tallies, seconds: float) -> None:
    table = Table("Kind", "passed", "failed", "seconds each")
    for kind, tally in tallies.items():
        if tally.seconds:
            mean = sum(tally.seconds) / len(tally.seconds)
            table.add_row(kind, str(tally.passed), str(len(tally.failed)), f"{mean:.1f}")
    Console(width=None if sys.stdout.isatty() else WIDTH).print(table)
    passed, failed = (
        sum(tally.passed for tally in tallies.values()),
        sum(len(tally.failed) for tally in tallies.values()),
    )
    print(f"{passed} passed, {failed} failed, in {seconds / 60:.1f} min")


if __name__ == "__main__":
    main()
