"""`make faults`: many trials, each from a seed that is printed, so that it can be tried again.

A run that is ended by Ctrl-C sums up what was tried and says how to go on.
"""

import argparse
import random
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from local.failures import told_in_one_line
from local.up import interrupt
from tests.faults.kinds import KINDS, kind_of
from tests.faults.trials import Trial, Trials
from tests.faults.under_fire import under_fire

WIDTH = 120


@dataclass
class Tally:
    """What came of the trials of one kind."""

    passed: int = 0
    failed: int = 0
    seconds: list[float] = field(default_factory=list)


def main() -> None:
    given = _arguments()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, interrupt)
    seeds = list(_seeds(given.seed, given.trials, given.kind))
    tallies = {kind: Tally() for kind in KINDS}
    failed: list[Trial] = []
    begun, tried = time.monotonic(), 0
    try:
        with (
            told_in_one_line(),
            tempfile.TemporaryDirectory(prefix="kintell-faults-", ignore_cleanup_errors=True) as folder,
            under_fire(Path(folder), print) as world,
        ):
            trials = Trials(world, KINDS)
            for seed in seeds:
                if not _try(trials, seed, tallies):
                    failed.append(Trial(kind_of(seed), seed))
                tried += 1
    except KeyboardInterrupt:
        print(
            f"\nended before seed {seeds[tried]}; go on with: make faults TRIALS={len(seeds) - tried} SEED={seeds[tried]}"
        )
    _sum_up(tallies, time.monotonic() - begun)
    if failed:
        sys.exit("try again with: " + "; ".join(f"make faults TRIALS=1 SEED={trial.seed}" for trial in failed))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000), help="of the first trial")
    parser.add_argument("--kind", choices=list(KINDS), help="only trials of this kind")
    return parser.parse_args()


def _seeds(first: int, trials: int, kind: str | None) -> Iterator[int]:
    """As many seeds from the first on, of one kind if it is named."""
    step = 1
    if kind:
        first += (list(KINDS).index(kind) - first) % len(KINDS)
        step = len(KINDS)
    return iter(range(first, first + trials * step, step))


def _try(trials: Trials, seed: int, tallies: dict[str, Tally]) -> bool:
    started = time.monotonic()
    trial = trials.run(kind_of(seed), seed)
    tally, seconds = tallies[trial.kind], time.monotonic() - started
    tally.seconds.append(seconds)
    if trial.differences:
        tally.failed += 1
        print(f"{seconds:5.1f} s  NOT as undisturbed: {trial}", flush=True)
        for line in trial.differences:
            print(f"         {line}", flush=True)
        return False
    tally.passed += 1
    print(f"{seconds:5.1f} s  as undisturbed: {trial}", flush=True)
    return True


def _sum_up(tallies: dict[str, Tally], seconds: float) -> None:
    table = Table("Kind", "passed", "failed", "seconds each")
    for kind, tally in tallies.items():
        if tally.seconds:
            mean = sum(tally.seconds) / len(tally.seconds)
            table.add_row(kind, str(tally.passed), str(tally.failed), f"{mean:.1f}")
    Console(width=None if sys.stdout.isatty() else WIDTH).print(table)
    passed, failed = (sum(getattr(tally, name) for tally in tallies.values()) for name in ("passed", "failed"))
    print(f"{passed} passed, {failed} failed, in {seconds / 60:.1f} min")


if __name__ == "__main__":
    main()
