"""What a command ends with when it can't do what it was asked for: one sentence, and what to do next.

Failure             exit code 1
├── Unreachable     the API or the storage did not answer: trying again may help
├── NotLoggedIn     the issuer gives no token, or none that can be trusted (cli.token_issuer)
├── NotBack         nobody came back from the browser (cli.browser_login)
├── ApiProblem      the API answered with a problem; `code` tells which
├── WrongUse        2, as for what click finds itself (click.UsageError)
└── Interrupted     Ctrl-C: 130, as shells have it
"""

import sys
from typing import IO, Any, Final

import click

from cli.words import clean


class Failure(click.ClickException):
    """Shown as one line, without a stack trace."""

    def show(self, file: IO[Any] | None = None) -> None:
        """Write the line where errors go."""
        click.echo(f"kintell: {clean(self.format_message())}", file=file or sys.stderr)


class Unreachable(Failure):
    """Nothing answers, or what does is out of order."""


WHAT_NEXT: Final = {
    "no_such_batch": "kintell batches lists those there are",
    "no_such_session": "kintell sessions BATCH lists those of a batch",
    "error_file_expired": "to see its faults again: kintell import FILE --dry-run",
    "database_unavailable": "try again in a moment",
    "internal_error": "try again; if it stays so, tell whoever runs the system",
}
"""By the code of a problem, where its sentence does not say it."""


class ApiProblem(Failure):
    """An RFC 9457 problem."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        next_ = WHAT_NEXT.get(code)
        super().__init__(f"{detail.rstrip('.')}; {next_}." if next_ else detail)
        self.status = status
        self.code = code

    @property
    def is_passing(self) -> bool:
        """Whether the same request may go through in a moment."""
        return self.status in (429, 502, 503, 504)

    @property
    def is_wrong_use(self) -> bool:
        """Whether an option or an argument breaks a rule of the API."""
        return self.status == 422


class WrongUse(Failure):
    """What was asked for makes no sense, however well it is spelled."""

    exit_code = 2


class Interrupted(Failure):
    """Whoever typed the command has stopped it."""

    exit_code = 130
