"""``make bench``: measures imports on a local system of its own and prints their times.

``python -m bench.run [ROWS] [--peers]``; ROWS is the largest size.
"""

import signal
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from rich.console import Console

from bench.data import write_mentors
from bench.imports import Importer, Ran, WentWrong
from bench.peers import measure_peers
from bench.report import GROWTH_FROM, Measured, results, show, write_results
from bench.small_files import measure_small_files
from bench.yardstick import floor, yardstick
from local.failures import CannotStart, failures_in_one_line
from local.system import LocalSystem, Places
from local.up import interrupt

USUAL_ROWS = 300_000
SIZES = (10_000, GROWTH_FROM)
REPEATED = {10_000: 3, GROWTH_FROM: 3}
"""How often each run is repeated; the median counts."""
LARGEST_TIMES = 3
"""The first run writes to new files of PostgreSQL's log and the emulator; the yardstick, which follows, does not."""
WIDTH = 160

Say = Callable[[str], None]


def main() -> None:
    stop_on_signals()
    given = [argument for argument in sys.argv[1:] if argument != "--peers"]
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    begun = time.monotonic()
    say = partial(said, console, begun)
    with failures_in_one_line(), tempfile.TemporaryDirectory(prefix="kintell-bench-") as folder:
        rows = _rows(given)
        # The database's user must be able to reach its files.
        Path(folder).chmod(0o755)
        with LocalSystem(Places(Path(folder) / "system"), say) as system:
            try:
                measured = measure(system, Path(folder), rows, say, with_peers="--peers" in sys.argv)
            except WentWrong as wrong:
                raise CannotStart(f"the benchmark failed: {wrong}") from wrong
        found = results(measured)
        write_results(found)
        show(measured, found, console)


def _rows(given: list[str]) -> int:
    text = (given[0] if given else "") or str(USUAL_ROWS)
    if not text.isdecimal() or int(text) < max(SIZES):
        raise CannotStart(f"ROWS is {text!r}; it must be a number of at least {max(SIZES)}")
    return int(text)


def stop_on_signals() -> None:
    """Stop everything that was started before ending on Ctrl-C or when make is stopped."""
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, interrupt)


def said(console: Console, begun: float, line: str) -> None:
    """Print a line with the time since the run began."""
    console.print(f"{time.monotonic() - begun:6.1f} s  {line}", highlight=False, markup=False)


def measure(system: LocalSystem, folder: Path, rows: int, say: Say, *, with_peers: bool) -> Measured:
    """Measure everything, so ordered that each import finds the sessions that it needs: none, equal or older ones."""
    importer, measured = Importer(system, folder / "system"), Measured(rows)
    importer.know_people()
    _warm_up(importer, folder)
    for size in SIZES:
        measured.clean[size] = _median(importer, folder, size, say)
    say(f"{rows:,} rows: making the files")
    clean = write_mentors(folder / "clean.csv", rows)
    ran = [_load_as_new(importer, clean, rows, say) for _ in range(LARGEST_TIMES)]
    measured.clean[rows], measured.last_new = _middle(ran), ran[-1].batch_id
    say("the yardstick and the floor")
    measured.yardstick = yardstick(importer.db, ran[-1].batch_id, folder, importer.meter)
    measured.floor = floor(importer.db, clean, importer.meter)
    say(f"the yardstick: {measured.yardstick.seconds:.2f} s; the floor: {measured.floor.seconds:.2f} s")
    _others(importer, folder, clean, measured, say)
    if with_peers:
        measured.peers = measure_peers(system.database, clean, rows, say)
    clean.unlink()
    say("small files")
    measured.small = measure_small_files(system, importer, folder)
    return measured


def _others(importer: Importer, folder: Path, clean: Path, measured: Measured, say: Say) -> None:
    """Measure rows that are already stored, and bad rows."""
    rows, others = measured.rows, measured.others
    forced = {"force": "true", "force_reason": "benchmark"}
    others["unchanged"] = _load(importer, clean, f"{rows:,} unchanged", say, skipped=rows, **forced)
    changed = write_mentors(folder / "changed.csv", rows, variant=" again")
    others["updated"] = _load(importer, changed, f"{rows:,} updated", say, updated=rows)
    changed.unlink()
    measured.undone["updated"] = importer.undo(others["updated"].batch_id)
    measured.undone["new"] = importer.undo(measured.last_new)
    for name, seconds in measured.undone.items():
        say(f"{rows:,} {name} undone: {seconds:.2f} s")
    for name, share in (("10_percent_bad", 0.1), ("all_bad", 1.0)):
        importer.forget_sessions()
        file = write_mentors(folder / "bad.csv", rows, bad_share=share)
        others[name] = _load(importer, file, f"{rows:,} {name.replace('_', ' ')}", say)
        file.unlink()


def _warm_up(importer: Importer, folder: Path) -> None:
    """Import two chunks, so that all functions are running."""
    importer.load(write_mentors(folder / "warm-up.csv", 50_000, seed=99))


def _median(importer: Importer, folder: Path, size: int, say: Say) -> Ran:
    files = (write_mentors(folder / "some.csv", size, seed=time_ + 2) for time_ in range(REPEATED[size]))
    return _middle([_load_as_new(importer, file, size, say) for file in files])


def _middle(ran: list[Ran]) -> Ran:
    return sorted(ran, key=lambda each: each.seconds)[len(ran) // 2]


def _load_as_new(importer: Importer, file: Path, rows: int, say: Say) -> Ran:
    """Delete all sessions, then import a file, which may have been imported before."""
    importer.forget_sessions()
    return _load(importer, file, f"{rows:,} clean", say, inserted=rows, force="true", force_reason="benchmark")


def _load(importer: Importer, file: Path, name: str, say: Say, **expected: int | str) -> Ran:
    counts = {key: value for key, value in expected.items() if isinstance(value, int)}
    ran = importer.load(file, **{key: value for key, value in expected.items() if isinstance(value, str)})
    if any(ran.outcome[key] != value for key, value in counts.items()):
        raise WentWrong(f"{name}: {ran.outcome}, but expected {counts}")
    say(f"{name}: {ran.seconds:.2f} s ({', '.join(f'{stage} {took:.2f}' for stage, took in ran.stages.items())})")
    return ran


if __name__ == "__main__":
    main()
