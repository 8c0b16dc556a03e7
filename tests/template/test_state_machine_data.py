"""What travels between the states is what template and code expect: one name on both sides."""

import json
import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from pydantic import BaseModel

from ingestion import contracts
from ingestion.aws import step_functions
from tests.template.documents import (
    Machine,
    State,
    all_machines,
    all_states,
    all_tasks,
    definition_text,
    entries,
    functions,
    machines,
    state_machine_properties,
    tasks,
)

MODELS: dict[str, type[BaseModel]] = {
    "Stage": contracts.StageTask,
    "Reconcile": contracts.BatchTask,
    "AnnotateConflicts": contracts.AnnotateTask,
    "Merge": contracts.MergeTask,
    "Finalize": contracts.BatchTask,
    "Undo": contracts.UndoTask,
}
"""What each handler makes of its event."""
OF_STATES: dict[str, type[BaseModel]] = dict.fromkeys(
    ("FailBatch", "FailStaging", "FailAnnotating"), contracts.FailTask
) | {"FailUndo": contracts.FailUndoTask}
"""What it makes of the events of these states."""


def aliases(model: type[BaseModel]) -> set[str]:
    """The names that a model's fields have in JSON."""
    return {field.alias or name for name, field in model.model_fields.items()}


def names(template: dict[str, Any]) -> set[str]:
    """The fields of a payload."""
    return {key.removesuffix(".$") for key in template}


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The fields that intake starts an execution with."""
    started: list[dict[str, Any]] = []

    class Client:
        def start_execution(self, **arguments: Any) -> None:
            started.append(arguments)

    monkeypatch.setattr(step_functions, "_client", Client)
    step_functions.start_import("arn", "name", contracts.ImportInput(batch_id=uuid4(), chunks=1, manifest_key="key"))
    return set(json.loads(started[0]["input"]))


def test_the_template_defines_exactly_what_the_definition_substitutes() -> None:
    used = set(re.findall(r"\$\{(\w+)\}", definition_text()))
    assert used == set(state_machine_properties()["DefinitionSubstitutions"])


def test_the_state_machine_may_call_the_functions_of_its_tasks_and_no_others() -> None:
    called = {task.function for task in tasks()}
    granted = [
        policy["LambdaInvokePolicy"]["FunctionName"]["Ref"]
        for policy in state_machine_properties()["Policies"]
        if "LambdaInvokePolicy" in policy
    ]
    assert called <= functions().keys()
    assert sorted(granted) == sorted(called)


@all_tasks
def test_a_task_passes_exactly_what_its_function_reads(task: State) -> None:
    assert names(task.payload) == aliases(OF_STATES.get(task.name) or MODELS[task.function])


@all_states
def test_a_map_reads_of_an_item_what_a_manifest_has(state: State) -> None:
    if "ItemReader" in state.body:
        read = re.findall(r"\$\$\.Map\.Item\.Value\.(\w+)", json.dumps(state.body["ItemSelector"]))
        assert set(read) == aliases(contracts.ManifestItem)
        assert json.loads(contracts.manifest([3, 5])) == [{"chunk": 3}, {"chunk": 5}]


def test_a_catch_leaves_what_fail_batch_reads() -> None:
    """`Error` and `Cause`: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html"""
    assert aliases(contracts.StateError) == {"Error", "Cause"}


@all_states
def test_a_path_stands_in_a_field_that_says_so(state: State) -> None:
    """The forgotten `.$`: in a field without it, a path is passed on as a text."""
    templates = [state.body.get(field) for field in ("Parameters", "ItemSelector", "ResultSelector", "ItemBatcher")]
    for key, value in entries([*templates, state.body.get("ItemReader", {}).get("Parameters")]):
        if key.endswith(".$"):
            assert isinstance(value, str)
            assert value.startswith(("$", "States."))
        elif isinstance(value, str):
            assert not re.match(r"\$\$?[.\[]|States\.", value)


@all_machines
def test_a_machine_reads_only_what_it_was_given_or_wrote(machine: Machine, given: set[str]) -> None:
    """Inside a Map it is given what the Map selects of an item, which the machine around it must have."""
    read = {value.split(".")[1] for _, value in own_entries(machine) if str(value).startswith("$.")}
    steps = [step for state in machine.states.values() for step in (state, *state.get("Catch", []))]
    written = {step["ResultPath"].removeprefix("$.") for step in steps if step.get("ResultPath")}
    given = given | aliases(contracts.UndoInput)
    assert read <= (names(machine.map_state["ItemSelector"]) if machine.map_state else given) | written


def own_entries(machine: Machine) -> Iterator[tuple[str, Any]]:
    """Every key and its value, but for those of machines inside."""
    for state in machine.states.values():
        yield from entries({key: value for key, value in state.items() if key != "ItemProcessor"})


def test_what_goes_round_again_looks_like_what_came_in(given: set[str]) -> None:
    assert names(machines()[0].states["ReadAgain"]["Parameters"]) == given


def test_the_definition_reads_of_a_verdict_what_reconcile_answers() -> None:
    choices = [choice for state in machines()[0].states.values() for choice in state.get("Choices", [])]
    verdicts = {choice["StringEquals"] for choice in choices if choice["Variable"] == "$.reconciled.verdict"}
    assert set(re.findall(r"\$\.reconciled\.(\w+)", definition_text())) == aliases(contracts.Verdict)
    assert verdicts < set(contracts.NextStep)


@all_tasks
def test_the_answers_of_a_maps_tasks_are_dropped(task: State) -> None:
    """A list of all of them could pass the 256 KB of a payload."""
    if task.machine.map_state:
        assert task.body.get("OutputPath", "") is None
        assert task.machine.map_state["ResultPath"] is None
