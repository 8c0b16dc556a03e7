"""``make load FILES=500``: imports that many small files at once, on a local system of its own.

Prints the results, and writes bench/load.json for scripts.
"""

import json
import signal
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.imports import WentWrong
from bench.many_files import ROWS, ManyFiles, measure_many_files
from local.failures import CannotStart, failures_in_one_line
from local.system import LocalSystem, Places
from local.up import interrupt, say

USUAL_FILES = 500
WARM_UP_FILES = 8
RESULTS = Path(__file__).with_name("load.json")
WIDTH = 120


def main() -> None:
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, interrupt)
    files = _files(sys.argv[1] if len(sys.argv) > 1 else "")
    with failures_in_one_line(), tempfile.TemporaryDirectory(prefix="kintell-load-") as folder:
        # The database's user must be able to reach its files.
        Path(folder).chmod(0o755)
        with LocalSystem(Places(Path(folder) / "system"), say) as system:
            try:
                measure_many_files(system, WARM_UP_FILES, lambda line: None)
                measured = measure_many_files(system, files, say)
            except WentWrong as wrong:
                raise CannotStart(f"not all files were imported: {wrong}") from wrong
        RESULTS.write_text(json.dumps(results(measured), indent=2) + "\n")
        show(measured)
        if losses := lost(measured):
            raise CannotStart(losses)


def _files(given: str) -> int:
    text = given or str(USUAL_FILES)
    if not text.isdecimal() or int(text) < 2:
        raise CannotStart(f"FILES is {text!r}; it must be a number of at least 2")
    return int(text)


def lost(measured: ManyFiles) -> str:
    """What is wrong with the result; empty if nothing is."""
    if measured.completed != measured.files or measured.sessions != measured.rows:
        return f"{measured.sessions} of {measured.rows} rows of {measured.completed} files were imported"
    if measured.connections > measured.allowed:
        return f"the database had {measured.connections} connections, but {measured.allowed} are allowed"
    if measured.failures:
        return f"{measured.failures} of {measured.answers} requests to the API failed"
    return ""


def results(measured: ManyFiles) -> dict[str, Any]:
    """The figures by name, in seconds; those of the API in milliseconds."""
    found = {**asdict(measured), "files_per_second": measured.files / measured.seconds}
    return json.loads(json.dumps(found), parse_float=lambda text: round(float(text), 3))  # type: ignore[no-any-return]


def show(measured: ManyFiles) -> None:
    """The figures as a table."""
    waited, answered = measured.waited, measured.answered
    table = Table("", "", title=f"{measured.files} files of {ROWS} rows of one programme, uploaded at once")
    table.add_row("completed", f"{measured.completed} files, {measured.sessions:,} of {measured.rows:,} rows")
    table.add_row("all of them", f"{measured.seconds:.1f} s, {measured.files / measured.seconds:.1f} files a second")
    table.add_row(
        "a file, from its PUT to completed",
        f"p50 {waited.p50:.1f} s, p95 {waited.p95:.1f} s, worst {waited.worst:.1f} s",
    )
    table.add_row("connections to the database", f"{measured.connections} at most, {measured.allowed} allowed")
    table.add_row(
        "the API meanwhile",
        f"p50 {answered.p50:.0f} ms, p95 {answered.p95:.0f} ms, worst {answered.worst:.0f} ms; "
        f"{measured.failures} of {measured.answers} requests failed",
    )
    Console(width=None if sys.stdout.isatty() else WIDTH).print(table)


if __name__ == "__main__":
    main()
