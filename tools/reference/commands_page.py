"""docs/reference/commands.md: the help of `kintell` and of each command."""

from typing import Any, Final

import click

from cli.main import kintell
from tools.reference.markdown import page

WIDTH: Final = 100
SETTINGS: Final[dict[str, Any]] = {
    **kintell.context_settings,
    "terminal_width": WIDTH,
    "max_content_width": WIDTH,
}
ABOUT: Final = "The help of each command. [kintell](../cli.md) explains the commands with examples."


def render() -> str:
    """The whole page."""
    root = click.Context(kintell, info_name="kintell", **SETTINGS)
    commands = {name: click.Context(one, root, name, **SETTINGS) for name, one in sorted(kintell.commands.items())}
    parts = (f"## {context.command_path}\n\n{_help(context)}" for context in (root, *commands.values()))
    return page("Command line: --help", ABOUT, *parts)


def _help(context: click.Context) -> str:
    lines = context.get_help().splitlines()
    return "```text\n" + "\n".join(line.rstrip() for line in lines) + "\n```"
