"""The commands that do something to a batch that is there: cancel."""

from typing import Final

import click

from cli.api import batch_path
from cli.options import Terminal, batch_argument, examples, json_option, with_terminal
from cli.output import show_json
from cli.progress_bars import progress
from cli.waiting import get_batch, wait_for_batch
from cli.words import clean

A_BATCH: Final = "6b0e1b52-1f6c-4a55-9a63-0f6f3a3f7c11"


@click.command(epilog=examples(f"kintell cancel {A_BATCH}"))
@batch_argument
@json_option
@with_terminal
def cancel(terminal: Terminal, /, batch: str) -> None:
    """Cancel an import that is under way, and wait until nothing of it is left.

    The batch ends as failed. Its file can be imported again.
    """
    terminal.api.post(batch_path(batch, "/cancel"), {})
    name = get_batch(terminal.api, batch)["fileName"]
    with progress(name, as_json=terminal.as_json) as bars:
        ended = wait_for_batch(terminal.api, batch, bars)
    if terminal.as_json:
        show_json(ended)
    else:
        click.echo(f"Cancelled; nothing of {clean(name)} was imported.")


COMMANDS: Final[tuple[click.Command, ...]] = (cancel,)
