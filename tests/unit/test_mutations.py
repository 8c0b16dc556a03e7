"""The mistakes that make mutants tries, and that what it names is there."""

import ast

import pytest

from tools.mutants import CORE, ROOT, TESTS
from tools.mutations import mutations


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param("a < b", ["a <= b"], id="comparison"),
        pytest.param("a and b", ["a or b"], id="and"),
        pytest.param("not a", ["a"], id="not"),
        pytest.param("a + b", ["a - b"], id="sum"),
        pytest.param("a if b else c", ["c if b else a"], id="choice"),
        pytest.param("a = 7", ["a = 8"], id="number"),
        pytest.param("a = True", ["a = False"], id="truth"),
        pytest.param("def f():\n    return a", ["def f():\n    return None"], id="return"),
        pytest.param("def f():\n    return False", ["def f():\n    return True"], id="return of no"),
        pytest.param("def f():\n    return", ["def f():\n    pass"], id="return of nothing"),
        pytest.param("a = 'SELECT b WHERE c = d'", ["a = 'SELECT b WHERE c <> d'"], id="SQL"),
        pytest.param("a = f'{b} IS NULL AND c'", ["a = f'{b} IS NOT NULL AND c'", "a = f'{b} IS NULL OR c'"], id="f"),
        pytest.param("a: Literal[7] = b", [], id="annotation"),
        pytest.param("'SELECT a AND b'", [], id="docstring"),
        pytest.param("zip(a, b, strict=True)", [], id="strict"),
        pytest.param("a = 'as it = is'", [], id="prose"),
    ],
)
def test_each_mistake_is_one_change(source: str, expected: list[str]) -> None:
    assert [ast.unparse(mutation.tree) for mutation in mutations(source)] == expected


@pytest.mark.parametrize("module", TESTS)
def test_each_module_and_its_tests_are_there(module: str) -> None:
    assert (CORE / f"{module}.py").exists()
    assert all((ROOT / "tests" / test).exists() for test in TESTS[module])
