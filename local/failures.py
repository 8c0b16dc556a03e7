"""Reports what goes wrong on this machine in one line."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


class CannotStart(Exception):
    """The local system can't run here, or can no longer run; the message says why and what to do."""


@contextmanager
def failures_in_one_line() -> Iterator[None]:
    """End the command with exit code 1 and one line for a CannotStart, or silently with 130 for Ctrl-C."""
    try:
        yield
    except CannotStart as failure:
        sys.stdout.flush()
        print(f"kintell: {failure}", file=sys.stderr)
        raise SystemExit(1) from failure
    except KeyboardInterrupt:
        raise SystemExit(130) from None
