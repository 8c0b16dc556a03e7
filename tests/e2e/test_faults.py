"""A few of the trials of `make faults`: what breaks on the way leaves no trace in what comes of a file."""

from collections.abc import Iterator

import pytest

from local.postgres import running_server
from local.system import LocalSystem, Places
from tests.faults.trials import COMMITS_LAST, Trials


@pytest.fixture(scope="module")
def trials(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trials]:
    """A system of its own, whose database may crash."""
    folder = tmp_path_factory.mktemp("faults")
    with (
        running_server(folder, COMMITS_LAST) as database,
        LocalSystem(Places(folder, database_url=database.url)) as system,
    ):
        yield Trials(system)


@pytest.mark.parametrize("seed", [1, 5, 7, 17])
def test_a_disturbed_import_comes_out_as_an_undisturbed_one(trials: Trials, seed: int) -> None:
    outcome, done = trials.disturbed(seed)
    assert outcome == trials.undisturbed, done
