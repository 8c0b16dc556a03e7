"""``make cost``: counts what AWS would bill for an import: function calls, GB-seconds, state transitions.

It counts on a local system of its own, from the functions' reports and the histories of the executions; docs/cost.md
adds prices. ``python -m bench.costs [ROWS]``; ROWS is the largest size.
"""

import re
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.data import write_mentors
from bench.imports import Importer, Ran, WentWrong
from local.failures import CannotStart, failures_in_one_line
from local.system import LocalSystem, Places
from local.up import interrupt, say

SIZES = (500, 200_000)
USUAL_ROWS = 1_000_000
REPORT = re.compile(r"^REPORT RequestId: (\S+)\s+Duration: ([\d.]+) ms.*Memory Size: (\d+) MB", re.MULTILINE)
QUIET_SECONDS = 2
"""After so long without another report, all reports have arrived."""


@dataclass(frozen=True)
class Billed:
    """What an import consisted of."""

    rows: int
    calls: int
    gb_seconds: float
    transitions: int
    children: int
    """Executions that a Distributed Map started: two transitions each, the start and the only state."""


def main() -> None:
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, interrupt)
    largest = sys.argv[1] if len(sys.argv) > 1 and sys.argv[1] else str(USUAL_ROWS)
    with failures_in_one_line(), tempfile.TemporaryDirectory(prefix="kintell-cost-") as folder:
        if not largest.isdecimal() or int(largest) < max(SIZES):
            raise CannotStart(f"ROWS is {largest!r}; it must be a number of at least {max(SIZES)}")
        # The database's user must be able to reach its files.
        Path(folder).chmod(0o755)
        with LocalSystem(Places(Path(folder) / "system"), say) as system:
            counter = Counter(system, Path(folder))
            say(f"{'rows':>10} {'calls':>6} {'GB-s':>8} {'transitions':>12} {'children':>9} {'seconds':>8}")
            for rows in sorted({*SIZES, int(largest)}):
                ran, billed = counter.count(rows)
                say(
                    f"{rows:>10,} {billed.calls:>6} {billed.gb_seconds:>8.2f} {billed.transitions:>12}"
                    f" {billed.children:>9} {ran.seconds:>8.1f}"
                )


class Counter:
    """Imports a file of each size and adds up the calls."""

    def __init__(self, system: LocalSystem, folder: Path) -> None:
        self.importer, self.folder = Importer(system, folder / "system"), folder
        self.logs, self.steps = system.client("logs"), system.client("stepfunctions")
        self.importer.know_people()
        # By now the functions are running, so their start is not counted.
        self.importer.load(write_mentors(folder / "warm-up.csv", 50_000, seed=99))

    def count(self, rows: int) -> tuple[Ran, Billed]:
        """Import a file and count. Raises CannotStart if the result is not the expected one."""
        file = write_mentors(self.folder / "some.csv", rows, seed=rows)
        self.importer.forget_sessions()
        before = self.all_reports()  # with what Dispatch and Outbox still did for the last import
        try:
            ran = self.importer.load(file)
        except WentWrong as wrong:
            raise CannotStart(f"the import failed: {wrong}") from wrong
        after = self.all_reports()
        billed = [after[request] for request in after.keys() - before.keys()]
        states, children = self.transitions(ran.batch_id)
        gb_seconds = sum(seconds * gigabytes for seconds, gigabytes in billed)
        return ran, Billed(rows, len(billed), gb_seconds, states + 2 * children, children)

    def all_reports(self) -> dict[str, tuple[float, float]]:
        """The reports, once no more arrive."""
        found: dict[str, tuple[float, float]] = {}
        while len(more := self.reports()) > len(found):
            found = more
            time.sleep(QUIET_SECONDS)
        return found

    def reports(self) -> dict[str, tuple[float, float]]:
        """Seconds, and GB of the function's memory, for each call so far."""
        found = {}
        for group in self.logs.describe_log_groups()["logGroups"]:
            pages = self.logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"])
            for event in (event for page in pages for event in page["events"]):
                for request, milliseconds, megabytes in REPORT.findall(event["message"]):
                    found[request] = (float(milliseconds) / 1000, int(megabytes) / 1024)
        return found

    def transitions(self, batch_id: str) -> tuple[int, int]:
        """States that the execution itself entered, its start included, and executions that its maps started."""
        ((execution, chunks),) = self.importer.db.run(
            """
            SELECT b.execution, count(c.*)
              FROM ingestion_batches b JOIN chunks c ON c.batch_id = b.id
             WHERE b.id = CAST(:batch_id AS uuid)
             GROUP BY b.execution
            """,
            batch_id=batch_id,
        )
        entered = [event for event in self.history(execution) if event["type"].endswith("StateEntered")]
        return 1 + len(entered), chunks if chunks > 1 else 0

    def history(self, execution: str) -> list[dict[str, Any]]:
        """Every event of an execution."""
        pages = self.steps.get_paginator("get_execution_history").paginate(executionArn=execution)
        return [event for page in pages for event in page["events"]]


if __name__ == "__main__":
    main()
