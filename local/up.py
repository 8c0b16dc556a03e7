"""``make up``: runs the local system in the foreground until Ctrl-C."""

import signal
import sys
import threading
import time

from local.failures import failures_in_one_line
from local.system import HOME, LocalSystem, Places, published


def say(line: str) -> None:
    print(line, flush=True)


def until_stopped() -> threading.Event:
    """An event that Ctrl-C or SIGTERM sets; a second Ctrl-C doesn't cut the shutdown short."""
    told = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: told.set())
    return told


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def main() -> None:
    started = time.monotonic()
    # Handles SIGINT even if a shell started us in the background with it ignored, and lets SIGTERM clean up.
    signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGTERM, interrupt)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    with failures_in_one_line():
        with LocalSystem(Places.of_this_clone(), say) as system:
            told = until_stopped()
            with published(system.variables, HOME / "env"):
                say(f"ready after {time.monotonic() - started:.1f} s; press Ctrl-C to stop")
                say(f"  API and dashboard   {system.aws.api_url}")
                say(f"  AWS                 {system.aws.url}")
                say(f"  uploads             s3://{system.stack.uploads_bucket}/incoming/")
                say(f"  keys and database   {HOME / 'env'}")
                told.wait()
            say("ending")
        say("stopped; the data stays in .local/")


if __name__ == "__main__":
    main()
