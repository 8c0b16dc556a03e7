"""The stack's own database: encrypted at rest and in flight, and nobody is handed its owner's password."""

import json
from typing import Any

import pytest

from tests.template.documents import TEMPLATES, document, entries, everywhere, resources

FILE = "infra/cluster.yaml"


def properties(kind: str) -> dict[str, Any]:
    """Those of the one resource of a kind."""
    (one,) = resources(kind, FILE).values()
    found: dict[str, Any] = one["Properties"]
    return found


def test_the_owners_password_is_made_kept_and_changed_by_rds() -> None:
    cluster = properties("AWS::RDS::DBCluster")
    assert cluster["ManageMasterUserPassword"] is True
    assert cluster["MasterUserSecret"] == {"KmsKeyId": {"Ref": "KeyArn"}}
    assert "MasterUserPassword" not in cluster


def test_the_cluster_is_encrypted_by_the_stacks_key_protected_and_backed_up() -> None:
    cluster = properties("AWS::RDS::DBCluster")
    assert cluster["StorageEncrypted"] is True
    assert cluster["KmsKeyId"] == {"Ref": "KeyArn"}
    assert cluster["DeletionProtection"] is True
    assert cluster["BackupRetentionPeriod"] >= 7
    (whole,) = resources("AWS::RDS::DBCluster", FILE).values()
    assert whole["DeletionPolicy"] == whole["UpdateReplacePolicy"] == "Snapshot"


def test_there_is_no_way_to_it_without_tls() -> None:
    assert properties("AWS::RDS::DBClusterParameterGroup")["Parameters"]["rds.force_ssl"] == "1"
    assert properties("AWS::RDS::DBProxy")["RequireTLS"] is True


def test_whoever_comes_by_the_proxy_shows_a_token_of_their_role() -> None:
    assert properties("AWS::RDS::DBCluster")["EnableIAMDatabaseAuthentication"] is True
    assert {way["IAMAuth"] for way in properties("AWS::RDS::DBProxy")["Auth"]} == {"REQUIRED"}


def test_what_the_functions_read_of_it_has_no_password_and_asks_for_verification() -> None:
    texts = [one["Properties"].get("SecretString") for one in resources("AWS::SecretsManager::Secret", FILE).values()]
    connections = [json.loads(text["Fn::Sub"]) for text in texts if text]
    assert connections
    for connection in connections:
        assert connection["sslmode"] == "verify-full"
        assert "password" not in connection


def test_the_instance_is_nobodys_from_outside() -> None:
    assert properties("AWS::RDS::DBInstance")["PubliclyAccessible"] is False


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
