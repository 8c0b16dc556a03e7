"""How a command fails: with one sentence that says what to do next, and an exit code.

Failure             exit code 1
├── Unreachable     the API or the storage did not answer: trying again may help
├── NotLoggedIn     the issuer returned no token, or none that can be trusted (cli.token_issuer)
├── NotBack         the browser did not come back from the issuer (cli.browser_login)
├── ApiProblem      the API answered with a problem; `code` says which
├── WrongUse        2, as for errors that click finds itself (click.UsageError)
└── Interrupted     Ctrl-C: 130, as in shells
"""

import sys
from typing import IO, Any, Final

import click

from cli.words import clean


class Failure(click.ClickException):
    """An error that is shown as one line, without a stack trace."""

    def show(self, file: IO[Any] | None = None) -> None:
        """Write the line to stderr."""
        click.echo(f"kintell: {clean(self.format_message())}", file=file or sys.stderr)


class Unreachable(Failure):
    """Nothing answers, or the server is not working."""


WHAT_NEXT: Final = {
    "no_such_batch": "kintell batches lists all batches",
    "no_such_session": "kintell sessions BATCH lists a batch's sessions",
    "error_file_expired": "to see its faults again: kintell import FILE --dry-run",
    "plan_stale": "look again with --dry-run, then decide",
    "plan_expired": "to plan it again: kintell import FILE --dry-run",
    "database_unavailable": "try again in a moment",
    "internal_error": "try again; if it keeps failing, tell whoever runs the system",
}
"""By the problem's code, where the problem's own sentence does not say it."""


class ApiProblem(Failure):
    """An RFC 9457 problem."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        next_ = WHAT_NEXT.get(code)
        super().__init__(f"{detail.rstrip('.')}; {next_}." if next_ else detail)
        self.status = status
        self.code = code

    @property
    def is_passing(self) -> bool:
        """Whether the same request may succeed in a moment."""
        return self.status in (429, 502, 503, 504)

    @property
    def is_wrong_use(self) -> bool:
        """Whether an option or an argument breaks a rule of the API."""
        return self.status == 422


class WrongUse(Failure):
    """A command that is well-formed but makes no sense."""

    exit_code = 2


class Interrupted(Failure):
    """The user has stopped the command."""

    exit_code = 130
