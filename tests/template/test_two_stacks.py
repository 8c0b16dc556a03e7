"""Two stacks of one account and region, at once or one after the other: no name of one is a name of the other."""

import re
from typing import Any

import pytest

from tests.template.documents import TEMPLATES
from tests.template.test_order import transformed

SAME_EVERYWHERE = {"AWS::Region", "AWS::AccountId", "AWS::Partition", "AWS::URLSuffix"}

INSIDE_ANOTHER = {
    ("AWS::ApiGatewayV2::Authorizer", "Name"),
    ("AWS::ApiGatewayV2::Stage", "StageName"),
    ("AWS::CloudWatch::Alarm", "MetricName"),
    ("AWS::Cognito::UserPoolClient", "ClientName"),
    ("AWS::Cognito::UserPoolGroup", "GroupName"),
    ("AWS::RDS::DBProxyTargetGroup", "TargetGroupName"),
    ("AWS::SNS::Topic", "DisplayName"),
    ("AWS::EC2::VPCEndpoint", "ServiceName"),
    ("AWS::Lambda::Permission", "FunctionName"),
}
"""Names that mean something inside one resource of the stack, or to people, or that are AWS's."""


@pytest.fixture(autouse=True)
def somewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-north-1")


def is_fixed(value: Any) -> bool:
    """Whether a text is the same in every stack: it names no resource and no parameter."""
    if isinstance(value, str):
        return True
    ((function, argument),) = value.items()
    if function == "Ref":
        return argument in SAME_EVERYWHERE
    if function == "Fn::Sub":
        text = argument if isinstance(argument, str) else argument[0]
        return set(re.findall(r"\$\{([\w:.]+)\}", text)) <= SAME_EVERYWHERE
    return False


def fixed_names(file: str) -> set[tuple[str, str, str]]:
    """The resources whose name is the same in every stack: logical id, type, property."""
    return {
        (logical_id, one["Type"], key)
        for logical_id, one in transformed(file).items()
        for key, value in one.get("Properties", {}).items()
        if re.search(r"(Name|Identifier|^Domain)$", key) and value is not None and is_fixed(value)
    }


@pytest.mark.parametrize("file", TEMPLATES)
def test_what_has_a_name_is_named_by_its_stack(file: str) -> None:
    databases = {("AWS::RDS::DBInstance", "DBName"), ("AWS::RDS::DBCluster", "DatabaseName")}
    found = {
        (name, kind, key) for name, kind, key in fixed_names(file) if (kind, key) not in INSIDE_ANOTHER | databases
    }
    assert not found


def test_a_schedule_has_no_name() -> None:
    """SAM names it after function and event, unless OmitName is set."""
    schedules = [one for one in transformed("template.yaml").values() if one["Type"] == "AWS::Scheduler::Schedule"]
    assert len(schedules) == 3
    assert not [one for one in schedules if "Name" in one["Properties"]]


@pytest.mark.parametrize(
    ("value", "fixed"),
    [
        ("kintell", True),
        ({"Fn::Sub": "kintell-${AWS::Region}-${AWS::AccountId}"}, True),
        ({"Fn::Sub": "${AWS::StackName}-uploads"}, False),
        ({"Fn::Sub": ["kintell-${Unique}", {"Unique": {"Ref": "AWS::StackId"}}]}, False),
        ({"Ref": "SystemName"}, False),
    ],
)
def test_a_name_that_is_the_same_in_every_stack_is_found(value: Any, fixed: bool) -> None:
    assert is_fixed(value) == fixed


def test_names_are_looked_at() -> None:
    assert ("Api", "AWS::Lambda::Function", "FunctionName") not in fixed_names("template.yaml")
    assert {kind for _, kind, _ in fixed_names("infra/sign_in.yaml")} >= {"AWS::Cognito::UserPoolGroup"}


@pytest.mark.parametrize("file", TEMPLATES)
def test_what_a_first_deploy_made_that_failed_stands_in_no_way_of_the_next(file: str) -> None:
    """Retain would keep it, and its name."""
    for logical_id, one in transformed(file).items():
        assert one.get("DeletionPolicy") in (None, "Delete", "Snapshot", "RetainExceptOnCreate"), logical_id
