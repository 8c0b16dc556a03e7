"""The commands about plans: what a batch changes, and the import of what a dry run planned."""

from typing import Any, Final

import click

from cli.api import Json, batch_path
from cli.options import Terminal, batch_argument, examples, how_many, json_option, paged, with_terminal
from cli.output import Column, field, show_json, show_json_list, show_list
from cli.progress_bars import progress
from cli.reports import ending, exit_code, remarks
from cli.waiting import get_batch, wait_for_batch, with_file_facts

OUTCOMES: Final = ("inserted", "updated", "unchanged", "rejected", "left_out")
A_BATCH: Final = "6b0e1b52-1f6c-4a55-9a63-0f6f3a3f7c11"


@click.command(
    epilog=examples(
        f"kintell changes {A_BATCH}",
        f"kintell changes {A_BATCH} --outcome updated --all",
        f"kintell changes {A_BATCH} --json",
    )
)
@batch_argument
@click.option("--outcome", type=click.Choice(OUTCOMES), help="Only rows with this outcome.")
@paged
@json_option
@with_terminal
def changes(terminal: Terminal, /, batch: str, outcome: str | None, **many: Any) -> None:
    """List what a dry run would change, or what an import changed, row by row."""
    pages = terminal.api.pages(batch_path(batch, "/changes"), how_many(**many), outcome=outcome)
    if terminal.as_json:
        show_json_list(pages)
    else:
        show_list(pages, _columns, "rows")


def _columns(_items: list[Json]) -> list[Column]:
    return [
        Column("Row", field("rowNumber"), is_number=True),
        Column("Outcome", field("outcome"), rank=1),
        Column("Session", field("externalSessionId"), rank=2),
        Column("Changes", _changed, rank=3, may_be_cut=True),
    ]


def _changed(item: Json) -> str:
    """The fields that differ; of a new session only their values."""
    is_new = item["outcome"] == "inserted"
    return "; ".join(
        f"{one['field']}: {_text(one['after'])}"
        if is_new
        else f"{one['field']}: {_text(one['before'])} → {_text(one['after'])}"
        for one in item["fields"]
    )


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "nothing" if value is None else str(value)


@click.command(epilog=examples(f"kintell commit {A_BATCH}", f"kintell commit {A_BATCH} --skip-changed"))
@batch_argument
@click.option(
    "--skip-changed",
    is_flag=True,
    help="Leave out the rows whose stored session has changed since the dry run, instead of importing nothing.",
)
@json_option
@with_terminal
@click.pass_context
def commit(context: click.Context, terminal: Terminal, /, batch: str, skip_changed: bool) -> None:
    """Import what a dry run planned, and wait until the import has ended.

    BATCH is the dry run. Its file is not sent again. Rows that it rejected stay rejected.
    """
    api = terminal.api
    planned = get_batch(api, batch)
    # A batch without a plan has no hash; the API says why.
    wanted = {"planHash": planned.get("planHash") or "", "onChange": "skip" if skip_changed else "refuse"}
    started = api.post(batch_path(batch, "/commit"), wanted)
    with progress(planned["fileName"], as_json=terminal.as_json) as bars:
        ended = with_file_facts(api, wait_for_batch(api, started["batchId"], bars))
    if terminal.as_json:
        show_json(ended)
    else:
        click.echo("\n".join([*remarks(ended), *ending(ended)]))
    context.exit(exit_code(ended))


COMMANDS: Final[tuple[click.Command, ...]] = (changes, commit)
