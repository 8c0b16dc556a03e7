"""The commands that do something to a batch that is there: cancel, retry."""

from typing import Any, Final

import click

from cli.api import Api, Json, batch_path
from cli.command_errors import ApiProblem
from cli.options import BatchId, Terminal, batch_argument, examples, json_option, with_terminal
from cli.output import show_json
from cli.progress_bars import progress
from cli.reports import DONE, FAILED, RETRYABLE, ending, exit_code, line, remarks
from cli.waiting import get_batch, wait_for_batch
from cli.words import clean

NOTHING: Final = "No rejected row would pass now."
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


@click.command(
    epilog=examples(
        "kintell retry",
        f"kintell retry {A_BATCH}",
        f"kintell retry {A_BATCH} --date-order day-first",
        "kintell retry --all",
    )
)
@click.argument("batch", type=BatchId(), required=False)
@click.option("--all", "all_of_them", is_flag=True, help="Retry every batch with rejected rows that would now pass.")
@click.option(
    "--date-order", type=click.Choice(["day-first", "month-first"]),
    help="Also retry rows rejected for their dates, and read 03/04/2024 in this order.",
)  # fmt: skip
@click.option(
    "--time-zone", metavar="ZONE",
    help="Also retry rows rejected for their dates, and read times without an offset in this time zone.",
)  # fmt: skip
@json_option
@with_terminal
@click.pass_context
def retry(context: click.Context, terminal: Terminal, /, batch: str | None, all_of_them: bool, **given: Any) -> None:
    """Import rejected rows again that would now pass, without another upload.

    Rows can pass now if all that was wrong with them were unknown people, or an id that belonged to another session.
    Without BATCH and --all, list the batches with such rows.
    """
    declared = {"dateOrder": given["date_order"], "timeZone": given["time_zone"]}
    if batch and all_of_them:
        raise click.UsageError("Give BATCH or --all, not both.")
    if not batch and any(declared.values()):
        raise click.UsageError("--date-order and --time-zone require BATCH.")
    api = terminal.api
    waiting = [{"batchId": batch}] if batch else api.get(RETRYABLE)["items"]
    if not batch and not all_of_them:
        show_json({"items": waiting}) if terminal.as_json else click.echo("\n".join(_waiting(waiting)))
        return
    body = {name: value for name, value in declared.items() if value}
    ended = [one for named in waiting if (one := _retried(api, named["batchId"], body, as_json=terminal.as_json))]
    if terminal.as_json:
        show_json({"items": ended})
    else:
        click.echo("\n\n".join("\n".join([*remarks(one), *ending(one)]) for one in ended) or NOTHING)
    context.exit(max(map(_severity, ended), default=(0, DONE))[1])


def _retried(api: Api, batch_id: str, body: Json, *, as_json: bool) -> Json | None:
    """The child batch once it has ended; None if no row would pass."""
    try:
        child = api.post(batch_path(batch_id, "/retry"), body)["batchId"]
    except ApiProblem as problem:
        if problem.code != "nothing_to_retry":
            raise
        return None
    with progress(get_batch(api, child)["fileName"], as_json=as_json) as bars:
        return wait_for_batch(api, child, bars)


def _waiting(batches: list[Json]) -> list[str]:
    lines = [
        line(one["batchId"][:8], f"{one['wouldPass']} of {one['rows']} rows, {one['fileName']}") for one in batches
    ]
    return [*lines, line("Retry", "kintell retry --all")] if lines else [NOTHING]


def _severity(batch: Json) -> tuple[int, int]:
    """A failed batch is worse than one with rejected rows."""
    code = exit_code(batch)
    return (2 if code == FAILED else 1 if code else 0, code)


COMMANDS: Final[tuple[click.Command, ...]] = (cancel, retry)
