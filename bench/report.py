"""Reports a run: ratios, bench/results.json for scripts, and a table for people."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.imports import Ran
from bench.peers import Peer
from bench.small_files import SmallFiles
from bench.yardstick import Copied

RESULTS = Path(__file__).with_name("results.json")
GROWTH_FROM = 100_000
AIMS = {
    "import_over_yardstick": 0.5,
    "row_time_growth_100k_to_1m": 1.15,
    "all_bad_over_clean": 1.5,
    "unchanged_over_new": 1.0,
    "undo_of_new_over_import": 1.0,
    "undo_of_updated_over_import": 1.0,
    "overlap_over_new": 0.05,
    "overlap_over_unchanged": 0.05,
    "overlap_over_updated": 0.05,
    "peak_rss_mb": 256,
}
"""Upper limits of ratios and figures."""
AT_LEAST = {"pgloader": 2.0, "dlt": 4.0, "awswrangler": 2.5, "naive": 25.0}
"""Lower limits of our speed, as a multiple of each peer's rows per second."""
SMALL_AT_MOST_SECONDS = 1.5


@dataclass(slots=True)
class Measured:
    """Everything that a run measured: imports by name, and in `clean` those of valid rows by their number."""

    rows: int
    clean: dict[int, Ran] = field(default_factory=dict)
    others: dict[str, Ran] = field(default_factory=dict)
    yardstick: Copied = field(default_factory=Copied)
    floor: Copied = field(default_factory=Copied)
    undone: dict[str, float] = field(default_factory=dict)
    """Seconds to undo the import of new rows, and that of updated ones, of the largest size."""
    last_new: str = ""
    """The batch of new rows whose sessions are there while the others are imported."""
    small: SmallFiles | None = None
    peers: dict[str, Peer] = field(default_factory=dict)

    @property
    def largest(self) -> Ran:
        """The import of valid rows with which all others are compared."""
        return self.clean[self.rows]


def results(measured: Measured) -> dict[str, Any]:
    """The figures under the keys that scripts know. Growth is from 100,000 rows to the largest size."""
    largest, base = measured.largest, measured.clean[min(GROWTH_FROM, measured.rows)]
    small = measured.small or SmallFiles(0.0, 0.0, 0.0)
    usages = [ran.usage for ran in (*measured.clean.values(), *measured.others.values()) if ran.usage]
    return {
        "import_over_yardstick": _ratio(largest.seconds, measured.yardstick.seconds),
        "import_over_floor": _ratio(largest.seconds, measured.floor.seconds),
        "row_time_growth_100k_to_1m": _ratio(largest.row_seconds, base.row_seconds),
        "all_bad_over_clean": _over(measured, "all_bad"),
        "unchanged_over_new": _over(measured, "unchanged"),
        "updated_over_new": _over(measured, "updated"),
        "undo_of_new_over_import": _undone_over(measured, "new"),
        "undo_of_updated_over_import": _undone_over(measured, "updated"),
        "overlap_over_new": _ratio(largest.overlap_seconds, largest.seconds),
        **{f"overlap_over_{name}": _overlap(measured, name) for name in ("unchanged", "updated")},
        "peak_rss_mb": round(max((usage.highest_mb for usage in usages), default=0.0), 1),
        "small_file_seconds": {
            "median": round(small.median, 3),
            "worst": round(small.worst, 3),
            "empty_execution": round(small.empty_execution, 3),
        },
        "rows_per_second": round(1 / largest.row_seconds),
        "peers": {name: round(peer.rows / peer.seconds) for name, peer in measured.peers.items() if peer.seconds},
        "rows": measured.rows,
    }


def _over(measured: Measured, name: str) -> float | None:
    return _ratio(measured.others[name].seconds, measured.largest.seconds) if name in measured.others else None


def _undone_over(measured: Measured, name: str) -> float | None:
    """The time of an undo as a multiple of its import's."""
    of_import = measured.largest if name == "new" else measured.others.get(name)
    return _ratio(measured.undone[name], of_import.seconds) if of_import and name in measured.undone else None


def _overlap(measured: Measured, name: str) -> float | None:
    """The share of an import that comparing its rows with earlier ones took."""
    ran = measured.others.get(name)
    return _ratio(ran.overlap_seconds, ran.seconds) if ran else None


