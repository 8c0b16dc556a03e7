"""Makes small mistakes in a module: each is a copy of its syntax tree with one change."""

import ast
import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_COMPARED: Final[dict[type[ast.cmpop], ast.cmpop]] = {
    ast.Lt: ast.LtE(),
    ast.LtE: ast.Lt(),
    ast.Gt: ast.GtE(),
    ast.GtE: ast.Gt(),
    ast.Eq: ast.NotEq(),
    ast.NotEq: ast.Eq(),
    ast.Is: ast.IsNot(),
    ast.IsNot: ast.Is(),
    ast.In: ast.NotIn(),
    ast.NotIn: ast.In(),
}
_COMPUTED: Final[dict[type[ast.operator], ast.operator]] = {
    ast.Add: ast.Sub(),
    ast.Sub: ast.Add(),
    ast.Mult: ast.Add(),
    ast.Div: ast.Mult(),
    ast.FloorDiv: ast.Mult(),
    ast.Mod: ast.Add(),
}
_SQL: Final = re.compile(r"\b(?:SELECT|WHERE|AND|JOIN|UPDATE|INSERT|DELETE|BETWEEN|EXISTS)\b")
_NO: Final = (None, False)
_OF_SQL: Final = (
    (r"\bIS NOT DISTINCT FROM\b", "IS DISTINCT FROM"),
    (r"\bIS DISTINCT FROM\b", "IS NOT DISTINCT FROM"),
    (r"\bIS NOT NULL\b", "IS NULL"),
    (r"\bIS NULL\b", "IS NOT NULL"),
    (r"\bNOT EXISTS\b", "EXISTS"),
    (r"(?<!NOT )\bEXISTS\b", "NOT EXISTS"),
    (r"\bLEFT JOIN\b", "JOIN"),
    (r"\bAND\b", "OR"),
    (r"\bOR\b", "AND"),
    (r"(?<= )=(?= )", "<>"),
    (r"(?<= )<>(?= )", "="),
    (r"(?<= )<(?= )", "<="),
    (r"(?<= )>(?= )", ">="),
    (r"\bDESC\b", "ASC"),
    (r"\bDISTINCT ON\b", "ALL"),
    (r"\bmin\(", "max("),
    (r"\bmax\(", "min("),
)


@dataclass(frozen=True)
class Mutation:
    """One mistake and its place."""

    line: int
    change: str
    tree: ast.Module


def mutations(source: str) -> Iterator[Mutation]:
    """All mistakes, in file order; docstrings and annotations stay as they are."""
    whole = ast.parse(source)
    skipped = {id(inner) for node in ast.walk(whole) for part in _left_alone(node) for inner in ast.walk(part)}
    for position, node in enumerate(ast.walk(whole)):
        if id(node) in skipped:
            continue
        for changed in _changes(node):
            tree = copy.deepcopy(whole)
            _replace(tree, position, changed)
            change = f"{_written(node)} -> {_written(changed)}"
            yield Mutation(getattr(node, "lineno", 0), change, ast.fix_missing_locations(tree))


def _left_alone(node: ast.AST) -> Iterator[ast.AST]:
    """Nodes that are left alone: strings that stand alone, annotations, and settings of dataclasses and models.

    So is the `strict=True` of `zip`: what is zipped has one length, or it fails in another way.
    """
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        yield node.value
    if isinstance(node, ast.AnnAssign | ast.arg) and node.annotation:
        yield node.annotation
    if isinstance(node, ast.FunctionDef):
        yield from filter(None, (node.returns, *node.decorator_list))
    if isinstance(node, ast.ClassDef):
        yield from node.decorator_list
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "ConfigDict":
        yield node
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "zip":
        yield from (keyword.value for keyword in node.keywords)


def _changes(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Compare(ops=[operator, *_]) if type(operator) in _COMPARED:
            changed = copy.deepcopy(node)
            changed.ops[0] = _COMPARED[type(operator)]
            yield changed
        case ast.BoolOp(op=operator, values=values):
            yield ast.BoolOp(ast.Or() if isinstance(operator, ast.And) else ast.And(), values)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield operand
        case ast.BinOp(left=left, op=operator, right=right) if type(operator) in _COMPUTED:
            yield ast.BinOp(left, _COMPUTED[type(operator)], right)
        case ast.IfExp(test=test, body=body, orelse=orelse):
            yield ast.IfExp(test, orelse, body)
        # To callers, None is as good as False; another mutant returns True.
        case ast.Return(value=value) if not (isinstance(value, ast.Constant) and value.value in _NO):
            yield ast.Return(ast.Constant(None)) if value else ast.Pass()
        case ast.Constant(value=bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(value=int(value)):
            yield ast.Constant(value + 1)
        case ast.Constant(value=str(value)) if _SQL.search(value):
            yield from map(ast.Constant, _other_sql(value))


def _other_sql(text: str) -> Iterator[str]:
    for pattern, other in _OF_SQL:
        for found in re.finditer(pattern, text):
            yield text[: found.start()] + other + text[found.end() :]


def _replace(tree: ast.Module, position: int, changed: ast.AST) -> None:
    """Replace the node at this position of a walk with *changed*."""
    old = [*ast.walk(tree)][position]
    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            if value is old:
                setattr(parent, name, changed)
            elif isinstance(value, list) and any(each is old for each in value):
                value[[each is old for each in value].index(True)] = changed


def _written(node: ast.AST) -> str:
    return " ".join(ast.unparse(node).split())[:160]
