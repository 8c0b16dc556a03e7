"""What each function's code calls of AWS, read from the code, against what its role may do: neither more nor less.

The reading follows names from definition to definition, so that a function that imports `s3` for one call has not
called all of it. test_grants.py says on which resources.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.template.documents import ROOT, functions, snake_case
from tests.template.test_grants import granted
from tests.template.test_network import PLACES

ACTIONS = {
    "get_object": {"s3:GetObject"},
    "head_object": {"s3:GetObject"},
    "put_object": {"s3:PutObject"},
    "create_multipart_upload": {"s3:PutObject"},
    "upload_part": {"s3:PutObject"},
    "complete_multipart_upload": {"s3:PutObject"},
    "abort_multipart_upload": {"s3:AbortMultipartUpload"},
    "upload_part_copy": {"s3:PutObject", "s3:GetObject"},
    "delete_object": {"s3:DeleteObject"},
    "delete_objects": {"s3:DeleteObject"},
    "list_parts": {"s3:ListMultipartUploadParts"},
    "start_execution": {"states:StartExecution"},
    "put_events": {"events:PutEvents"},
    "invoke": {"lambda:InvokeFunction"},
    "get_secret_value": {"secretsmanager:GetSecretValue"},
}
"""By method of a client: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html"""

OF_VERSIONS = {"s3:GetObject": "s3:GetObjectVersion", "s3:DeleteObject": "s3:DeleteObjectVersion"}
"""What the same method needs where it names a version, which only the run knows."""
GRANTED_APART = {"secretsmanager:GetSecretValue", "lambda:InvokeFunction"}
"""By a nested stack's policy, or a template of SAM's; test_grants.py looks at them."""
NOT_CALLED = {"s3:ListBucket"}
"""Granted so that S3 says 404 of what is gone."""

Definition = tuple[Path, str]


@cache
def tree(file: Path) -> ast.Module:
    """A module, parsed."""
    return ast.parse(file.read_text())


@cache
def file_of(module: str) -> Path | None:
    """The file of a module of ours."""
    paths = [place / f"{module.replace('.', '/')}.py" for place in PLACES]
    return next((path for path in paths if path.exists()), None)


@cache
def names_of(file: Path) -> dict[str, Definition]:
    """What each name of a module stands for: a definition of its own or of another module, or ("", a whole module)."""
    found: dict[str, Definition] = {}
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                module, source = file_of(f"{node.module}.{alias.name}"), file_of(node.module)
                if module or source:
                    found[alias.asname or alias.name] = (module, "") if module else (source or file, alias.name)
    return found | {name: (file, name) for name in bodies(file)}


@cache
def bodies(file: Path) -> dict[str, ast.AST]:
    """A module's functions, classes and constants by name."""
    found: dict[str, ast.AST] = {}
    for node in tree(file).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found[node.name] = node
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {target.id: node for target in targets if isinstance(target, ast.Name)}
    return found


def uses(definition: Definition) -> Iterator[Definition]:
    """The definitions of ours that a definition names."""
    file, name = definition
    known = names_of(file)
    for node in ast.walk(bodies(file).get(name, ast.Pass())):
        if isinstance(node, ast.Name) and node.id in known and known[node.id][1]:
            yield known[node.id]
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            module, whole = known.get(node.value.id, (None, "-"))
            if module and not whole:
                yield module, node.attr


def reached_from(start: Definition) -> set[Definition]:
    """A definition, and all that it uses, directly or not."""
    found, ahead = set[Definition](), [start]
    while ahead:
        one = ahead.pop()
        if one not in found:
            found.add(one)
            ahead += uses(one)
    return found


def starts_of(name: str) -> Iterator[Definition]:
    """What a function's own folder defines, routes among it, which nothing names; the API serves the dashboard too."""
    for folder in (snake_case(name), *(["dashboard"] if name == "Api" else [])):
        for file in sorted((ROOT / "functions" / folder).glob("*.py")):
            yield from ((file, defined) for defined in bodies(file))


def called(name: str) -> set[str]:
    """The actions that a function's code needs: `client.method(…)`, or a method's name as a first argument."""
    actions = set[str]()
    for file, defined in set().union(*(reached_from(start) for start in starts_of(name))):
        for node in ast.walk(bodies(file).get(defined, ast.Pass())):
            if isinstance(node, ast.Call):
                named = getattr(node.args[0], "value", None) if node.args else None
                for method in (getattr(node.func, "attr", None), named):
                    actions |= ACTIONS.get(method, set()) if isinstance(method, str) else set()
    return actions


def may(name: str) -> set[str]:
    """The actions that a function's role allows, on whatever resource."""
    return set().union(*granted(functions()[name]["Policies"]).values())


@pytest.mark.parametrize("name", functions())
def test_a_function_may_do_what_its_code_calls(name: str) -> None:
    assert called(name) - GRANTED_APART <= may(name)


@pytest.mark.parametrize("name", functions())
def test_a_function_may_do_nothing_that_its_code_does_not_call(name: str) -> None:
    needed = called(name)
    versions = {OF_VERSIONS[action] for action in needed if action in OF_VERSIONS}
    assert may(name) - NOT_CALLED <= needed | versions


def test_a_call_is_found_where_it_is_made_and_only_there() -> None:
    assert called("Merge") - GRANTED_APART == set()
    assert called("Reconcile") - GRANTED_APART == {"s3:PutObject"}
    assert called("Finalize") >= {"s3:GetObject", "s3:AbortMultipartUpload"}
