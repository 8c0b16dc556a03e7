"""What is seen of an import while it runs: bars on a terminal, lines in a pipe."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Protocol

import click

from cli.api import Json
from cli.reports import ENDED, line
from cli.words import size

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress


STAGES: Final = {"stage": "Checking", "reconcile": "Comparing", "merge": "Writing", "finalize": "Finishing"}
"""The stages that follow the reading, as a person calls them."""


FAILED: Final = "failed"


class Progress(Protocol):
    """Told how far things are; says so."""

    shows_stages: bool
    """Whether `staged` is worth a request."""

    def sent(self, done: int, total: int) -> None:
        """So many bytes of the file have gone over."""

    def waiting(self) -> None:
        """The file is there, and not taken up yet."""

    def staged(self, stages: list[Json]) -> None:
        """The batch has come so far in each of its stages."""

    def counted(self, batch: Json) -> None:
        """The batch is in this state."""


class Silent:
    """For scripts that read JSON."""

    shows_stages = False

    def sent(self, done: int, total: int) -> None:
        """Nothing is said."""

    def waiting(self) -> None:
        """Nothing is said."""

    def staged(self, stages: list[Json]) -> None:
        """Nothing is said."""

    def counted(self, batch: Json) -> None:
        """Nothing is said."""


class Lines:
    """A line where something has changed by a quarter or more."""

    shows_stages = False

    def __init__(self, file_name: str) -> None:
        self._file_name = file_name
        self._last: tuple[object, ...] = ()

    def sent(self, done: int, total: int) -> None:
        """Say so at the beginning and at the end."""
        if done == 0:
            click.echo(line("Uploading", f"{self._file_name} ({size(total)})"))
        if done == total:
            click.echo(line("Uploaded", size(total)))

    def waiting(self) -> None:
        """It follows from the line before."""

    def staged(self, stages: list[Json]) -> None:
        """Too much for lines that stay."""

    def counted(self, batch: Json) -> None:
        """Say the state, and how many rows it has come to."""
        state, percent = batch["status"], batch["percentComplete"]
        now = (state, percent // 25)
        if state not in ENDED and now != self._last:
            click.echo(line(state.capitalize(), f"{batch['processedRows']} of {batch['totalRows']} rows"))
        self._last = now


class Bars:
    """A bar for the bytes, then one for each stage that the batch has come to."""

    shows_stages = True

    def __init__(self, bars: "RichProgress") -> None:
        self._bars = bars
        self._tasks: dict[str, int] = {}
        self._rows: dict[str, int] = {}

    def sent(self, done: int, total: int) -> None:
        """Move the first bar."""
        # A file without bytes is sent when it is.
        self._show("Uploading", done or (1 if total == 0 else 0), max(total, 1), f"{size(done)} of {size(total)}")

    def waiting(self) -> None:
        """A bar without an end: nobody knows yet how many rows there are."""
        self._show("Reading", 0, None, "")

    def staged(self, stages: list[Json]) -> None:
        """Move the bar of each stage that has begun."""
        for stage in stages:
            label = STAGES.get(stage["name"])
            if label is None or stage["state"] == "later":
                continue
            of, is_done = stage["ofRows"], stage["state"] == "done"
            rate = f", {stage['rowsPerSecond']:,.0f} a second" if stage["rowsPerSecond"] else ""
            counts = f"{stage['rows']:,} of {of:,} rows{rate}" if of else ""
            self._rows[label] = of
            # What does not go row by row moves to and fro until it is done.
            self._show(label, int(is_done) if not of else stage["rows"], of or (1 if is_done else None), counts)

    def counted(self, batch: Json) -> None:
        """What was read is known; when the batch is through, so are its stages, also where nobody looked meanwhile."""
        total, state = batch["totalRows"], batch["status"]
        self._show("Reading", 1, 1, f"{total:,} rows")
        if state not in ENDED:
            return
        for label in STAGES.values() if state != FAILED else ():
            if label in self._tasks:
                self._show(label, 1, 1, f"{self._rows[label]:,} rows" if self._rows.get(label) else "")
        self._show(state.capitalize(), 1, 1, f"{batch['processedRows']:,} of {total:,} rows")

    def _show(self, label: str, completed: int, total: int | None, counts: str) -> None:
        if label not in self._tasks:
            self._tasks[label] = int(self._bars.add_task(label, total=total, counts=""))
        self._bars.update(self._tasks[label], completed=completed, total=total, counts=counts)  # type: ignore[arg-type]


@contextmanager
def progress(file_name: str, *, as_json: bool) -> Iterator[Progress]:
    """Where JSON is asked for, bars go where errors go, if that is a terminal."""
    stream = sys.stderr if as_json else sys.stdout
    if not stream.isatty():
        yield Silent() if as_json else Lines(file_name)
        return
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn
    from rich.progress import Progress as RichProgress

    with RichProgress(
        TextColumn("{task.description:<9}", markup=False),
        BarColumn(bar_width=None),
        TaskProgressColumn(),
        TextColumn("{task.fields[counts]}", markup=False),
        console=Console(file=stream, highlight=False),
        expand=False,
    ) as bars:
        yield Bars(bars)
