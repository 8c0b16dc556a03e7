"""The commands that read: errors, batches, sessions, lineage, audit, summary."""

from pathlib import Path
from typing import Any, Final

import click

from cli import lineage_tree, list_columns
from cli.api import batch_path, session_path
from cli.command_errors import ApiProblem, Failure, WrongUse
from cli.error_report import STDOUT, fetch_errors
from cli.options import (
    Terminal,
    batch_argument,
    examples,
    how_many,
    json_option,
    paged,
    program_option,
    with_terminal,
)
from cli.output import ColumnsOf, show_json, show_json_list, show_list
from cli.reports import line

STATUSES: Final = ("pending", "running", "completed", "failed", "archived", "undoing", "undone")
A_BATCH: Final = "6b0e1b52-1f6c-4a55-9a63-0f6f3a3f7c11"


@click.command(
    epilog=examples(
        f"kintell errors {A_BATCH}",
        f"kintell errors {A_BATCH} -o errors.csv",
        f"kintell errors {A_BATCH} -o errors.xlsx",
        f"kintell errors {A_BATCH} -o - | head",
    )
)
@batch_argument
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="FILE",
    help="Where to save the rejected rows: a file, a folder, or - for stdout.  [default: this folder]",
)  # fmt: skip
@click.option("--overwrite", is_flag=True, help="Replace an existing file.")
@json_option
@with_terminal
def errors(terminal: Terminal, /, batch: str, output: Path | None, overwrite: bool) -> None:
    """Show what is wrong with a batch's rejected rows, and save them.

    The file has the rows as they were, and five more columns that say what is wrong. Fix the rows and import the file
    as it is. The audit trail records each download.
    """
    if terminal.as_json and output == STDOUT:
        raise click.UsageError("--json and -o - both write to stdout; give one of them.")
    fetch_errors(terminal.api, batch, output, overwrite=overwrite, as_json=terminal.as_json)


@click.command(
    epilog=examples(
        "kintell batches",
        "kintell batches --status failed --program mentors_ukraine",
        "kintell batches --all --json",
    )
)
@click.option("--status", type=click.Choice(STATUSES), help="Only batches in this state.")
@program_option
@click.option("--instance", metavar="SLUG", help="Only batches of this programme instance.")
@paged
@json_option
@with_terminal
def batches(terminal: Terminal, /, status: str | None, program: str | None, instance: str | None, **many: Any) -> None:
    """List batches, newest first."""
    only = {"status": status, "programType": program, "programInstance": instance}
    _show(terminal, "/v1/import/batches", list_columns.of_batches, "batches", many, **only)


@click.command(epilog=examples(f"kintell sessions {A_BATCH}", f"kintell sessions {A_BATCH} --all | cut -f 3"))
@batch_argument
@paged
@json_option
@with_terminal
def sessions(terminal: Terminal, /, batch: str, **many: Any) -> None:
    """List the sessions that a batch inserted or updated, in the order of its rows."""
    _show(terminal, batch_path(batch, "/sessions"), list_columns.of_records, "sessions", many)


@click.command("lineage", epilog=examples("kintell lineage 4711", "kintell lineage mentors_ukraine:MS-2024-1001"))
@click.argument("session")
@json_option
@with_terminal
def lineage_(terminal: Terminal, /, session: str) -> None:
    """Show which row of which file a session came from, and its earlier versions.

    SESSION is its id in this system, or programme:id with its id in Kintell.
    """
    found = lineage_tree.fetch(terminal.api, session_path(session))
    if terminal.as_json:
        show_json(found)
    else:
        lineage_tree.show_tree(found)


@click.command(epilog=examples(f"kintell audit {A_BATCH}", f"kintell audit {A_BATCH} --json"))
@batch_argument
@paged
@json_option
@with_terminal
def audit(terminal: Terminal, /, batch: str, **many: Any) -> None:
    """List who did what to a batch and its upload, oldest first."""
    _show(terminal, batch_path(batch, "/audit"), list_columns.of_audit, "entries", many)


@click.command(
    epilog=examples("kintell summary", "kintell summary --program mentors_ukraine --from 2024-10-01 --to 2024-12-31")
)
@program_option
@click.option("--from", "start", metavar="DATE", help="Only batches created on this day (UTC) or later.")
@click.option("--to", "end", metavar="DATE", help="Only batches created on this day (UTC) or earlier.")
@json_option
@with_terminal
def summary(terminal: Terminal, /, program: str | None, start: str | None, end: str | None) -> None:
    """Show totals over finished batches, dry runs excluded."""
    try:
        totals = terminal.api.get("/v1/import/summary", programType=program, **{"from": start, "to": end})
    except ApiProblem as problem:
        raise _as_wrong_use(problem) from problem
    if terminal.as_json:
        show_json(totals)
        return
    for label, text in list_columns.totals(totals).items():
        click.echo(line(label, text))


def _show(
    terminal: Terminal, path: str, shown: ColumnsOf, noun: str, many: dict[str, Any], **query: str | None
) -> None:
    pages = terminal.api.pages(path, how_many(**many), **query)
    try:
        if terminal.as_json:
            show_json_list(pages)
        else:
            show_list(pages, shown, noun)
    except ApiProblem as problem:
        raise _as_wrong_use(problem) from problem


def _as_wrong_use(problem: ApiProblem) -> Failure:
    return WrongUse(str(problem)) if problem.is_wrong_use else problem


COMMANDS: Final[tuple[click.Command, ...]] = (errors, batches, sessions, lineage_, audit, summary)