def _ratio(one: float, other: float) -> float | None:
    return round(one / other, 3) if other else None


def write_results(found: dict[str, Any], file: Path = RESULTS) -> None:
    """Write the figures to a file for scripts."""
    file.write_text(json.dumps(found, indent=2) + "\n")


def show(measured: Measured, found: dict[str, Any], console: Console) -> None:
    """Print the tables."""
    _show(console, "Imports, seconds from PUT to completed", *_imports(measured))
    _show(console, "Ratios within this run", ("", "is", "at most"), _ratios(found))
    _show(console, "Peak memory of a function process, MB", ("function", "peak"), _memory(measured))
    if measured.small:
        _show(console, "A file of 500 rows, functions warm, seconds", ("", "is", "at most"), _small(measured.small))
    if measured.peers:
        ours = [("Kintell Ingest", f"{found['rows_per_second']:,}", "", "", "")]
        _show(
            console,
            "Peers, the same file",
            ("", "rows/s", "ours is", "at least", "how it loads: all of them validate and trace less"),
            [*ours, *_peers(measured, found)],
        )


def _imports(measured: Measured) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    runs = {f"{rows:,} clean": ran for rows, ran in sorted(measured.clean.items())}
    runs |= {f"{measured.rows:,} {name.replace('_', ' ')}": ran for name, ran in measured.others.items()}
    stages = list(dict.fromkeys(stage for ran in runs.values() for stage in ran.stages))
    head = ("rows", "total", *stages, "µs/row", "CPU database", "functions", "emulator")
    lines = [
        (
            name,
            f"{ran.seconds:.2f}",
            *(f"{ran.stages[stage]:.2f}" if stage in ran.stages else "" for stage in stages),
            f"{ran.row_seconds * 1e6:.1f}",
            *(_cpu(ran)),
        )
        for name, ran in runs.items()
    ]
    blank = ("",) * len(stages)
    for name, copied in (("the yardstick", measured.yardstick), ("the floor", measured.floor)):
        each = f"{copied.seconds / measured.rows * 1e6:.1f}"
        lines.append((name, f"{copied.seconds:.2f}", *blank, each, f"{copied.database_seconds:.2f}", "", ""))
    return head, lines


def _cpu(ran: Ran) -> tuple[str, str, str]:
    if ran.usage is None:
        return "", "", ""
    usage = ran.usage
    return f"{usage.database_seconds:.2f}", f"{usage.functions_seconds:.2f}", f"{usage.emulator_seconds:.2f}"


def _ratios(found: dict[str, Any]) -> list[tuple[str, ...]]:
    names = [name for name, value in found.items() if isinstance(value, float | None)]
    return [(name, _number(found[name]), _number(AIMS.get(name))) for name in names]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}".rstrip("0").rstrip(".")


def _memory(measured: Measured) -> list[tuple[str, ...]]:
    peaks: dict[str, float] = {}
    for ran in (*measured.clean.values(), *measured.others.values()):
        for name, peak in (ran.usage.peak_mb if ran.usage else {}).items():
            peaks[name] = max(peak, peaks.get(name, 0.0))
    return [(name, f"{peak:.0f}") for name, peak in sorted(peaks.items())]


def _small(small: SmallFiles) -> list[tuple[str, ...]]:
    return [
        ("median", f"{small.median:.3f}", _number(SMALL_AT_MOST_SECONDS)),
        ("worst", f"{small.worst:.3f}", ""),
        ("an execution of as many empty states", f"{small.empty_execution:.3f}", ""),
    ]


def _peers(measured: Measured, found: dict[str, Any]) -> Iterable[tuple[str, ...]]:
    for name, peer in measured.peers.items():
        if peer.seconds:
            rate = found["peers"][name]
            times = f"{found['rows_per_second'] / rate:.1f} ×"
            yield name, f"{rate:,}", times, f"{_number(AT_LEAST.get(name))} ×", peer.how
        else:
            yield name, "not measured", "", "", peer.how


def _show(console: Console, title: str, head: tuple[str, ...], lines: Iterable[tuple[str, ...]]) -> None:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for at, name in enumerate(head):
        table.add_column(name, justify="right" if at and not name.startswith("how") else "left")
    for line in lines:
        table.add_row(*line)
    console.print()
    console.print(table)
