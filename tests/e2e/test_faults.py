"""One trial of each kind of `make faults`: what breaks on the way leaves no trace in the result of a file."""

from collections.abc import Iterator

import pytest

from tests.faults.kinds import KINDS
from tests.faults.trials import Trials
from tests.faults.under_fire import under_fire

LEFT_OUT = {"broken, started over", "killed at random", "cut off after commit", "all at once"}
"""Left to `make faults`: the state machine takes half a minute to give up; the others are much like the rest."""


@pytest.fixture(scope="module")
def trials(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trials]:
    """A system of its own, in which everything may fail."""
    with under_fire(tmp_path_factory.mktemp("faults")) as world:
        yield Trials(world, KINDS)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in LEFT_OUT])
def test_a_disturbed_import_comes_out_as_an_undisturbed_one(trials: Trials, kind: str) -> None:
    trial = trials.run(kind, seed=7)
    assert not trial.differences, str(trial)
