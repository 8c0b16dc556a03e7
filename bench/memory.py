"""``make bench-memory``: checks whether the functions' memory depends on the size of the file.

``python -m bench.memory [ROWS]`` imports a tenth of ROWS, then ROWS (5,000,000), and compares the peaks. It makes files
of a gigabyte, of which the emulator and the database keep a copy each. It takes 8 GB of disk and a few minutes.
"""

import json
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.data import write_mentors
from bench.imports import Importer, Ran, WentWrong
from bench.run import WIDTH, said, stop_on_signals
from local.failures import CannotStart, failures_in_one_line
from local.system import LocalSystem, Places

USUAL_ROWS = 5_000_000
LEAST_ROWS = 100_000
AT_MOST_MB = 256
AT_MOST_TIMES = 1.1
RESULTS = Path(__file__).with_name("memory.json")


def main() -> None:
    stop_on_signals()
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    say = partial(said, console, time.monotonic())
    with failures_in_one_line(), tempfile.TemporaryDirectory(prefix="kintell-bench-") as folder:
        rows = _rows(sys.argv[1:])
        Path(folder).chmod(0o755)  # the database's user must be able to reach its files
        with LocalSystem(Places(Path(folder) / "system"), say) as system:
            importer = Importer(system, Path(folder) / "system")
            importer.know_people()
            try:
                ran = [_import(importer, Path(folder) / "clean.csv", size) for size in (rows // 10, rows)]
            except WentWrong as wrong:
                raise CannotStart(f"the benchmark failed: {wrong}") from wrong
        _show(console, *ran)


def _rows(given: list[str]) -> int:
    text = (given[0] if given else "") or str(USUAL_ROWS)
    if not text.isdecimal() or int(text) < LEAST_ROWS:
        raise CannotStart(f"ROWS is {text!r}; it must be a number of at least {LEAST_ROWS}")
    return int(text)


def _import(importer: Importer, file: Path, rows: int) -> Ran:
    importer.forget_sessions()
    ran = importer.load(write_mentors(file, rows))
    file.unlink()
    if ran.outcome["inserted"] != rows:
        raise WentWrong(f"{rows:,} rows: {ran.outcome}")
    return ran


def _show(console: Console, small: Ran, large: Ran) -> None:
    """Print the table, and write the figures for scripts."""
    peaks = {ran.rows: ran.usage.peak_mb if ran.usage else {} for ran in (small, large)}
    table = Table(title="Peak memory of a function process, MB", title_justify="left", box=None, pad_edge=False)
    for name in ("function", f"{small.rows:,} rows", f"{large.rows:,} rows", "times", f"at most {AT_MOST_TIMES:g}"):
        table.add_column(name, justify="left" if name == "function" else "right")
    for function, peak in peaks[large.rows].items():
        before = peaks[small.rows].get(function, peak)
        is_flat = peak <= AT_MOST_MB and peak <= AT_MOST_TIMES * before
        table.add_row(
            function, f"{before:.0f}", f"{peak:.0f}", f"{peak / before:.2f}", "yes" if is_flat else "no: it grows"
        )
    console.print()
    console.print(table)
    for ran in (small, large):
        stages = ", ".join(f"{stage} {took:.1f}" for stage, took in ran.stages.items())
        console.print(f"{ran.rows:,} rows: {ran.seconds:.1f} s, {ran.row_seconds * 1e6:.1f} µs a row ({stages})")
    found = {
        str(ran.rows): {"seconds": round(ran.seconds, 1), "peak_rss_mb": peaks[ran.rows]} for ran in (small, large)
    }
    RESULTS.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
