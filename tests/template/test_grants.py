"""What each function's role may do, reviewed here: a grant more or less than the code needs fails."""

import re
from typing import Any

import pytest

from tests.template.documents import functions, resources, state_machine_properties

UPLOADS, WORK, ERRORS = "uploads/incoming/*", "work/work/*", "work/errors/*"
IMPORT = "stateMachine:import-batch"
EVENTS = "event-bus/default"
READ_VERSION = {"s3:GetObject", "s3:GetObjectVersion"}
WRITE_PARTS = {"s3:PutObject", "s3:AbortMultipartUpload"}

REVIEWED: dict[str, dict[str, set[str]]] = {
    "Migrate": {},
    "Watch": {},
    "Intake": {
        UPLOADS: READ_VERSION,
        # Without it, S3 says of an object that is gone that access is denied.
        "uploads": {"s3:ListBucket"},
        # What it has unpacked itself, it reads again to find programme and instance.
        WORK: {"s3:GetObject", *WRITE_PARTS},
        IMPORT: {"states:StartExecution"},
        EVENTS: {"events:PutEvents"},
    },
    "Stage": {UPLOADS: READ_VERSION, WORK: {"s3:GetObject", "s3:PutObject"}},
    "Weigh": {WORK: {"s3:PutObject"}},
    "Explain": {UPLOADS: READ_VERSION, WORK: {"s3:GetObject", "s3:PutObject"}},
    "Merge": {},
    "Settle": {WORK: {"s3:GetObject"}, ERRORS: WRITE_PARTS, EVENTS: {"events:PutEvents"}},
    # To show the row behind a session, it reads the upload.
    "Serve": {UPLOADS: {"s3:PutObject", *READ_VERSION}, "uploads": {"s3:ListBucket"}, ERRORS: {"s3:GetObject"}},
    "CleanUp": {
        UPLOADS: {"s3:DeleteObject", "s3:DeleteObjectVersion"},
        WORK: {"s3:DeleteObject", "s3:PutObject"},
        IMPORT: {"states:StartExecution"},
        ERRORS: {"s3:DeleteObject"},
    },
}
"""By resource, shortened. Beside these, all read the database's secret and may connect to the stack's own database."""

DATABASE_SECRET = {
    "Fn::If": [
        "MakesDatabase",
        {"Fn::GetAtt": ["Database", "Outputs.ConnectionArn"]},
        {"Ref": "DatabaseSecretArn"},
    ]
}

OF_THE_STATE_MACHINE: dict[str, set[str]] = {
    WORK: {"s3:GetObject"},
    IMPORT: {"states:StartExecution"},
    "execution:import-batch/*": {"states:DescribeExecution", "states:StopExecution"},
}
"""Beside the functions that it calls."""

_SHORTENINGS = (
    (r"^\$\{UploadsBucket\.Arn\}", "uploads"),
    (r"^\$\{WorkBucket\.Arn\}", "work"),
    (r"^arn:\$\{AWS::Partition\}:s3:::\$\{AWS::StackName\}-(uploads|work)-\$\{AWS::AccountId\}", r"\1"),
    (r"^arn:\$\{AWS::Partition\}:events:\$\{AWS::Region\}:\$\{AWS::AccountId\}:", ""),
    (r"^arn:\$\{AWS::Partition\}:states:\$\{AWS::Region\}:\$\{AWS::AccountId\}:(\w+):\$\{AWS::StackName\}-", r"\1:"),
)


def listed(value: Any) -> list[Any]:
    """What may be one or a list of many, as a list."""
    return value if isinstance(value, list) else [value]


def shortened(resource: Any) -> str:
    """An ARN without what is the same in every one."""
    text = str(resource["Fn::Sub"] if isinstance(resource, dict) else resource)
    for pattern, short in _SHORTENINGS:
        text = re.sub(pattern, short, text)
    return text


def statements(policies: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The statements that are written out."""
    return [one for policy in policies for one in listed(policy.get("Statement", []))]


def granted(policies: list[dict[str, Any]]) -> dict[str, set[str]]:
    """The actions that the statements allow, by resource."""
    actions: dict[str, set[str]] = {}
    for statement in statements(policies):
        for resource in listed(statement["Resource"]):
            actions.setdefault(shortened(resource), set()).update(listed(statement["Action"]))
    return actions


def test_every_function_has_been_reviewed() -> None:
    assert functions().keys() == REVIEWED.keys()


@pytest.mark.parametrize("name", REVIEWED)
def test_a_function_may_do_what_it_does_and_no_more(name: str) -> None:
    policies = functions()[name]["Policies"]
    templates = [policy for policy in policies if "Statement" not in policy]
    assert granted(policies) == REVIEWED[name]
    assert templates == [{"AWSSecretsManagerGetSecretValuePolicy": {"SecretArn": DATABASE_SECRET}}]
    assert "Role" not in functions()[name]


def test_to_connect_is_all_that_is_allowed_to_every_function_at_once() -> None:
    ((_, policy),) = resources("AWS::IAM::ManagedPolicy").items()
    (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
    assert statement == {
        "Effect": "Allow",
        "Action": "rds-db:connect",
        "Resource": {"Fn::GetAtt": ["Database", "Outputs.ConnectArn"]},
    }
    assert not resources("AWS::IAM::Policy")
    assert not resources("AWS::IAM::Role")


def test_the_state_machine_may_do_what_it_does_and_no_more() -> None:
    policies = state_machine_properties()["Policies"]
    assert granted(policies) == OF_THE_STATE_MACHINE
    assert {kind for policy in policies for kind in policy} == {"LambdaInvokePolicy", "Statement"}


@pytest.mark.parametrize("name", [*REVIEWED, "ImportBatch"])
def test_no_grant_is_for_everything(name: str) -> None:
    policies = state_machine_properties()["Policies"] if name == "ImportBatch" else functions()[name]["Policies"]
    for statement in statements(policies):
        assert statement["Effect"] == "Allow"
        assert not {"NotAction", "NotResource"} & statement.keys()
        assert not [action for action in listed(statement["Action"]) if "*" in action]
    for resource in granted(policies):
        assert "*" not in resource.removesuffix("/*")
        assert resource != "*"


@pytest.mark.parametrize("name", sorted(resources("AWS::Lambda::Permission")))
def test_who_may_call_a_function_is_one_resource_of_ours(name: str) -> None:
    permission = resources("AWS::Lambda::Permission")[name]["Properties"]
    assert permission["Action"] == "lambda:InvokeFunction"
    assert permission["SourceArn"]
