"""One deploy gives everything or uses what is there: rules of its parameters, its stacks, and what outlives them."""

import re
from typing import Any

import pytest

from tests.template.documents import ROOT, TEMPLATES, document

SECRET = "arn:aws:secretsmanager:eu-north-1:123456789012:secret:somebodys"  # noqa: S105
VPC = {"VpcId": "vpc-1", "SubnetIds": "subnet-1,subnet-2"}
OIDC = {"Authentication": "oidc", "OidcIssuer": "https://id.example.org", "OidcAudience": "kintell"}


def evaluated(expression: Any, given: dict[str, str]) -> Any:
    """A rule's or a condition's expression for parameters as given, and their defaults."""
    if not isinstance(expression, dict):
        return expression
    ((function, argument),) = expression.items()
    if function == "Ref":
        return given.get(argument, document("template.yaml")["Parameters"][argument].get("Default"))
    if function == "Condition":
        return evaluated(document("template.yaml")["Conditions"][argument], given)
    values = [evaluated(one, given) for one in argument]
    results = {
        "Fn::Equals": values[0] == values[-1],
        "Fn::And": all(values),
        "Fn::Or": any(values),
        "Fn::Not": not values[0],
    }
    return results[function]


def complaints(given: dict[str, str]) -> list[str]:
    """What the rules say of a combination of parameters."""
    return [
        assertion["AssertDescription"]
        for rule in document("template.yaml")["Rules"].values()
        if evaluated(rule.get("RuleCondition", True), given)
        for assertion in rule["Assertions"]
        if not evaluated(assertion["Assert"], given)
    ]


def made(given: dict[str, str]) -> set[str]:
    """The resources that depend on a condition and are made for these parameters."""
    resources = document("template.yaml")["Resources"]
    return {
        name
        for name, one in resources.items()
        if "Condition" in one and evaluated({"Condition": one["Condition"]}, given)
    }


@pytest.mark.parametrize(
    ("given", "nested"),
    [
        pytest.param({}, {"Network", "Database", "SignIn"}, id="an empty account"),
        pytest.param(VPC, {"Database", "SignIn"}, id="in a VPC that is there"),
        pytest.param({"DatabaseSecretArn": SECRET, **VPC}, {"SignIn"}, id="with a database in that VPC"),
        pytest.param({"DatabaseSecretArn": SECRET}, {"SignIn"}, id="with a database outside any VPC"),
        pytest.param(OIDC, {"Network", "Database"}, id="with people of somebody else's"),
        pytest.param({"DatabaseSecretArn": SECRET, "Authentication": "none"}, set(), id="the local system"),
    ],
)
def test_a_deploy_makes_what_is_not_there(given: dict[str, str], nested: set[str]) -> None:
    assert complaints(given) == []
    stacks = {
        name
        for name, one in document("template.yaml")["Resources"].items()
        if one["Type"] == "AWS::CloudFormation::Stack" and name not in ("Operations", "Entrance")
    }
    assert made(given) & stacks == nested
    assert ("FunctionsSecurityGroup" in made(given)) == ("DatabaseSecretArn" not in given or "VpcId" in given)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        pytest.param({"VpcId": "vpc-1"}, "give both, or neither", id="a VPC without subnets"),
        pytest.param({"SubnetIds": "subnet-1,subnet-2"}, "give both, or neither", id="subnets of no VPC"),
        pytest.param({**OIDC, "OidcIssuer": ""}, "whose tokens are taken", id="no issuer"),
        pytest.param({**OIDC, "OidcAudience": ""}, "whom the tokens are for", id="no audience"),
        pytest.param({"OidcClientId": "kintell"}, "Authentication=oidc only", id="a client of no issuer"),
        pytest.param({**OIDC, "Authentication": "cognito"}, "Authentication=oidc only", id="an issuer that is ignored"),
        pytest.param({"DatabaseOwnerSecretArn": SECRET}, "as whom the functions connect", id="an owner of no database"),
        pytest.param({"Authentication": "none"}, "for the local system", id="open to everyone, with its own database"),
    ],
)
def test_a_wrong_combination_is_refused_with_a_sentence(given: dict[str, str], sentence: str) -> None:
    (said,) = complaints(given)
    assert sentence in said


