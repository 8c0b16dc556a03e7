"""`make attack`: carries out every attack on a system with sign-in and on one without."""

import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.failures import failures_in_one_line
from local.postgres import THROW_AWAY, running_server
from local.processes import free_port
from local.system import LocalSystem, Places
from local.up import interrupt, say
from tests.attacks.attack import Attack, Target
from tests.attacks.table import ATTACKS
from tests.sign_in.closed_system import closed_system


def main() -> None:
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, interrupt)
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = "127.0.0.1,localhost"
    failed = 0
    with failures_in_one_line(), tempfile.TemporaryDirectory(prefix="kintell-") as folder:
        for running in (open_target, guarded_target):
            with running(Path(folder)) as target:
                failed += sum(not carried_out(attack, target) for attack in ATTACKS if attack.concerns(target))
    say(f"{failed} attacks got through" if failed else "no attack got through")
    sys.exit(1 if failed else 0)


def carried_out(attack: Attack, target: Target) -> bool:
    """Carry out the attack and print the result; returns whether the system held."""
    try:
        outcome = attack.carry_out(target)
        text, held = outcome.text, outcome.held
    except Exception as error:  # an attack that can't be carried out has proved nothing
        text, held = f"{type(error).__name__}: {error}"[:200], False
    say(f"{'ok' if held else 'FAILED':6}  {target.name:7}  {attack.tried}: {text}")
    return held


@contextmanager
def open_target(folder: Path) -> Iterator[Target]:
    """The system that make up starts, in a folder of its own."""
    place = folder / "open"
    place.mkdir()
    with (
        running_server(place, THROW_AWAY) as database,
        LocalSystem(Places(place, database_url=database.url)) as system,
    ):
        yield Target(system)


@contextmanager
def guarded_target(folder: Path) -> Iterator[Target]:
    """A system with sign-in, as on AWS, and an issuer of tokens."""
    place = folder / "guarded"
    place.mkdir()
    with closed_system(place, free_port()) as (system, issuer):
        yield Target(system, issuer)


if __name__ == "__main__":
    main()
