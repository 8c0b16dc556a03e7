"""Each attack of the table, on a system with sign-in and on one without."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.attacks.attack import Attack, Target
from tests.attacks.run import guarded_target, open_target
from tests.attacks.table import ATTACKS

SYSTEMS = {"open": open_target, "guarded": guarded_target}

Running = Callable[[Path], AbstractContextManager[Target]]


@pytest.fixture(scope="module", params=[pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in SYSTEMS])
def target(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """Each system in turn."""
    with SYSTEMS[request.param](tmp_path_factory.mktemp("attacks")) as running:
        yield running


@pytest.mark.parametrize("attack", [pytest.param(attack, id=attack.tried) for attack in ATTACKS])
def test_the_system_holds(attack: Attack, target: Target) -> None:
    if attack.concerns(target):
        outcome = attack.carry_out(target)
        assert outcome.held, outcome.text
