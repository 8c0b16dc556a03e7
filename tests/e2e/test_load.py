"""Many files at once, as `make load` sends them, fewer of them."""

from bench.load import lost
from bench.many_files import ROWS, measure_many_files
from local.system import LocalSystem

FILES = 40


def test_many_files_at_once_are_all_imported_while_the_api_answers(system: LocalSystem) -> None:
    measured = measure_many_files(system, FILES, lambda line: None)
    assert lost(measured) == ""
    assert (measured.completed, measured.sessions) == (FILES, FILES * ROWS)
    assert 0 < measured.connections <= measured.allowed
