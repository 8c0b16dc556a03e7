"""The command that undoes an import: it shows what would happen, asks, and waits until it has."""

import sys
import time
from collections.abc import Iterator
from typing import Final

import click

from cli.api import Api, Json, batch_path
from cli.command_errors import Failure, WrongUse
from cli.options import Terminal, batch_argument, examples, json_option, with_terminal
from cli.output import show_json
from cli.reports import INDENT, line
from cli.waiting import patiently, pauses
from cli.words import clean, command

A_BATCH: Final = "6b0e1b52-1f6c-4a55-9a63-0f6f3a3f7c11"
MOST_KEPT: Final = 20
NO_REASON: Final = "no reason given"


@click.command(
    epilog=examples(
        f"kintell undo {A_BATCH} --dry-run",
        f'kintell undo {A_BATCH} --reason "the file of another month"',
        f'kintell undo {A_BATCH} --reason "the wrong file" --yes',
    )
)
@batch_argument
@click.option("--dry-run", is_flag=True, help="Show what would happen, and stop.")
@click.option("--reason", metavar="TEXT", help="Why the import is undone; the audit trail's readers see it.")
@click.option("--yes", is_flag=True, help="Undo it without asking; required in a pipe.")
@json_option
@with_terminal
def undo(terminal: Terminal, /, batch: str, dry_run: bool, reason: str | None, yes: bool) -> None:
    """Undo an import: what it inserted is removed, what it updated is as it was before.

    Rows on which a later import builds are kept, and can be undone once that import is. The file can be imported again.
    """
    if not (dry_run or yes or sys.stdin.isatty()):
        raise WrongUse("In a pipe, kintell undo needs --yes, or --dry-run to see what would happen.")
    plan = _plan(terminal.api, batch)
    if dry_run and terminal.as_json:
        show_json(plan)
        return
    if not terminal.as_json:
        click.echo("\n".join(_planned(plan)))
    if dry_run:
        return
    if not yes:
        reason = reason or click.prompt("Reason", err=True)
        click.confirm("Undo this import?", abort=True, err=True)
    asked = {"planHash": plan["planHash"], "reason": reason or NO_REASON}
    terminal.api.post(batch_path(batch, "/undo"), asked)
    ended = _wait(terminal.api, batch, "running")
    if terminal.as_json:
        show_json(ended)
    elif ended["state"] == "completed":
        click.echo("\n".join(_done(ended)))
    if ended["state"] != "completed":
        raise Failure(ended["failureReason"] or "The undo failed.")


def _plan(api: Api, batch: str) -> Json:
    """What an undo would do. The API plans a large one outside the request."""
    found = api.post(batch_path(batch, "/undo"), {"dryRun": True})
    if "planHash" in found:
        return found
    planned = _wait(api, batch, "planning")
    if planned["state"] != "planned":
        raise Failure(planned["failureReason"] or "The undo could not be planned.")
    kept = planned["kept"]["items"]
    left_out = planned["keeps"] - len(kept)
    plan = {name: planned[name] for name in ("removes", "restores", "keeps", "planHash")}
    return {**plan, "kept": kept, **({"keptLeftOut": left_out} if left_out else {})}


def _wait(api: Api, batch: str, while_: str) -> Json:
    between: Iterator[float] = pauses()
    while True:
        found = patiently(lambda: api.get(batch_path(batch, "/undo"), limit=200))
        if found["state"] != while_:
            return found
        time.sleep(next(between))


def _planned(plan: Json) -> list[str]:
    lines = [line("Removes", plan["removes"]), line("Restores", plan["restores"]), line("Keeps", plan["keeps"])]
    for row in plan["kept"][:MOST_KEPT]:
        key = f", {clean(row['externalSessionId'])}" if row["externalSessionId"] else ""
        later = command("kintell", "status", row["laterBatchId"])
        lines.append(f"{'':<{INDENT}}row {row['rowNumber']}{key}: a later import builds on it, {later}")
    more = plan["keeps"] - min(len(plan["kept"]), MOST_KEPT)
    return [*lines, f"{'':<{INDENT}}and {more} more"] if more else lines


def _done(ended: Json) -> list[str]:
    kept = f", {ended['keptRows']} kept" if ended["keptRows"] else ""
    return [line("Undone", f"{ended['removedRows']} removed, {ended['restoredRows']} restored{kept}")]
