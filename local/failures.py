"""What can go wrong on this machine, said in one line to whoever typed the command."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


class CannotStart(Exception):
    """The local system can't run here, or no longer; the message says why and what to do."""


@contextmanager
def failures_in_one_line() -> Iterator[None]:
    """Ends the command with exit code 1 and one line for a CannotStart, 130 and silence for Ctrl-C."""
    try:
        yield
    except CannotStart as failure:
        sys.stdout.flush()
        print(f"kintell: {failure}", file=sys.stderr)
        raise SystemExit(1) from failure
    except KeyboardInterrupt:
        raise SystemExit(130) from None
