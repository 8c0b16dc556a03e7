"""Shows an import while it runs: bars on a terminal, lines in a pipe."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Protocol

import click

from cli.api import Json
from cli.reports import ENDED, line
from cli.words import counted, size

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress


STAGES: Final = {"stage": "Checking", "reconcile": "Comparing", "merge": "Writing", "finalize": "Finishing"}
"""The labels of the stages after the reading."""


FAILED: Final = "failed"


class Progress(Protocol):
    """Receives the progress of an import and shows it."""

    shows_stages: bool
    """Whether `staged` is worth a request."""

    def sent(self, done: int, total: int) -> None:
        """This many bytes of the file have been sent."""

    def waiting(self) -> None:
        """The file has been sent; its import has not started."""

    def staged(self, stages: list[Json]) -> None:
        """The progress of each of the batch's stages."""

    def counted(self, batch: Json) -> None:
        """The state of the batch."""


class Silent:
    """Shows nothing, for scripts that read JSON."""

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
    """Prints a line whenever a quarter more is done."""

    shows_stages = False

    def __init__(self, file_name: str) -> None:
        self._file_name = file_name
        self._last: tuple[object, ...] = ()

    def sent(self, done: int, total: int) -> None:
        """Print a line at the beginning and at the end."""
        if done == 0:
            click.echo(line("Uploading", f"{self._file_name} ({size(total)})"))
        if done == total:
            click.echo(line("Uploaded", size(total)))

    def waiting(self) -> None:
        """Print nothing: the line before implies it."""

    def staged(self, stages: list[Json]) -> None:
        """Print nothing: it would be too many lines."""

    def counted(self, batch: Json) -> None:
        """Print the state and how many rows have been processed."""
        state, percent = batch["status"], batch["percentComplete"]
        now = (state, percent // 25)
        if state not in ENDED and now != self._last:
            click.echo(line(state.capitalize(), f"{batch['processedRows']} of {batch['totalRows']} rows"))
        self._last = now


class Bars:
    """Shows a bar for the bytes, then one for each stage that the batch has reached."""

    shows_stages = True

    def __init__(self, bars: "RichProgress") -> None:
        self._bars = bars
        self._tasks: dict[str, int] = {}
        self._rows: dict[str, int] = {}

    def sent(self, done: int, total: int) -> None:
        """Move the first bar."""
        # An empty file has been sent as soon as it is sent.
        self._show("Uploading", done or (1 if total == 0 else 0), max(total, 1), f"{size(done)} of {size(total)}")

    def waiting(self) -> None:
        """Show a bar without an end, since the number of rows is not known yet."""
        self._show("Reading", 0, None, "")

    def staged(self, stages: list[Json]) -> None:
        """Move the bar of each stage that has started."""
        for stage in stages:
            label = STAGES.get(stage["name"])
            if label is None or stage["state"] == "later":
                continue
            of, is_done = stage["ofRows"], stage["state"] == "done"
            rate = f", {stage['rowsPerSecond']:,.0f} a second" if stage["rowsPerSecond"] else ""
            counts = f"{stage['rows']:,} of {counted(of, 'row')}{rate}" if of else ""
            self._rows[label] = of
            # A stage that does not go row by row shows a moving bar until it is done.
            self._show(label, int(is_done) if not of else stage["rows"], of or (1 if is_done else None), counts)

    def counted(self, batch: Json) -> None:
        """Complete the bar for reading; when the batch has ended, complete those of all its stages."""
        total, state = batch["totalRows"], batch["status"]
        self._show("Reading", 1, 1, counted(total, "row"))
        if state not in ENDED:
            return
        for label in STAGES.values() if state != FAILED else ():
            if label in self._tasks:
                self._show(label, 1, 1, counted(self._rows[label], "row") if self._rows.get(label) else "")
        self._show(state.capitalize(), 1, 1, f"{batch['processedRows']:,} of {counted(total, 'row')}")

    def _show(self, label: str, completed: int, total: int | None, counts: str) -> None:
        if label not in self._tasks:
            self._tasks[label] = int(self._bars.add_task(label, total=total, counts=""))
        self._bars.update(self._tasks[label], completed=completed, total=total, counts=counts)  # type: ignore[arg-type]


@contextmanager
def progress(file_name: str, *, as_json: bool) -> Iterator[Progress]:
    """The progress to use. With --json, bars go to stderr if that is a terminal."""
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
