"""The commands that log in and out."""

from datetime import UTC, datetime
from typing import Any, Final

import click

from cli import logins
from cli.api import HEALTH
from cli.browser_login import PORT, by_hand, with_browser
from cli.command_errors import Failure
from cli.options import Terminal, examples, json_option, with_terminal
from cli.output import show_json
from cli.token_issuer import Issuer
from cli.words import clean


def _say(text: str) -> None:
    """Write to stderr, since a script may read the answer."""
    click.echo(text, err=True)


@click.command(
    epilog=examples(
        "kintell login",
        "kintell login --no-browser",
        "KINTELL_API_URL=https://ingest.example.org kintell login",
    )
)
@click.option(
    "--no-browser",
    is_flag=True,
    help="Show an address to open on any machine, and ask for the address at which the browser ends up.",
)
@click.option(
    "--port", type=click.IntRange(1, 65535), default=PORT, show_default=True, metavar="N",
    help="Port on this machine to which the browser returns; it must be registered with the issuer.",
)  # fmt: skip
@json_option
@with_terminal
def login(terminal: Terminal, /, no_browser: bool, port: int) -> None:
    """Log in to the API with a browser, and stay logged in.

    Tokens are stored in a file that only you can read, renewed automatically, and deleted by kintell logout. If
    KINTELL_TOKEN is set, it takes precedence.
    """
    terminal.api.must_be_private()
    sign_in: dict[str, str] | None = terminal.api.get(HEALTH).get("signIn")
    url = terminal.api.url
    if sign_in is None:
        raise Failure(f"The API at {url} requires no login.")
    terminal.api.checked_link(sign_in["issuer"])
    issuer = Issuer.of(sign_in)
    found = (by_hand if no_browser else with_browser)(issuer, port, _say)
    logins.keep(url, found)
    if terminal.token:
        _say("KINTELL_TOKEN is set and takes precedence; unset it to use this login.")
    if terminal.as_json:
        show_json(_shape(url, found))
    else:
        click.echo(f"Logged in to {url} as {clean(found.name)}.")


@click.command(epilog=examples("kintell logout", "KINTELL_API_URL=https://ingest.example.org kintell logout"))
@json_option
@with_terminal
def logout(terminal: Terminal, /) -> None:
    """Delete the login to the API, and revoke it at the issuer.

    A copy of the token stays valid until it expires, within the hour.
    """
    url = terminal.api.url
    forgotten = logins.forget(url)
    if forgotten and forgotten.refresh_token:
        try:
            forgotten.issuer.revoke(forgotten.refresh_token)
        except Failure as failed:
            _say(f"The login could not be revoked at the issuer: {clean(failed.message)}")
    if terminal.as_json:
        show_json({"api": url, "wasLoggedIn": forgotten is not None})
    elif forgotten:
        click.echo(f"Logged out of {url}.")
    else:
        click.echo(f"Nobody was logged in to {url}.")


def _shape(url: str, found: logins.Login) -> dict[str, Any]:
    expires = datetime.fromtimestamp(found.expires_at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return {"api": url, "name": found.name, "issuer": found.issuer.url, "tokenExpiresAt": expires}


COMMANDS: Final[tuple[click.Command, ...]] = (login, logout)