def test_the_database_is_never_asked_to_grow_to_less_than_it_has() -> None:
    least, most = (document("template.yaml")["Parameters"][f"Database{which}Capacity"] for which in ("Min", "Max"))
    assert least["MaxValue"] <= most["MinValue"]


def test_every_parameter_is_described_grouped_and_may_be_left_out() -> None:
    body = document("template.yaml")
    groups = body["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    assert sorted(name for group in groups for name in group["Parameters"]) == sorted(body["Parameters"])
    for parameter in body["Parameters"].values():
        assert parameter["Description"]
        assert "Default" in parameter


@pytest.mark.parametrize(
    ("name", "is_taken"),
    [
        ("kintell-ingest", True),
        ("kintell-ingest-dev", True),
        ("k" * 38, True),
        ("k" * 39, False),
        ("Kintell", False),
        ("kintell-", False),
    ],
)
def test_a_name_that_no_bucket_can_begin_with_is_refused_before_anything_is_made(name: str, is_taken: bool) -> None:
    parameter = document("infra/key.yaml")["Parameters"]["SystemName"]
    assert bool(re.fullmatch(parameter["AllowedPattern"], name)) == is_taken
    # The longest name of a bucket; 63 is S3's limit.
    assert not is_taken or len(f"{name}-access-logs-123456789012") <= 63


@pytest.mark.parametrize("file", TEMPLATES)
def test_nothing_that_holds_data_goes_with_its_stack(file: str) -> None:
    holders = {"AWS::S3::Bucket", "AWS::RDS::DBCluster", "AWS::KMS::Key", "AWS::Cognito::UserPool"}
    for name, one in document(file)["Resources"].items():
        if one["Type"] in holders:
            kept = {one.get("DeletionPolicy"), one.get("UpdateReplacePolicy")}
            assert kept <= {"Retain", "Snapshot"}, name


@pytest.mark.parametrize("file", TEMPLATES)
def test_a_file_can_be_read_in_one_sitting(file: str) -> None:
    assert len((ROOT / file).read_text().splitlines()) <= 745


def test_who_signs_browsers_in_stands_outside_of_the_network() -> None:
    assert document("template.yaml")["Resources"]["Admit"]["Properties"]["VpcConfig"] == {"Ref": "AWS::NoValue"}


def test_the_network_has_no_way_out() -> None:
    kinds = {one["Type"] for one in document("infra/network.yaml")["Resources"].values()}
    assert not kinds & {"AWS::EC2::InternetGateway", "AWS::EC2::NatGateway", "AWS::EC2::Route", "AWS::EC2::EIP"}


def test_all_functions_that_connect_may_connect() -> None:
    resources = document("template.yaml")["Resources"]
    functions = {name for name, one in resources.items() if one["Type"] == "AWS::Serverless::Function"}
    roles = resources["MayConnect"]["Properties"]["Roles"]
    assert {role["Ref"] for role in roles} == {f"{name}Role" for name in functions - {"Migrate", "Admit"}}


def test_the_api_takes_tokens_and_only_what_browsers_begin_at_takes_none() -> None:
    guards = {
        one["Properties"]["RouteKey"]: one["Properties"]["AuthorizationType"]
        for file in ("infra/api.yaml", "infra/entrance.yaml")
        for one in document(file)["Resources"].values()
        if one["Type"] == "AWS::ApiGatewayV2::Route"
    }
    token = {"Fn::If": ["IsGuarded", "JWT", "NONE"]}
    assert guards == {
        "ANY /v1/{proxy+}": token,
        "GET /openapi.json": token,
        "GET /health": "NONE",
        # Pages: the function closes them (tests/serve/test_visitors.py).
        "$default": "NONE",
        "GET /login": "NONE",
        "GET /callback": "NONE",
        "GET /logout": "NONE",
        "POST /logout": "NONE",
    }
