"""``make bench-small``: is a database of 1 GiB enough, with one CPU and the connections of a db.t4g.micro?

A large file is imported, then updated, then imported unchanged, and both are undone; then 200 small files come at once.
The API is asked all the while. Prints what that took, and fails if anything ran out. ``python -m bench.small [ROWS]``;
Linux only.
"""

import json
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.data import write_mentors
from bench.imports import Importer, WentWrong
from bench.load import lost
from bench.many_files import ROWS as ROWS_OF_A_FILE
from bench.many_files import ManyFiles, Spread, Watcher, measure_many_files
from bench.run import WIDTH, said, stop_on_signals
from bench.small_server import GIBIBYTE, SETTINGS, SmallServer, small_server
from local.failures import CannotStart, failures_in_one_line
from local.system import LocalSystem, Places

USUAL_ROWS = 1_000_000
LEAST_ROWS = 1_000
FILES = 200
RESULTS = Path(__file__).with_name("small.json")


def main() -> None:
    stop_on_signals()
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    say = partial(said, console, time.monotonic())
    with failures_in_one_line(), tempfile.TemporaryDirectory(prefix="kintell-small-") as folder:
        rows = _rows(sys.argv[1:])
        Path(folder).chmod(0o755)  # the database's user must be able to reach its files
        place = Path(folder) / "system"
        with small_server(place) as server, LocalSystem(Places(place, database_url=server.database.url), say) as system:
            if server.group is None:
                say("no control group may be made here, so the memory is measured but not limited")
            try:
                batches: dict[str, str] = {}
                figures = [_import(system, server, Path(folder), (rows, outcome), batches) for outcome in _VARIANTS]
                figures += [_undo(system, server, Path(folder), batches[each]) for each in ("updated", "inserted")]
                server.peak_bytes = 0
                files = measure_many_files(system, FILES, say)
            except WentWrong as wrong:
                raise CannotStart(f"the benchmark failed: {wrong}") from wrong
            figures.append(_of_files(server, files))
            killed = server.out_of_memory()
    RESULTS.write_text(json.dumps(figures, indent=2) + "\n")
    console.print()
    console.print(_table(figures))
    if killed or any(figure["peak_mb"] > GIBIBYTE / 1024**2 for figure in figures):
        raise CannotStart(f"the database needed more than 1 GiB; the kernel ended {killed} of its processes")
    if losses := lost(files):
        raise CannotStart(losses)
    if any(figure["failures"] for figure in figures):
        raise CannotStart("the API did not answer every request")


_VARIANTS = {"inserted": "", "updated": " again", "skipped": " again"}
"""What the rows of each import are, and what their texts end with."""


def _rows(given: list[str]) -> int:
    text = (given[0] if given else "") or str(USUAL_ROWS)
    if not text.isdecimal() or int(text) < LEAST_ROWS:
        raise CannotStart(f"ROWS is {text!r}; it must be a number of at least {LEAST_ROWS}")
    return int(text)


def _undo(system: LocalSystem, server: SmallServer, folder: Path, batch_id: str) -> dict[str, Any]:
    importer, watcher = Importer(system, folder / "system"), Watcher(system)
    server.peak_bytes = 0
    with watcher.sampling():
        seconds = importer.undo(batch_id)
    rows = importer.db.run("SELECT max(removed_rows + restored_rows) FROM undos WHERE batch_id = :id", id=batch_id)[0][
        0
    ]
    importer.db.close()
    figure = _figure(f"{rows:,} rows undone", seconds, server, watcher.connections)
    return {**figure, **_answers(watcher.failures, Spread.of(watcher.milliseconds)), "stages": ""}


def _import(
    system: LocalSystem, server: SmallServer, folder: Path, wanted: tuple[int, str], batches: dict[str, str]
) -> dict[str, Any]:
    """Import rows with one outcome, and note the batch."""
    rows, outcome = wanted
    importer, watcher = Importer(system, folder / "system"), Watcher(system)
    if outcome == "inserted":
        importer.know_people()
    file = write_mentors(folder / "large.csv", rows, variant=_VARIANTS[outcome])
    server.peak_bytes = 0
    with watcher.sampling():
        # Forced, since the last import has the same bytes as the one before it.
        given = {"force": "true", "force_reason": "benchmark"} if outcome == "skipped" else {}
        ran = importer.load(file, **given)
    importer.db.close()
    batches[outcome] = ran.batch_id
    if ran.outcome[outcome] != rows:
        raise WentWrong(f"{rows:,} rows were to be {outcome}: {ran.outcome}")
    stages = ", ".join(f"{stage} {took:.1f}" for stage, took in ran.stages.items() if took >= 0.1)
    figure = _figure(f"{rows:,} rows {outcome}", ran.seconds, server, watcher.connections)
    return {**figure, **_answers(watcher.failures, Spread.of(watcher.milliseconds)), "stages": stages}


def _of_files(server: SmallServer, files: ManyFiles) -> dict[str, Any]:
    figure = _figure(f"{files.files} files of {ROWS_OF_A_FILE} rows", files.seconds, server, files.connections)
    return {**figure, **_answers(files.failures, files.answered), "stages": ""}


def _figure(what: str, seconds: float, server: SmallServer, connections: int) -> dict[str, Any]:
    peak_mb = round(server.peak_bytes / 1024**2)
    return {"what": what, "seconds": round(seconds, 1), "peak_mb": peak_mb, "connections": connections}


def _answers(failures: int, answered: Spread) -> dict[str, Any]:
    return {"failures": failures, "p50_ms": round(answered.p50), "worst_ms": round(answered.worst)}


def _table(figures: list[dict[str, Any]]) -> Table:
    table = Table(title=f"A database of 1 GiB, {SETTINGS['max_connections']} connections, one CPU", box=None)
    for name in ("", "seconds", "peak MB", "connections", "API p50 ms", "worst ms", "failed", "stages, s"):
        table.add_column(name, justify="left" if name in ("", "stages, s") else "right")
    for each in figures:
        names = ("what", "seconds", "peak_mb", "connections", "p50_ms", "worst_ms", "failures", "stages")
        table.add_row(*(str(each[name]) for name in names))
    return table


if __name__ == "__main__":
    main()
