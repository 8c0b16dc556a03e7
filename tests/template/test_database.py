"""The stack's own database: encrypted at rest and in transit, and there is no password to be handed to anybody."""

import json
from typing import Any

import pytest

from tests.template.documents import TEMPLATES, document, entries, everywhere, resources

SMALL, LARGE, PROXY = "infra/instance.yaml", "infra/aurora.yaml", "infra/proxy.yaml"
HOLDERS = {SMALL: "AWS::RDS::DBInstance", LARGE: "AWS::RDS::DBCluster"}
"""Of each size, the resource that holds the data."""

each_size = pytest.mark.parametrize("file", HOLDERS)


def holder(file: str) -> dict[str, Any]:
    """The resource that holds the data."""
    (one,) = resources(HOLDERS[file], file).values()
    return one


def anew(file: str, name: str) -> Any:
    """A property of a database that is not restored from a snapshot, which would bring its own."""
    condition, restored, value = holder(file)["Properties"][name]["Fn::If"]
    assert (condition, restored) == ("IsRestored", {"Ref": "AWS::NoValue"})
    return value


@each_size
def test_its_owner_has_no_password_and_shows_a_token(file: str) -> None:
    properties = holder(file)["Properties"]
    assert anew(file, "MasterUserAuthenticationType") == "iam-db-auth"
    assert properties["EnableIAMDatabaseAuthentication"] is True
    assert not {"MasterUserPassword", "ManageMasterUserPassword", "MasterUserSecret"} & properties.keys()


def test_there_is_no_secret() -> None:
    assert not everywhere("AWS::SecretsManager::Secret")


@each_size
def test_it_is_encrypted_by_the_stacks_key_and_leaves_a_snapshot(file: str) -> None:
    assert anew(file, "StorageEncrypted") is True
    assert anew(file, "KmsKeyId") == {"Ref": "KeyArn"}
    assert holder(file)["DeletionPolicy"] == holder(file)["UpdateReplacePolicy"] == "Snapshot"


@each_size
def test_backups_and_protection_are_the_operators_choice_and_the_defaults_suit_a_free_account(file: str) -> None:
    properties = holder(file)["Properties"]
    assert properties["BackupRetentionPeriod"] == {"Ref": "BackupDays"}
    assert properties["DeletionProtection"] == {"Ref": "Protected"}
    parameters = document("template.yaml")["Parameters"]
    # The free plan refuses more with FreeTierRestrictionError; protected, a failed first deploy could not roll back.
    defaults = {"BackupDays": 1, "Protected": "false", "Size": "small", "Proxy": "false", "Zones": 1}
    assert {name: parameters[name]["Default"] for name in defaults} == defaults
    assert holder(SMALL)["Properties"]["DBInstanceClass"] == "db.t4g.micro"


@each_size
def test_its_engine_is_named_by_major_version(file: str) -> None:
    """RDS raises the minor one by itself; a template that named it would ask for a step back."""
    assert holder(file)["Properties"]["EngineVersion"] == "17"


@pytest.mark.parametrize(
    ("file", "kind"), [(SMALL, "AWS::RDS::DBParameterGroup"), (LARGE, "AWS::RDS::DBClusterParameterGroup")]
)
def test_there_is_no_way_to_it_without_tls(file: str, kind: str) -> None:
    (group,) = resources(kind, file).values()
    assert group["Properties"]["Parameters"]["rds.force_ssl"] == "1"


def test_the_proxy_passes_tokens_on_and_takes_nothing_without_tls() -> None:
    (proxy,) = resources("AWS::RDS::DBProxy", PROXY).values()
    assert proxy["Properties"]["RequireTLS"] is True
    assert proxy["Properties"]["DefaultAuthScheme"] == "IAM_AUTH"
    assert "Auth" not in proxy["Properties"]


def test_a_log_that_rds_makes_is_ours() -> None:
    """What is exported would lie unencrypted and for ever in a group that RDS makes; a proxy always has one."""
    for one in (*everywhere("AWS::RDS::DBInstance").values(), *everywhere("AWS::RDS::DBCluster").values()):
        assert "EnableCloudwatchLogsExports" not in one["Properties"]
    (proxy,) = resources("AWS::RDS::DBProxy", PROXY).values()
    name, named = proxy["Properties"]["DBProxyName"]["Fn::Sub"]
    log = document(PROXY)["Resources"]["Logs"]["Properties"]
    assert log["LogGroupName"] == {"Fn::Sub": [f"/aws/rds/proxy/{name}", named]}
    assert proxy["DependsOn"] == "Logs"


@pytest.mark.parametrize("name", sorted(everywhere("AWS::Logs::LogGroup")))
def test_every_log_is_encrypted_and_has_a_term(name: str) -> None:
    properties = everywhere("AWS::Logs::LogGroup")[name]["Properties"]
    assert "KmsKeyId" in properties
    assert properties["RetentionInDays"] == 90


def test_no_instance_can_be_reached_from_outside() -> None:
    for one in everywhere("AWS::RDS::DBInstance").values():
        assert one["Properties"]["PubliclyAccessible"] is False


@pytest.mark.parametrize("file", TEMPLATES)
def test_no_template_reads_a_secret_into_what_it_makes(file: str) -> None:
    """An environment variable, a property or a parameter that holds one can be read by whoever may describe it."""
    assert "{{resolve:" not in json.dumps(document(file))
    assert not [key for key, _ in entries(document(file)) if key in ("MasterUserPassword", "NoEcho")]


def test_an_environment_variable_names_secrets_and_holds_none() -> None:
    functions = everywhere("AWS::Serverless::Function").values()
    general = document("template.yaml")["Globals"]["Function"]["Environment"]["Variables"]
    for variables in (general, *(one["Properties"].get("Environment", {}).get("Variables", {}) for one in functions)):
        assert not [name for name in variables if "PASSWORD" in name]
        assert all(name.endswith("_ARN") for name in variables if "SECRET" in name or "KEY" in name)
