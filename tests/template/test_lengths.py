"""Names and texts are no longer than AWS allows, whatever the stack is called, which cfn-lint doesn't know."""

import json
import re
from typing import Any

import pytest

from tests.template.documents import TEMPLATES, document, functions
from tests.template.test_order import transformed
from tests.template.test_two_stacks import somewhere

__all__ = ["somewhere"]

LONGEST_NAME = "k" * 38
"""Of a stack: infra/base.yaml allows no longer one."""
STANDING_FOR = {
    "AWS::StackName": LONGEST_NAME,
    "SystemName": LONGEST_NAME,
    "NamePrefix": LONGEST_NAME,
    "AWS::AccountId": "123456789012",
    "AWS::Region": "ap-northeast-1",
    "AWS::Partition": "aws-us-gov",
    "Suffix": "0" * 12,
    "AnySuffix": "0" * 12,
    "Base.Outputs.Suffix": "0" * 12,
}
"""The longest that each can be; the suffix of buckets is a part of the stack's id or the account's number."""

LIMITS = {
    # By type and property: the quotas page of each service.
    ("AWS::S3::Bucket", "BucketName"): 63,
    ("AWS::StepFunctions::StateMachine", "StateMachineName"): 80,
    ("AWS::Lambda::LayerVersion", "LayerName"): 140,
    ("AWS::Cognito::UserPool", "UserPoolName"): 128,
    ("AWS::Cognito::UserPoolDomain", "Domain"): 63,
    ("AWS::ApiGatewayV2::Api", "Name"): 128,
    ("AWS::CloudWatch::Dashboard", "DashboardName"): 255,
    ("AWS::Lambda::Function", "Description"): 256,
    ("AWS::Lambda::LayerVersion", "Description"): 256,
    ("AWS::EC2::SecurityGroup", "GroupDescription"): 255,
    ("AWS::RDS::DBSubnetGroup", "DBSubnetGroupDescription"): 255,
    ("AWS::RDS::DBParameterGroup", "Description"): 255,
}
ENVIRONMENT_BYTES = 4096
POLICY_CHARACTERS = 6144
"""Of a managed policy; those within a role may have 10,240 together."""


def longest(value: Any) -> str:
    """A text as it is with the longest name of a stack; what another resource gives is left out."""
    if isinstance(value, str):
        return value
    ((function, argument),) = value.items()
    if function == "Ref":
        return STANDING_FOR.get(argument, "")
    if function == "Fn::Sub":
        text, given = (argument, {}) if isinstance(argument, str) else argument
        known = STANDING_FOR | {name: longest(one) for name, one in given.items()}
        return re.sub(r"\$\{([\w:.]+)\}", lambda found: known.get(found[1], ""), text)
    if function == "Fn::Join":
        return str(argument[0]).join(longest(one) for one in argument[1])
    if function == "Fn::If":
        return max((longest(one) for one in argument[1:]), key=len)
    return ""


def measured(file: str) -> dict[tuple[str, str, str], int]:
    """The length of each text that has a limit, by logical id, type and property."""
    return {
        (name, one["Type"], key): len(longest(one["Properties"][key]))
        for name, one in transformed(file).items()
        for kind, key in LIMITS
        if one["Type"] == kind and one.get("Properties", {}).get(key) is not None
    }


@pytest.mark.parametrize("file", TEMPLATES)
def test_a_name_fits_whatever_the_stack_is_called(file: str) -> None:
    too_long = {one: size for one, size in measured(file).items() if size > LIMITS[one[1:]]}
    assert not too_long


def test_names_are_measured() -> None:
    found = {one[1:]: size for file in TEMPLATES for one, size in measured(file).items()}
    assert found["AWS::S3::Bucket", "BucketName"] >= len(f"{LONGEST_NAME}-work-")
    assert found["AWS::StepFunctions::StateMachine", "StateMachineName"] == len(f"{LONGEST_NAME}-import-batch")


@pytest.mark.parametrize("name", functions())
def test_the_variables_of_a_function_fit(name: str) -> None:
    (one,) = [each for logical_id, each in transformed("template.yaml").items() if logical_id == name]
    variables = one["Properties"]["Environment"]["Variables"]
    # An ARN or an address that another resource gives has up to 200 characters.
    size = sum(len(key) + (len(longest(value)) if isinstance(value, str) else 200) for key, value in variables.items())
    assert size <= ENVIRONMENT_BYTES


@pytest.mark.parametrize("file", TEMPLATES)
def test_the_policies_of_a_role_fit(file: str) -> None:
    for name, one in transformed(file).items():
        for policy in one.get("Properties", {}).get("Policies", []) if one["Type"] == "AWS::IAM::Role" else []:
            text = json.dumps(policy["PolicyDocument"])
            # Written out, a name in an ARN takes about as much as the reference to it.
            assert len(re.sub(r"\s", "", text)) <= POLICY_CHARACTERS, name


@pytest.mark.parametrize("file", TEMPLATES)
def test_a_template_fits_into_a_request_or_a_bucket(file: str) -> None:
    body = document(file)
    assert len(json.dumps(body)) <= 1_000_000
    assert len(body.get("Parameters", {})) <= 200
    assert len(body.get("Outputs", {})) <= 200
    assert len(transformed(file)) <= 500
    assert len(body.get("Description", "")) <= 1024
