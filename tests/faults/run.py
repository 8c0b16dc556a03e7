"""`make faults`: many disturbed imports, each from a seed that is printed, so that it can be tried again."""

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from local.postgres import running_server
from local.system import LocalSystem, Places
from tests.faults.trials import COMMITS_LAST, Trials


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000), help="of the first trial")
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="kintell-faults-", ignore_cleanup_errors=True) as folder,
        running_server(Path(folder), COMMITS_LAST) as database,
        LocalSystem(Places(Path(folder), database_url=database.url), print) as system,
    ):
        trials = Trials(system)
        failed = [seed for seed in range(given.seed, given.seed + given.trials) if not _try(trials, seed)]
    print(f"{given.trials - len(failed)} passed, {len(failed)} failed")
    if failed:
        sys.exit(f"try again with: make faults TRIALS=1 SEED={failed[0]}")


def _try(trials: Trials, seed: int) -> bool:
    started = time.monotonic()
    try:
        outcome, done = trials.disturbed(seed)
    except AssertionError as stuck:
        print(f"seed {seed}: {stuck}", flush=True)
        return False
    same = outcome == trials.undisturbed
    verdict = "as undisturbed" if same else "NOT as undisturbed"
    print(f"seed {seed}: {verdict} after {time.monotonic() - started:.1f} s ({'; '.join(done)})", flush=True)
    if not same:
        _show(outcome, trials.undisturbed)
    return same


def _show(outcome: object, undisturbed: object) -> None:
    for number, (got, wanted) in enumerate(zip(outcome, undisturbed, strict=True)):  # type: ignore[call-overload]
        if got != wanted:
            print(f"  part {number}: {str(got)[:600]}\n  instead of {str(wanted)[:600]}")


if __name__ == "__main__":
    main()
