"""What is seen of an import while it runs: bars on a terminal, lines in a pipe."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

import click

from cli.api import Json
from cli.reports import ENDED, line
from cli.words import size

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress


class Progress(Protocol):
    """Told how far things are; says so."""

    def sent(self, done: int, total: int) -> None:
        """So many bytes of the file have gone over."""

    def waiting(self) -> None:
        """The file is there, and not taken up yet."""

    def counted(self, batch: Json) -> None:
        """The batch is in this state."""


class Silent:
    """For scripts that read JSON."""

    def sent(self, done: int, total: int) -> None:
        """Nothing is said."""

    def waiting(self) -> None:
        """Nothing is said."""

    def counted(self, batch: Json) -> None:
        """Nothing is said."""


class Lines:
    """A line where something has changed by a quarter or more."""

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

    def counted(self, batch: Json) -> None:
        """Say the state, and how many rows it has come to."""
        state, percent = batch["status"], batch["percentComplete"]
        now = (state, percent // 25)
        if state not in ENDED and now != self._last:
            click.echo(line(state.capitalize(), f"{batch['processedRows']} of {batch['totalRows']} rows"))
        self._last = now


class Bars:
    """A bar for the bytes, then one for the rows."""

    def __init__(self, bars: "RichProgress") -> None:
        self._bars = bars
        self._bytes = self._rows = -1

    def sent(self, done: int, total: int) -> None:
        """Move the first bar."""
        if self._bytes < 0:
            self._bytes = int(self._bars.add_task("Uploading", total=max(total, 1), counts=""))
        counts = f"{size(done)} of {size(total)}"
        self._update(self._bytes, completed=done or (1 if total == 0 else 0), counts=counts)

    def waiting(self) -> None:
        """A bar without an end: nobody knows yet how many rows there are."""
        if self._rows < 0:
            self._rows = int(self._bars.add_task("Reading", total=None, counts=""))

    def counted(self, batch: Json) -> None:
        """Move the second bar."""
        self.waiting()
        total, done, state = batch["totalRows"], batch["processedRows"], batch["status"]
        at_work = "Writing" if total and done >= total else "Checking"
        label = {"pending": "Waiting", "running": at_work}.get(state, state.capitalize())
        # A file without rows is done when its batch is.
        completed, of = (done, total) if total else (int(state in ENDED), 1)
        self._update(self._rows, description=label, total=of, completed=completed, counts=f"{done} of {total} rows")

    def _update(self, bar: int, *, counts: str, **values: object) -> None:
        self._bars.update(bar, counts=counts, **values)  # type: ignore[arg-type]


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
