"""A deploy finds an order: what SAM makes of the template, whatever the parameters, leads nowhere in a circle.

Neither cfn-lint nor `sam validate` follows what SAM adds, and the emulator makes nothing of what a laptop does without.
"""

import copy
import json
import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

import pytest
from samtranslator.public.translator import ManagedPolicyLoader
from samtranslator.translator.transform import transform

from tests.template.documents import TEMPLATES, document

LOCAL_PATHS = ("CodeUri", "ContentUri", "DefinitionUri")


class _NoIam:
    """SAM's translator asks for the ARNs of AWS's managed policies, of which the template names none."""

    def get_paginator(self, _name: str) -> Any:
        raise AssertionError("the template names a managed policy of AWS")


@pytest.fixture(autouse=True)
def somewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-north-1")


def transformed(file: str) -> dict[str, Any]:
    """The resources as CloudFormation gets to see them, every condition taken for true."""
    body = copy.deepcopy(document(file))
    if "Transform" not in body:
        return dict(body["Resources"])
    for one in body["Resources"].values():
        for key in LOCAL_PATHS:
            if isinstance(one.get("Properties", {}).get(key), str):
                one["Properties"][key] = "s3://bucket/key"
    defaults = {name: str(one.get("Default", "")) for name, one in body["Parameters"].items()}
    made = transform(body, defaults, ManagedPolicyLoader(_NoIam()))
    return dict(made["Resources"])


def named(value: Any) -> Iterator[str]:
    """The logical ids that a property names, in either branch of an If."""
    if isinstance(value, list):
        for one in value:
            yield from named(one)
    if not isinstance(value, dict):
        return
    for key, inner in value.items():
        if key == "Ref":
            yield str(inner)
        elif key == "Fn::GetAtt":
            yield str(inner[0] if isinstance(inner, list) else inner.split(".")[0])
        elif key == "Fn::Sub":
            text, given = inner if isinstance(inner, list) else (inner, {})
            yield from (name.split(".")[0] for name in re.findall(r"\$\{([\w.]+)\}", text) if name not in given)
            yield from named(given)
        else:
            yield from named(inner)


def dependencies(resources: dict[str, Any]) -> dict[str, set[str]]:
    """What must be there before each resource."""
    return {
        name: {*named(one.get("Properties")), *_listed(one.get("DependsOn", []))} & resources.keys()
        for name, one in resources.items()
    }


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


@pytest.mark.parametrize("file", TEMPLATES)
def test_no_resource_waits_for_itself(file: str) -> None:
    try:
        TopologicalSorter(dependencies(transformed(file))).prepare()
    except CycleError as circle:
        pytest.fail(" -> ".join(circle.args[1]))


def test_a_circle_is_found() -> None:
    resources = {
        "A": {"DependsOn": "B"},
        "B": {"Properties": {"X": {"Fn::Sub": "${C.Arn}/*"}}},
        "C": {"DependsOn": ["A"]},
    }
    with pytest.raises(CycleError):
        TopologicalSorter(dependencies(resources)).prepare()


def test_the_schema_is_there_before_whoever_needs_it_and_after_the_right_to_connect() -> None:
    order = list(TopologicalSorter(dependencies(transformed("template.yaml"))).static_order())
    assert order.index("Database") < order.index("Schema") < order.index("Intake") < order.index("Files")


def asked_of(stack: str, value: Any) -> set[str]:
    """The outputs of a nested stack that are used: `!GetAtt Stack.Outputs.X`, or the same inside a `!Sub`."""
    text = json.dumps(value)
    got = re.findall(rf'"{stack}", "Outputs\.(\w+)"', text)
    return {*got, *re.findall(rf"\$\{{{stack}\.Outputs\.(\w+)\}}", text)}


@pytest.mark.parametrize("file", TEMPLATES)
def test_a_nested_stack_is_given_what_it_asks_for_and_says_what_it_is_asked(file: str) -> None:
    folder = Path(file).parent
    for name, one in document(file)["Resources"].items():
        if one["Type"] == "AWS::CloudFormation::Stack":
            nested = document((folder / one["Properties"]["TemplateURL"]).as_posix())
            asked = {each for each, about in nested.get("Parameters", {}).items() if "Default" not in about}
            given = one["Properties"].get("Parameters", {}).keys()
            assert asked <= given <= nested.get("Parameters", {}).keys(), name
            assert asked_of(name, document(file)) <= nested.get("Outputs", {}).keys(), name
