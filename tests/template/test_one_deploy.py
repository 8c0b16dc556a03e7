"""One deploy gives everything or uses what is there: rules of its parameters, its stacks, and what outlives them."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.template.documents import ROOT, TEMPLATES, document, everywhere

SECRET = "arn:aws:secretsmanager:eu-north-1:123456789012:secret:somebodys"  # noqa: S105
VPC = {"VpcId": "vpc-1", "SubnetIds": "subnet-1,subnet-2"}
LOCAL = {"DatabaseSecretArn": SECRET, "Authentication": "none"}
OIDC = {"Authentication": "oidc", "OidcIssuer": "https://id.example.org", "OidcAudience": "kintell"}


def evaluated(expression: Any, given: dict[str, str], file: str = "template.yaml") -> Any:
    """A rule's, a condition's or a parameter's expression for a template's parameters as given, and their defaults."""
    if not isinstance(expression, dict):
        return expression
    ((function, argument),) = expression.items()
    if function == "Ref" and argument in document(file)["Parameters"]:
        return given.get(argument, document(file)["Parameters"][argument].get("Default"))
    if function == "Condition":
        return evaluated(document(file)["Conditions"][argument], given, file)
    if function == "Fn::If":
        condition, then, otherwise = argument
        return evaluated(then if evaluated({"Condition": condition}, given, file) else otherwise, given, file)
    if function == "Fn::GetAtt" and argument[1].startswith("Outputs."):
        nested, its = inside(argument[0], given, file)
        return evaluated(document(nested)["Outputs"][argument[1].removeprefix("Outputs.")]["Value"], its, nested)
    if function not in ("Fn::Equals", "Fn::And", "Fn::Or", "Fn::Not"):
        return "something that is there once it is made"
    values = [evaluated(one, given, file) for one in argument]
    results = {
        "Fn::Equals": values[0] == values[-1],
        "Fn::And": all(values),
        "Fn::Or": any(values),
        "Fn::Not": not values[0],
    }
    return results[function]


def inside(stack: str, given: dict[str, str], file: str = "template.yaml") -> tuple[str, dict[str, Any]]:
    """The file of a nested stack, and what it is given."""
    properties = document(file)["Resources"][stack]["Properties"]
    nested = (Path(file).parent / properties["TemplateURL"]).as_posix()
    return nested, {key: evaluated(value, given, file) for key, value in properties.get("Parameters", {}).items()}


def complaints(given: dict[str, str]) -> list[str]:
    """What the rules say of a combination of parameters."""
    return [
        assertion["AssertDescription"]
        for rule in document("template.yaml")["Rules"].values()
        if evaluated(rule.get("RuleCondition", True), given)
        for assertion in rule["Assertions"]
        if not evaluated(assertion["Assert"], given)
    ]


def made(given: dict[str, str], file: str = "template.yaml") -> Iterator[str]:
    """The resources that depend on a condition and are made for these parameters, in nested stacks too."""
    for name, one in document(file)["Resources"].items():
        if "Condition" in one and not evaluated({"Condition": one["Condition"]}, given, file):
            continue
        if "Condition" in one:
            yield name
        if one["Type"] == "AWS::CloudFormation::Stack":
            nested, its = inside(name, given, file)
            yield from made(its, nested)


OWN_DATABASE, IN_NETWORK = {"Instance", "DatabaseSecurityGroup"}, {"FunctionsSecurityGroup"}
LARGE = {"Cluster"}
OWN_PEOPLE, GUARDED = {"UserPool", "Dashboard"}, {"SignIn", "LoginRoute", "Operations", "AccessLogs"}
SMALL = {"Network", *OWN_DATABASE, *IN_NETWORK, *OWN_PEOPLE, *GUARDED}
LOOKED_AT = SMALL | {"Cluster", "ConnectionPool", "Standby"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param({}, SMALL, id="an empty account"),
        pytest.param({"Size": "large"}, (SMALL | LARGE) - {"Instance"}, id="one that has outgrown it"),
        pytest.param(
            {"Size": "large", "Proxy": "true", "Zones": "2"},
            (SMALL | LARGE | {"ConnectionPool", "Standby"}) - {"Instance"},
            id="and its connections",
        ),
        pytest.param(VPC, SMALL - {"Network"}, id="in a VPC that is there"),
        pytest.param(
            {"DatabaseSecretArn": SECRET, **VPC},
            IN_NETWORK | OWN_PEOPLE | GUARDED,
            id="with a database in that VPC",
        ),
        pytest.param({"DatabaseSecretArn": SECRET}, OWN_PEOPLE | GUARDED, id="with a database outside any VPC"),
        pytest.param(OIDC, SMALL - OWN_PEOPLE, id="with people of somebody else's"),
        pytest.param(LOCAL, set(), id="the local system"),
    ],
)
def test_a_deploy_makes_what_is_not_there(given: dict[str, str], expected: set[str]) -> None:
    assert complaints(given) == []
    assert set(made(given)) & LOOKED_AT == expected


@pytest.mark.parametrize("vpc", [{}, VPC], ids=["no VPC", "a VPC"])
@pytest.mark.parametrize("secret", ["", SECRET], ids=["no database", "a database"])
def test_functions_are_in_the_network_where_their_security_group_is(secret: str, vpc: dict[str, str]) -> None:
    given = {"DatabaseSecretArn": secret, **vpc}
    file, its = inside("Database", given)
    asked, answered = (evaluated({"Condition": "IsInNetwork"}, *where) for where in ((given,), (its, file)))
    assert asked == answered
    for output in ("FunctionsSecurityGroupId", "SubnetIds"):
        assert document(file)["Outputs"][output]["Condition"] == "IsInNetwork"


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        pytest.param({"VpcId": "vpc-1"}, "give both, or neither", id="a VPC without subnets"),
        pytest.param({"SubnetIds": "subnet-1,subnet-2"}, "give both, or neither", id="subnets of no VPC"),
        pytest.param({**OIDC, "OidcIssuer": ""}, "whose tokens the API accepts", id="no issuer"),
        pytest.param({**OIDC, "OidcAudience": ""}, "whom the tokens are for", id="no audience"),
        pytest.param({"OidcClientId": "kintell"}, "Authentication=oidc only", id="a client of no issuer"),
        pytest.param({**OIDC, "Authentication": "cognito"}, "Authentication=oidc only", id="an issuer that is ignored"),
        pytest.param({"Proxy": "true"}, "Size=large", id="a proxy before one instance"),
        pytest.param(
            {"Proxy": "true", "Size": "large", "DatabaseSecretArn": SECRET}, "own database", id="… or before another's"
        ),
        pytest.param({"DatabaseOwnerSecretArn": SECRET}, "as whom the functions connect", id="an owner of no database"),
        pytest.param({"Authentication": "none"}, "for the local system", id="open to everyone, with its own database"),
        pytest.param(
            {**LOCAL, "AlarmEmail": "ops@example.org"}, "creates no alarms", id="an address that nobody writes to"
        ),
    ],
)
def test_a_wrong_combination_is_refused_with_a_sentence(given: dict[str, str], sentence: str) -> None:
    (said,) = complaints(given)
    assert sentence in said


def test_the_database_is_never_asked_to_grow_to_less_than_it_has() -> None:
    (cluster,) = everywhere("AWS::RDS::DBCluster").values()
    least = cluster["Properties"]["ServerlessV2ScalingConfiguration"]["MinCapacity"]
    assert least <= document("template.yaml")["Parameters"]["DatabaseMaxCapacity"]["MinValue"]


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
    parameter = document("infra/base.yaml")["Parameters"]["SystemName"]
    assert bool(re.fullmatch(parameter["AllowedPattern"], name)) == is_taken
    # The longest name of a bucket; 63 is S3's limit.
    assert not is_taken or len(f"{name}-access-logs-123456789012") <= 63


@pytest.mark.parametrize("file", TEMPLATES)
def test_nothing_that_holds_data_goes_with_its_stack(file: str) -> None:
    holders = {"AWS::S3::Bucket", "AWS::RDS::DBCluster", "AWS::RDS::DBInstance", "AWS::KMS::Key", "AWS::SQS::Queue"}
    holders |= {"AWS::Cognito::UserPool", "AWS::Cognito::UserPoolGroup"}
    for name, one in document(file)["Resources"].items():
        # Aurora's instances hold nothing of their own.
        if one["Type"] in holders and "DBClusterIdentifier" not in one["Properties"]:
            kept = {one.get("DeletionPolicy"), one.get("UpdateReplacePolicy")}
            assert kept in ({"Snapshot"}, {"RetainExceptOnCreate", "Retain"}), name


@pytest.mark.parametrize("file", TEMPLATES)
def test_a_file_can_be_read_in_one_sitting(file: str) -> None:
    assert len((ROOT / file).read_text().splitlines()) <= 660


def test_a_nested_stack_needs_no_transform_and_so_no_more_than_iam_to_be_allowed() -> None:
    assert [file for file in TEMPLATES if "Transform" in document(file)] == ["template.yaml"]
    assert not everywhere("AWS::Lambda::Function")


def test_the_network_has_no_way_out() -> None:
    kinds = {one["Type"] for one in document("infra/network.yaml")["Resources"].values()}
    assert not kinds & {"AWS::EC2::InternetGateway", "AWS::EC2::NatGateway", "AWS::EC2::Route", "AWS::EC2::EIP"}


def test_the_api_takes_tokens_and_only_what_browsers_begin_at_takes_none() -> None:
    guards = {
        one["Properties"]["RouteKey"]: one["Properties"]["AuthorizationType"]
        for one in everywhere("AWS::ApiGatewayV2::Route").values()
    }
    token = {"Fn::If": ["IsGuarded", "JWT", "NONE"]}
    assert guards == {
        "ANY /v1/{proxy+}": token,
        "GET /openapi.json": token,
        "GET /health": "NONE",
        # Pages: the function closes them (tests/api/test_visitors.py).
        "$default": "NONE",
        "GET /login": "NONE",
        "GET /callback": "NONE",
        "POST /logout/issuer": "NONE",
        "GET /assets/{proxy+}": "NONE",
    }


def test_what_everybody_may_ask_for_has_a_throttle_of_its_own() -> None:
    routes = everywhere("AWS::ApiGatewayV2::Route").values()
    open_to_all = {
        one["Properties"]["RouteKey"] for one in routes if one["Properties"]["AuthorizationType"] == "NONE"
    } - {"$default"}
    (stage,) = everywhere("AWS::ApiGatewayV2::Stage").values()
    own = stage["Properties"]["RouteSettings"]["Fn::If"][1]
    assert own.keys() == open_to_all
    others = stage["Properties"]["DefaultRouteSettings"]
    for name, limits in own.items():
        assert limits.keys() == others.keys(), name
        assert all(0 < limits[which] < others[which] for which in others), name
    # There before the stage, or there is nothing to throttle yet.
    there = document("infra/routes.yaml")["Resources"]
    named = {*stage["DependsOn"], *re.findall(r"\${(\w+)}", stage["Properties"]["Description"]["Fn::If"][1]["Fn::Sub"])}
    assert {there[name]["Properties"]["RouteKey"] for name in named} == open_to_all


@pytest.mark.parametrize(("given", "asked"), [({}, "ON"), ({"MfaConfiguration": "OPTIONAL"}, "OPTIONAL")])
def test_people_show_a_second_factor_unless_somebody_says_otherwise(given: dict[str, str], asked: str) -> None:
    api, its = inside("HttpApi", given)
    sign_in, whose = inside("UserPool", its, api)
    people = document(sign_in)["Resources"]["People"]["Properties"]
    assert evaluated(people["MfaConfiguration"], whose, sign_in) == asked
    assert people["EnabledMfas"] == ["SOFTWARE_TOKEN_MFA"]


@pytest.mark.parametrize(
    ("given", "claim"),
    [
        pytest.param({}, "cognito:groups", id="the stack's own pool"),
        pytest.param({"OidcRightsClaim": "scope"}, "cognito:groups", id="… whatever is said of an issuer"),
        pytest.param(OIDC, "groups", id="an issuer"),
        pytest.param({**OIDC, "OidcRightsClaim": "scope"}, "scope", id="scopes, if asked for"),
    ],
)
def test_rights_come_from_one_claim(given: dict[str, str], claim: str) -> None:
    for name in ("Api", "SignIn"):
        variables = document("template.yaml")["Resources"][name]["Properties"]["Environment"]["Variables"]
        assert evaluated(variables["RIGHTS_CLAIM"], given) == claim


def test_another_database_is_migrated_and_a_migration_may_take_as_long_as_a_function_may() -> None:
    """CloudFormation calls Migrate only if a property of the schema changes."""
    there = document("template.yaml")["Resources"]
    schema = there["Schema"]["Properties"]
    assert schema["Database"] == {"Fn::GetAtt": ["Database", "Outputs.Host"]}
    # An existing database is known by its secret.
    assert schema["Secret"] == {"Fn::GetAtt": ["Database", "Outputs.OwnerSecretArn"]}
    timeout = document("template.yaml")["Globals"]["Function"]["Timeout"]
    assert there["Migrate"]["Properties"].get("Timeout", timeout) == schema["ServiceTimeout"] == 900


def test_a_guided_deploy_leaves_the_repository_clean_and_says_how_to_go_on() -> None:
    """It asks where to save its answers, and the committed file says where."""
    assert "samconfig.local.toml" in (ROOT / ".gitignore").read_text().splitlines()
    assert "samconfig.local.toml" in (ROOT / "samconfig.toml").read_text()
    outputs = document("template.yaml")["Outputs"]
    assert {"ApiUrl", "FirstUser", "Upload"} <= outputs.keys()
    groups = {one["Properties"]["GroupName"] for one in everywhere("AWS::Cognito::UserPoolGroup").values()}
    assert all(group in outputs["FirstUser"]["Value"]["Fn::Sub"] for group in groups)


def test_the_page_on_deploying_says_how_many_questions_are_asked() -> None:
    """`sam deploy --guided` asks for each parameter of the template: it has no way not to."""
    asked = re.search(r"It asks (\d+) questions", (ROOT / "docs/how-to/deploy.md").read_text())
    parameters = document("template.yaml")["Parameters"]
    assert asked
    assert int(asked[1]) == len(parameters)
    assert all("Default" in one for one in parameters.values()), "Enter answers each"
