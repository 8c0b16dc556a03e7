"""Every alarm notifies somebody, and the runbook says what to do; what is looked at is counted somewhere."""

import json
import re
from typing import Any

import pytest

from tests.template.documents import ROOT, document

ALARMS = {
    name: one["Properties"]
    for name, one in document("infra/operations.yaml")["Resources"].items()
    if one["Type"] == "AWS::CloudWatch::Alarm"
}
DASHBOARD = document("infra/dashboard.yaml")["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
RUNBOOK = (ROOT / "docs/runbook.md").read_text()
CODE = "\n".join(path.read_text() for path in ROOT.glob("functions/*/*.py"))

all_alarms = pytest.mark.parametrize("name", ALARMS)


def is_counted(metric: str) -> bool:
    """Whether the code counts it, by its name or by the state of a batch or an upload that it ends in."""
    for stem in ("Batches", "Uploads"):
        if metric.startswith(stem) and f'f"{stem}{{' in CODE:
            return True
    return f'"{metric}"' in CODE


@all_alarms
def test_an_alarm_tells_somebody(name: str) -> None:
    assert ALARMS[name]["AlarmActions"] == [{"Ref": "Alarms"}]


@all_alarms
def test_the_runbook_has_a_section_for_an_alarm(name: str) -> None:
    section = re.search(r"docs/runbook\.md#([\w-]+)$", ALARMS[name]["AlarmDescription"])
    assert section
    assert f"## {section[1]}\n" in RUNBOOK
    assert ALARMS[name]["AlarmName"] == {"Fn::Sub": f"${{SystemName}}-{section[1]}"}


@all_alarms
def test_an_alarm_of_ours_looks_at_what_is_counted(name: str) -> None:
    if ALARMS[name].get("Namespace") == "KintellIngest":
        assert is_counted(ALARMS[name]["MetricName"])


def test_the_dashboard_is_json_and_shows_what_is_counted() -> None:
    widgets: list[dict[str, Any]] = json.loads(DASHBOARD)["widgets"]
    shown = [one for widget in widgets for one in widget["properties"].get("metrics", []) if one[0] == "KintellIngest"]
    assert {one[1] for one in shown} >= {"RowsIn", "RowsRejected", "UploadsRefused", "BatchSeconds"}
    assert all(is_counted(one[1]) for one in shown)


def test_what_the_runbook_asks_the_stack_for_is_there() -> None:
    stack = document("template.yaml")
    outputs = set(re.findall(r"OutputKey=='(\w+)'", RUNBOOK))
    parts = set(re.findall(r"\$\((?:named|told) (\w+)", RUNBOOK))
    assert {"StateMachineArn", "DeadLettersUrl", "UserPoolId"} <= outputs <= stack["Outputs"].keys()
    for listed in re.findall(r"\$ for FUNCTION in ([\w ]+);", RUNBOOK):
        parts.update(listed.split())
    assert {"Intake", "Migrate", "Api", "SignIn"} <= parts <= stack["Resources"].keys()


def test_the_stack_says_what_the_command_line_needs() -> None:
    outputs = document("template.yaml")["Outputs"]
    assert {"ApiUrl", "UploadsBucketName", "SignInUrl", "SignInClientId", "UserPoolId"} <= outputs.keys()
    assert all(one["Description"] for one in outputs.values())
    for name in ("SignInUrl", "SignInClientId", "UserPoolId"):
        assert outputs[name]["Condition"] == "MakesUserPool"


def test_the_cost_of_the_alarms_is_that_of_those_that_there_are() -> None:
    """CloudWatch gives every account 10 of each for nothing, so one more is a line of the bill."""
    line = next(line for line in (ROOT / "docs/cost.md").read_text().splitlines() if line.startswith("| CloudWatch |"))
    alarms, looked_at, with_large, counted = map(int, re.findall(r"\b(\d+)\b", line)[:4])
    assert alarms == len(ALARMS)
    metrics = {name: len(one.get("Metrics", "1")) for name, one in ALARMS.items()}
    assert looked_at == sum(metrics.values())
    assert with_large == looked_at - metrics["DatabaseFull"]
    ours = {one["MetricName"] for one in ALARMS.values() if one.get("Namespace") == "KintellIngest"}
    assert counted == len(ours | set(re.findall(r'"KintellIngest", "(\w+)"', DASHBOARD)))
