"""Mutation testing: a test should notice each small mistake in the pure core and in the generated SQL.

Each mistake is made in memory, in its own process, which then runs the module's tests. Name modules, or leave them out
for all: `python -m tools.mutants durations emails`. Survivors are listed; docs/mutants.md explains those that remain.
"""

import ast
import importlib.abc
import importlib.util
import os
import signal
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Final, NoReturn

from tools.mutations import Mutation, mutations

ROOT: Final = Path(__file__).parents[1]
CORE: Final = ROOT / "layers/common/ingestion"
LONGEST_SECONDS: Final = 1200
AT_ONCE: Final = 2

TESTS: Final = {
    "values/durations": ("unit/test_readings.py", "unit/test_cells.py"),
    "values/emails": ("unit/test_readings.py", "unit/test_cells.py"),
    "values/ratings": ("unit/test_ratings.py", "unit/test_readings.py"),
    "values/dates": ("unit/test_dates.py", "unit/test_readings.py", "unit/test_cells.py", "unit/test_validation.py"),
    "rows/formulas": ("unit/test_error_file.py",),
    "rows/redisplay": ("unit/test_redisplay.py",),
    "rows/shown_dates": ("unit/test_redisplay.py",),
    "rows/row_rules": (
        "unit/test_validation.py",
        "unit/test_readings.py",
        "unit/test_dates.py",
        "stages/test_values.py",
    ),
    "database/publishing/reconciliation": ("stages/test_outcomes.py", "stages/test_import.py"),
    "database/publishing/merge_sql": (
        "stages/test_outcomes.py",
        "stages/test_people_who_go.py",
        "stages/test_import.py",
        "stages/test_stragglers.py",
    ),
}
"""The tests that must notice a mistake in a module."""


class _Mutated(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Loads one module from a tree in place of its file."""

    def __init__(self, name: str, file: Path, tree: ast.Module) -> None:
        self._name, self._file, self._tree = name, file, tree

    def find_spec(self, name: str, _path: object, _target: object = None) -> ModuleSpec | None:
        return importlib.util.spec_from_file_location(name, self._file, loader=self) if name == self._name else None

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self._tree, str(self._file), "exec"), module.__dict__)  # noqa: S102


def survives(module: str, tree: ast.Module, within_seconds: float) -> bool:
    """Whether the module's tests pass, in time, with this tree in place of the module."""
    child = os.fork()
    if child == 0:
        _run_tests(module, tree)
    deadline = time.monotonic() + within_seconds
    while time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status == 0
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def _run_tests(module: str, tree: ast.Module) -> NoReturn:
    """Run the tests in the child process, which has not imported anything of ours yet."""
    import pytest

    os.setpgid(0, 0)
    silence = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(silence, stream)
    sys.meta_path.insert(0, _Mutated(f"ingestion.{module.replace('/', '.')}", CORE / f"{module}.py", tree))
    sys.dont_write_bytecode = True
    tests = [f"tests/{each}" for each in TESTS[module]]
    code = 1
    try:
        code = int(pytest.main(["-x", "-p", "no:cacheprovider", "-p", "no:xdist", *tests]))
    finally:
        os._exit(code)


def _warm_up() -> None:
    """Import once what every child needs and no mutant touches."""
    for name in (
        "boto3",
        "aws_lambda_powertools",
        "hypothesis",
        "moto",
        "pg8000.native",
        "pydantic",
        "psutil",
        "pytest",
    ):
        importlib.import_module(name)


def survivors(module: str) -> tuple[int, list[Mutation]]:
    """The number of a module's mutants, and those that no test notices."""
    source = (CORE / f"{module}.py").read_text()
    started = time.monotonic()
    if not survives(module, ast.parse(source), LONGEST_SECONDS):
        raise SystemExit(f"{module}: its tests fail without any mutant")
    # A mutant that makes the tests run forever counts as noticed; a busy machine gets extra time.
    patience = 30 + 10 * (time.monotonic() - started)
    found = [*mutations(source)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        lived = [*pool.map(lambda mutant: survives(module, mutant.tree, patience), found)]
    return len(found), [mutant for mutant, is_alive in zip(found, lived, strict=True) if is_alive]


def main(names: Sequence[str]) -> None:
    """Print the score of each module, and its survivors."""
    os.chdir(ROOT)
    _warm_up()
    for module in TESTS:
        if names and module.rpartition("/")[2] not in names:
            continue
        total, alive = survivors(module)
        print(f"{module}: {total - len(alive)} of {total} mutants noticed", flush=True)
        for mutant in alive:
            print(f"  line {mutant.line}: {mutant.change}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
