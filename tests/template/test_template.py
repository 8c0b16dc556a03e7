"""The template names what the code has, and the code asks for what the template gives."""

import ast
from typing import Any

import pytest

from ingestion.config import Settings
from tests.template.documents import MIGRATIONS, ROOT, functions, resources, template

FOLDERS = sorted(path.parent.name for path in ROOT.glob("functions/*/app.py"))

all_functions = pytest.mark.parametrize("name", sorted(functions()))

OF_POWERTOOLS = "POWERTOOLS_"
BEST_LEFT_ALONE = {
    "chunk_bytes",
    "rows_per_shard",
    "max_file_bytes",
    "presigned_seconds",
    "multipart_from_bytes",
    "part_link_seconds",
    "error_file_days",
    "failed_upload_days",
    "cold_storage_days",
    "archive_days",
    "stuck_hours",
}
"""Settings that the template gives no function: their defaults were measured, or are the contract's."""
OF_SOME = {
    "state_machine_arn": {"Dispatch"},
    "outbox_function_name": {"Dispatch"},
    "monitor_function_name": {"Dispatch"},
    "authentication": {"Api"},
    "functions_user": {"Migrate"},
    "functions_secret_arn": {"Migrate"},
    "issuer": {"Api", "SignIn"},
    "scopes": {"Api", "SignIn"},
    "rights_claim": {"Api", "SignIn"},
    "audience": {"Api"},
    "command_line_client_id": {"Api"},
    "dashboard_client_id": {"SignIn"},
}
"""Settings that the template gives to these functions only; to all the others it gives all others."""


@all_functions
def test_a_function_has_its_handler(name: str) -> None:
    folder, module, function = functions()[name]["Handler"].split(".")
    assert folder == "".join(f"_{c.lower()}" if c.isupper() else c for c in name).removeprefix("_")
    parsed = ast.parse((ROOT / "functions" / folder / f"{module}.py").read_text())
    assert function in {node.name for node in parsed.body if isinstance(node, ast.FunctionDef)}


def test_every_stage_has_its_function() -> None:
    assert sorted(one["Handler"].split(".")[0] for one in functions().values()) == FOLDERS


@all_functions
def test_no_function_works_before_the_schema_is_there(name: str) -> None:
    depends_on = resources("AWS::Serverless::Function")[name].get("DependsOn")
    assert depends_on == (None if name == "Migrate" else "Schema")


def test_a_changed_migration_or_programme_makes_cloudformation_call_migrate() -> None:
    """It calls a custom resource only if a property of it changes; SAM gives a changed layer another ARN."""
    assert template()["Resources"]["Schema"]["Properties"]["Code"] == {"Ref": "CommonLayer"}
    layer = resources("AWS::Serverless::LayerVersion")["CommonLayer"]["Properties"]["ContentUri"]
    assert (ROOT / layer) in MIGRATIONS.parents


@all_functions
def test_a_function_is_given_what_the_settings_read(name: str) -> None:
    given = variables(name)
    expected = {field for field in Settings.model_fields if field not in BEST_LEFT_ALONE}
    expected -= {field for field, those in OF_SOME.items() if name not in those}
    assert {variable for variable in given if not variable.startswith(OF_POWERTOOLS)} == {
        field.upper() for field in expected
    }


def test_a_setting_that_the_template_leaves_out_has_a_default() -> None:
    for field in BEST_LEFT_ALONE | OF_SOME.keys():
        assert not Settings.model_fields[field].is_required()


def variables(name: str) -> dict[str, Any]:
    """The environment of a function: that of Globals and its own."""
    general = template()["Globals"]["Function"]["Environment"]["Variables"]
    own = resources("AWS::Serverless::Function")[name]["Properties"].get("Environment", {}).get("Variables", {})
    return {**general, **own}
