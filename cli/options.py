"""What the commands share: the API's address, `--json`, ids, lists, help with examples."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from uuid import UUID

import click

from cli.api import Api
from cli.logins import token_for

PROGRAMMES: Final = ("mentors_ukraine", "language_ukraine", "kintell_users")
DEFAULT_LIMIT: Final = 50
JSON: Final = "kintell.json"

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


@dataclass(frozen=True)
class Terminal:
    """The API to use, and how to show its answers."""

    url: str
    token: str | None

    @property
    def api(self) -> Api:
        """The API, with the given token or the user's login. Raises click.UsageError if the address is not valid."""
        return Api.at(self.url, self.token, token_for)

    @property
    def as_json(self) -> bool:
        """Whether `--json` was given, before the command or after it."""
        return bool(click.get_current_context().meta.get(JSON))


with_terminal = click.make_pass_decorator(Terminal)


class BatchId(click.ParamType[str]):
    """An id in the API's form."""

    name = "id"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Fail on anything else before any request is sent."""
        try:
            return str(UUID(str(value)))
        except ValueError:
            self.fail(f'"{value}" is not an id; give the whole id, as kintell batches shows it.', param, ctx)


def _ask_for_json(context: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked:
        context.meta[JSON] = True  # shared by the group and its command


json_option = click.option(
    "--json",
    is_flag=True,
    expose_value=False,
    callback=_ask_for_json,
    help="Print JSON, and nothing else on stdout.",
)

program_option = click.option(
    "--program",
    metavar="P",
    shell_complete=lambda _context, _parameter, typed: [name for name in PROGRAMMES if name.startswith(typed)],
    help=f"Programme, by its name or an alias: {', '.join(PROGRAMMES)}.",
)

batch_argument = click.argument("batch", type=BatchId())


def paged(command: Decorated) -> Decorated:
    """`--limit` and `--all`."""
    limit = click.option(
        "--limit", type=click.IntRange(min=1), metavar="N", help=f"Show at most this many.  [default: {DEFAULT_LIMIT}]"
    )
    everything = click.option("--all", "everything", is_flag=True, help="Show all, however many there are.")
    return limit(everything(command))


def how_many(limit: int | None, everything: bool) -> int | None:
    """The limit of a list; None for no limit. Raises click.UsageError."""
    if everything and limit is not None:
        raise click.UsageError("--all and --limit can't be combined; give one of them.")
    return None if everything else limit or DEFAULT_LIMIT


def examples(*lines: str) -> str:
    """The examples at the end of a command's help. The marker keeps click from joining the lines."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)
