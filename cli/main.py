"""`kintell`: the group of its commands, and the commands that import and watch."""

import math
import os
import sys
from pathlib import Path
from typing import Any

import click
from click.shell_completion import ShellComplete, get_completion_class

from cli import __version__, batch_commands, explain_commands, login_commands, read_commands
from cli.api import DEFAULT_URL
from cli.command_errors import Failure, Interrupted
from cli.import_file import Wish, import_file
from cli.options import BatchId, Terminal, batch_argument, examples, json_option, program_option, with_terminal
from cli.statuses import show_status
from cli.undo_command import undo
from cli.words import clean

TIMEOUT_SECONDS = 300.0
DEBUG = "KINTELL_DEBUG"


class Kintell(click.Group):
    """The command group, which ends with one line and an exit code, whatever happens."""

    def invoke(self, ctx: click.Context) -> Any:
        """Report a bug in one line too, with the stack trace only on request."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as stopped:
            raise Interrupted("Stopped.") from stopped
        except click.UsageError as wrong:
            # click may have taken a file name, expanded from *, for an option.
            raise click.UsageError(clean(wrong.format_message()), wrong.ctx) from wrong
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except Exception as mistake:
            if os.environ.get(DEBUG):
                raise
            what = f"{type(mistake).__name__}: {mistake}"
            raise Failure(f"Something unexpected happened ({what}); {DEBUG}=1 shows where.") from mistake


@click.group(
    cls=Kintell,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=examples(
        "kintell import mentors-for-ukraine-2024-Q4.csv",
        "kintell batches --status failed",
        "KINTELL_API_URL=https://ingest.example.org KINTELL_TOKEN=… kintell summary",
    ),
)
@click.option(
    "--api", "url", envvar="KINTELL_API_URL", default=DEFAULT_URL, show_default=True, metavar="URL",
    help="Address of the API; can also be set as KINTELL_API_URL.",
)  # fmt: skip
@json_option
@click.version_option(__version__, prog_name="kintell")
@click.pass_context
def kintell(context: click.Context, url: str) -> None:
    """Import Kintell's CSV exports and see the results.

    On AWS, run kintell login first, or set KINTELL_TOKEN to a bearer token. Exit codes: 0 done; 1 the batch failed, the
    upload was refused or something else went wrong; 2 wrong usage; 3 done, with rejected rows.
    """
    context.obj = Terminal(url or DEFAULT_URL, os.environ.get("KINTELL_TOKEN"))


@kintell.command(
    "import",
    epilog=examples(
        "kintell import mentors-for-ukraine-2024-Q4.csv",
        "kintell import export.csv --program language_ukraine --instance language-ukraine-2024-11",
        "kintell import export.csv --dry-run",
        'kintell import export.csv --force --reason "people were missing the first time"',
        "kintell import export-errors.csv --parent 6b0e1b52-1f6c-4a55-9a63-0f6f3a3f7c11",
    ),
)
@click.argument("file", type=click.Path(path_type=Path))
@program_option
@click.option("--instance", metavar="SLUG", help="Programme instance, such as mentors-ukraine-2024-q4.")
@click.option("--force", is_flag=True, help="Import the file even if it was imported before; requires --reason.")
@click.option("--reason", metavar="TEXT", help="Why the file is imported again.")
@click.option("--parent", type=BatchId(), metavar="BATCH", help="The batch that this file corrects.")
@click.option("--dry-run", is_flag=True, help="Check everything without importing anything.")
@click.option(
    "--max-error-percent",
    type=click.FloatRange(0, 100),
    metavar="N",
    help="Fail if more than this percentage of rows is rejected.",
)
@click.option(
    "--date-order", type=click.Choice(["day-first", "month-first"]), help="How to read dates such as 03/04/2024."
)
@click.option(
    "--time-zone", metavar="ZONE", help="Time zone of times without an offset, such as Europe/Oslo.  [default: UTC]"
)
@click.option("--no-wait", is_flag=True, help="Send the file without waiting for its import.")
@click.option(
    "--timeout", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS", default=TIMEOUT_SECONDS,
    show_default=True, help="Give up if the import has not started this long after the file was sent.",
)  # fmt: skip
@json_option
@with_terminal
@click.pass_context
def import_(context: click.Context, terminal: Terminal, /, file: Path, **given: Any) -> None:
    """Import a CSV file and wait until the import has ended.

    FILE is an .xlsx workbook, or a .csv, .txt or .tsv file, optionally compressed as .gz. Without --program and
    --instance, its name and columns decide where it belongs.
    """
    if given["force"] != bool((given["reason"] or "").strip()):
        raise click.UsageError("--force and --reason require each other; give both or neither.")
    if any(isinstance(value, float) and not math.isfinite(value) for value in given.values()):
        raise click.UsageError("--timeout and --max-error-percent must be finite numbers.")
    options = {
        "programType": given["program"],
        "programInstance": given["instance"],
        "force": given["force"],
        "forceReason": given["reason"],
        "parentBatchId": given["parent"],
        "dryRun": given["dry_run"],
        "maxErrorPercent": given["max_error_percent"],
        "dateOrder": given["date_order"],
        "timeZone": given["time_zone"],
    }
    wish = Wish(file, options, given["timeout"], wait=not given["no_wait"])
    context.exit(import_file(terminal.api, wish, as_json=terminal.as_json))


@kintell.command(
    "status",
    epilog=examples(
        "kintell status 6b0e1b52-1f6c-4a55-9a63-0f6f3a3f7c11",
        "kintell status 6b0e1b52-1f6c-4a55-9a63-0f6f3a3f7c11 --watch",
    ),
)
@batch_argument
@click.option("--watch", is_flag=True, help="Wait until the import has ended.")
@json_option
@with_terminal
@click.pass_context
def status(context: click.Context, terminal: Terminal, /, batch: str, watch: bool) -> None:
    """Show the status of a batch and the outcome of its rows.

    BATCH is the id of a batch or of an upload. The exit code is that of the import, or 0 while it is running.
    """
    context.exit(show_status(terminal.api, batch, watch=watch, as_json=terminal.as_json))


@kintell.command(
    epilog=examples(
        'eval "$(kintell completion bash)"      in ~/.bashrc',
        'eval "$(kintell completion zsh)"       in ~/.zshrc',
        "kintell completion fish > ~/.config/fish/completions/kintell.fish",
    )
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print a script that makes a shell complete commands and options."""
    kind = get_completion_class(shell)
    assert kind is not None
    # Not through click's ShellComplete: for bash, that starts a shell to check its version.
    click.echo(ShellComplete.source(kind(kintell, {}, "kintell", "_KINTELL_COMPLETE")))


for command in (
    undo,
    *read_commands.COMMANDS,
    *explain_commands.COMMANDS,
    *batch_commands.COMMANDS,
    *login_commands.COMMANDS,
):
    kintell.add_command(command)


def main() -> None:
    """The installed command."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    kintell(prog_name="kintell")


if __name__ == "__main__":
    main()
