"""What functions call of AWS, read from the code that each imports, against what they reach from where they are.

tests/stages/test_reach.py runs the functions and looks at the clients that they make.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.template.documents import ROOT, document, functions, resources, snake_case
from tests.template.test_order import transformed

PLACES = (ROOT / "functions", ROOT / "layers/common")
GIVEN_DATABASE = "secretsmanager"
"""Called only for the secret of an existing database, whose network is the operator's."""


@cache
def imported(file: Path) -> frozenset[Path]:
    """The modules of ours that a module imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        found |= {path for name in names for path in (_file(name),) if path}
    return frozenset(found)


def _file(module: str) -> Path | None:
    paths = [place / f"{module.replace('.', '/')}.py" for place in PLACES]
    return next((path for path in paths if path.exists()), None)


def reached_from(file: Path) -> set[Path]:
    """A module, and all that it imports, directly or not."""
    found, ahead = set[Path](), [file]
    while ahead:
        one = ahead.pop()
        if one not in found:
            found.add(one)
            ahead += imported(one)
    return found


def clients_of(file: Path) -> Iterator[str]:
    """The services that a module makes a client or a resource of."""
    for node in ast.walk(ast.parse(file.read_text())):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in ("client", "resource")
        ):
            (service, *_) = node.args
            assert isinstance(service, ast.Constant), f"{file}: a service that only the run knows"
            yield str(service.value)


def services_of(name: str) -> set[str]:
    """The services that a function's code may call."""
    start = ROOT / "functions" / snake_case(name) / "app.py"
    return {service for file in reached_from(start) for service in clients_of(file)}


def is_in_network(name: str) -> bool:
    """Whether a function has the VpcConfig of Globals."""
    return bool(functions()[name]["VpcConfig"] != {"Ref": "AWS::NoValue"})


def endpoints() -> set[str]:
    """The services that the stack's own network has a way to."""
    found = resources("AWS::EC2::VPCEndpoint", "infra/network.yaml").values()
    return {one["Properties"]["ServiceName"]["Fn::Sub"].rpartition(".")[2] for one in found}


def test_the_network_costs_nothing() -> None:
    (endpoint,) = resources("AWS::EC2::VPCEndpoint", "infra/network.yaml").values()
    assert endpoint["Properties"]["VpcEndpointType"] == "Gateway"
    assert endpoints() == {"s3"}


@pytest.mark.parametrize("name", [name for name in functions() if is_in_network(name)])
def test_a_function_in_the_network_calls_what_it_reaches(name: str) -> None:
    assert services_of(name) - {GIVEN_DATABASE} <= endpoints()


def test_what_needs_more_is_outside_and_has_no_way_to_the_database() -> None:
    outside = {name for name in functions() if not is_in_network(name)}
    assert outside == {"Dispatch", "SignIn"}
    assert services_of("Dispatch") == {"stepfunctions", "events", "lambda"}
    for name in outside:
        modules = reached_from(ROOT / "functions" / snake_case(name) / "app.py")
        assert not [path for path in modules if "database" in path.parts]


def test_no_function_is_told_of_a_secret_but_that_of_a_given_database() -> None:
    for function in [document("template.yaml")["Globals"]["Function"], *functions().values()]:
        for name, value in function.get("Environment", {}).get("Variables", {}).items():
            if name.endswith("SECRET_ARN") and value != {"Ref": "DatabaseSecretArn"}:
                _, output = value["Fn::GetAtt"]
                given = document("infra/database.yaml")["Outputs"][output.removeprefix("Outputs.")]["Value"]
                assert "Fn::GetAtt" not in str(given)


def test_a_call_is_found_behind_imports() -> None:
    assert services_of("Intake") >= {"s3"}
    assert ROOT / "layers/common/ingestion/aws/s3.py" in reached_from(ROOT / "functions/stage/app.py")


@pytest.fixture(autouse=True)
def somewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-north-1")


NOTIFYING = {"Api", "Undo"}
"""The API wakes Dispatch itself, and EventBridge reports the end of the workflow that Undo is a state of."""


def test_what_writes_into_the_outbox_without_the_workflow_hands_its_answer_to_dispatch() -> None:
    """Lambda does so for asynchronous invocations, by events and schedules, and needs the right to."""
    made = transformed("template.yaml")
    configured = {
        one["Properties"]["FunctionName"]["Ref"]: one["Properties"]["DestinationConfig"]
        for one in made.values()
        if one["Type"] == "AWS::Lambda::EventInvokeConfig"
    }
    dispatch = {"Fn::GetAtt": ["Dispatch", "Arn"]}
    assert configured == {name: {"OnSuccess": {"Destination": dispatch}} for name in writers() - NOTIFYING}
    for name in configured:
        policies = made[f"{name}Role"]["Properties"]["Policies"]
        statements = [statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]]
        assert {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": dispatch} in statements


def writers() -> set[str]:
    """The functions whose own modules write messages, unless they wake Dispatch themselves."""
    texts = {path: path.read_text() for path in ROOT.glob("functions/*/*.py")}
    folders = {
        path.parent.name for path, text in texts.items() if "outbox.add(" in text and "wake_dispatch(" not in text
    }
    return {name for name in functions() if snake_case(name) in folders}
