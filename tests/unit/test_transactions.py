"""No error is swallowed inside of a transaction: the server would commit nothing of it.

What is called in a transaction and goes on after a failed statement, as `staging.copy` does, goes back to a savepoint
first; if it did not, `transaction` itself would raise.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted(
    path for folder in ("functions", "layers/common/ingestion", "local") for path in (ROOT / folder).rglob("*.py")
)


def opens_transaction(node: ast.AST) -> bool:
    return isinstance(node, ast.With) and any(
        isinstance(call, ast.Call) and ast.unparse(call.func).rpartition(".")[2] == "transaction"
        for item in node.items
        for call in ast.walk(item.context_expr)
    )


def swallows(node: ast.AST) -> bool:
    """Whether an error may end here: an `except` that does not always raise, or `suppress`."""
    if isinstance(node, ast.ExceptHandler):
        return not isinstance(node.body[-1], ast.Raise)
    return isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "suppress"


def swallowed_in_transactions(tree: ast.AST) -> Iterator[int]:
    """The lines of *tree* at which an error may be swallowed in the block of a transaction itself."""
    for block in filter(opens_transaction, ast.walk(tree)):
        yield from (node.lineno for inner in block.body for node in ast.walk(inner) if swallows(node))  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", [pytest.param(path, id=str(path.relative_to(ROOT))) for path in SOURCES])
def test_no_transaction_goes_on_after_an_error(path: Path) -> None:
    assert not list(swallowed_in_transactions(ast.parse(path.read_text())))


@pytest.mark.parametrize(
    "body",
    [
        "with transaction(db):\n    try:\n        run()\n    except DatabaseError:\n        pass",
        "with transaction(db):\n    with suppress(Unavailable):\n        run()",
        "with other(), connection.transaction(db) as one:\n    for x in y:\n        try:\n            run()\n"
        "        except DatabaseError:\n            raise Broken from None\n"
        "        except OSError:\n            go_on()",
    ],
)
def test_a_swallowed_error_would_be_noticed(body: str) -> None:
    assert len(list(swallowed_in_transactions(ast.parse(body)))) == 1
