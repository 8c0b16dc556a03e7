"""The commands that read a batch's file again: explain, verify."""

import json
import time
from collections.abc import Iterator
from typing import Any, Final

import click

from cli.api import Api, Json, Page, batch_path, session_path
from cli.command_errors import Failure, WrongUse
from cli.options import Terminal, batch_argument, examples, json_option, with_terminal
from cli.output import Column, field, show_json, show_list
from cli.words import clean, counted

A_BATCH: Final = "6b0e1b52-1f6c-4a55-9a63-0f6f3a3f7c11"
SECONDS_BETWEEN_LOOKS: Final = 2.0
DIFFERS: Final = 1
"""The exit code if a stored value is not what the file says."""


def _plain(name: str) -> Any:
    return lambda item: "" if item[name] is None else _text(item[name])


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _where(item: Json) -> str:
    return item["cell"] or ""


EXPLAINED: Final = [
    Column("Field", field("field")),
    Column("Value", _plain("value"), rank=1, may_be_cut=True),
    Column("Cell", _where, rank=3),
    Column("Header", _plain("header"), rank=4, may_be_cut=True),
    Column("Text", _plain("text"), rank=2, may_be_cut=True),
    Column("Row", field("row"), rank=6, is_number=True),
    Column("Line", field("line"), rank=7, is_number=True),
    Column("Rule", field("rule"), rank=5, may_be_cut=True),
]

DIFFERING: Final = [
    Column("Row", field("rowNumber"), is_number=True),
    Column("Field", field("field")),
    Column("Stored", _plain("stored"), may_be_cut=True),
    Column("File", _plain("file"), may_be_cut=True),
]


@click.command(epilog=examples("kintell explain 4711", "kintell explain mentors_ukraine:MS-2024-1001 --field rating"))
@click.argument("session")
@click.option("--field", "name", metavar="FIELD", help="Only this field, such as rating.")
@click.option("--version", type=click.IntRange(min=1), metavar="N", help="An earlier version of the session.")
@json_option
@with_terminal
def explain(terminal: Terminal, /, session: str, name: str | None, version: int | None) -> None:
    """Show which cell each value of a session comes from, and by which rule.

    SESSION is its id in this system, or programme:id with its id in Kintell. The audit trail records each use.
    """
    found = terminal.api.get(session_path(session, "explain"), version=version)
    if name is not None:
        known = [each["field"] for each in found["fields"]]
        if name not in known:
            raise WrongUse(f"The session has no field {name}; it has {', '.join(known)}.")
        found["fields"] = [each for each in found["fields"] if each["field"] == name]
    if terminal.as_json:
        show_json(found)
        return
    click.echo(f"kintell: from {clean(found['file']['name'])}, batch {found['batch']['batchId']}", err=True)
    show_list(_page(found["fields"]), lambda _items: EXPLAINED, "fields")


@click.command(epilog=examples(f"kintell verify {A_BATCH}", f"kintell verify {A_BATCH} --json"))
@batch_argument
@json_option
@with_terminal
def verify(terminal: Terminal, /, batch: str) -> None:
    """Read a batch's file again and compare the stored values with it.

    Of more than 50,000 rows it waits for the result, for minutes. The exit code is 1 if a stored value is not what its
    row says. The audit trail records each comparison.
    """
    found = _verified(terminal.api, batch)
    if terminal.as_json:
        show_json(found)
    elif found["differing"]:
        show_list(_page(found["differing"]), lambda _items: DIFFERING, "values")
    if not terminal.as_json:
        differing = len(found["differing"]) + found.get("differingLeftOut", 0)
        said = f"{counted(differing, 'value')} not as in the file" if differing else "all as in the file"
        compared = f"{counted(found['checkedRows'], 'row')} compared, {said}"
        click.echo(f"kintell: {compared if found['checkedRows'] else 'nothing is stored of this batch'}", err=True)
    if found["differing"]:
        raise SystemExit(DIFFERS)


def _verified(api: Api, batch: str) -> Json:
    """The result, waited for if the file is long. Raises Failure."""
    found = api.post(batch_path(batch, "/verify"), {})
    while "differing" not in found or found.get("state") == "running":
        time.sleep(SECONDS_BETWEEN_LOOKS)
        found = api.get(batch_path(batch, "/verify"))
    if found.get("state") == "failed":
        raise Failure(f"The file of batch {batch} can't be read again ({found.get('failureCode')}).")
    return found


def _page(items: list[Json]) -> Iterator[Page]:
    yield Page(items, None)


COMMANDS: Final[tuple[click.Command, ...]] = (explain, verify)
