"""Mistakes that no linter of ASL finds, made on purpose: the checks of the state machine find each of them."""

import inspect
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from tests.template import documents, test_state_machine, test_state_machine_data

CHECKS = [
    check
    for module in (test_state_machine, test_state_machine_data)
    for name, check in vars(module).items()
    if name.startswith("test_")
]
GIVEN = {"batchId", "chunks", "manifestKey", "chunksAtOnce"}
"""What Intake starts an execution with; test_state_machine_data asks the code for it."""


def arguments(check: Any) -> Iterator[dict[str, Any]]:
    """What a check is called with, for the definition as it is now."""
    asked = set(inspect.signature(check).parameters)
    fixed = {"given": GIVEN} if "given" in asked else {}
    many: dict[str, Sequence[Any]] = {
        "machine": documents.machines(),
        "state": documents.states(),
        "task": documents.tasks(),
    }
    varying = asked & many.keys()
    if not varying:
        yield fixed
    for name in varying:
        yield from ({**fixed, name: value} for value in many[name])


def complaints(definition: str, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The checks that fail for a definition."""
    monkeypatch.setattr(documents, "definition_text", lambda: definition)
    monkeypatch.setattr(test_state_machine_data, "definition_text", lambda: definition)
    documents.machines.cache_clear()
    failed = set()
    for check in CHECKS:
        try:
            for given in arguments(check):
                check(**given)
        except (AssertionError, KeyError):
            failed.add(check.__name__)
    return failed


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    yield
    documents.machines.cache_clear()


def test_the_definition_as_it_is_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert complaints(documents.definition_text(), monkeypatch) == set()


CATCH_ALL = "{ErrorEquals: [States.ALL], ResultPath: $.error, Next: FailBatch}"
CATCH_LOST = "{ErrorEquals: [StagingLost], ResultPath: $.lost, Next: HowLarge}"

SEEDED = {
    "an integration that there is not": ("states:::s3:getObject", "states:::s3:getobject"),
    "an integration without its function": (
        "Resource: ${ReconcileFunctionArn}",
        "Resource: arn:aws:states:::lambda:invoke",
    ),
    "a function that is misspelled": ("${MergeFunctionArn}", "${MergFunctionArn}"),
    "a substitution that nobody makes": ("Bucket: ${WorkBucket}", "Bucket: ${WorkBuckets}"),
    "an item reader in an inline map": (
        "    ItemsPath: $.reconciled.shards\n",
        "    ItemReader: {Resource: arn:aws:states:::s3:getObject}\n    ItemsPath: $.reconciled.shards\n",
    ),
    "a distributed map that is inline": ("Mode: DISTRIBUTED", "Mode: INLINE"),
    "a forgotten .$": ("shard.$: $$.Map.Item.Value", "shard: $$.Map.Item.Value"),
    "a .$ too many": ("chunk: 1", "chunk.$: 1"),
    "a field that the function does not know": ("      shard.$: ", "      number.$: "),
    "a field that is left out": (
        "      execution.$: $$.Execution.Id\n    ResultPath: null\n    TimeoutSeconds: 900",
        "    ResultPath: null\n    TimeoutSeconds: 900",
    ),
    "States.ALL before another": (
        f"{CATCH_LOST}\n      - {CATCH_ALL}",
        f"{CATCH_ALL}\n      - {CATCH_LOST}",
    ),
    "States.ALL beside another": ("ErrorEquals: [States.ALL]", "ErrorEquals: [States.ALL, States.Timeout]"),
    "an error that is misspelled": ("ErrorEquals: [Unavailable,", "ErrorEquals: [Unavailible,"),
    "an error of AWS that is misspelled": ("Sandbox.Timedout", "Sandbox.TimedOut"),
    "a fault of the file that is tried again": (
        "ErrorEquals: [Unavailable,",
        "ErrorEquals: [Unavailable, BatchBroken,",
    ),
    "everything is tried again": (
        "ErrorEquals: [Unavailable, Lambda.TooManyRequestsException, ",
        "ErrorEquals: [States.ALL, ",
    ),
    "a state that nothing catches": (
        f"    Catch:\n      - {CATCH_ALL}\n    Next: IsMoreToRead",
        "    Next: IsMoreToRead",
    ),
    "a chunk whose error the map hides": (
        "          Catch:\n            - {ErrorEquals: [States.ALL], ResultPath: $.error, Next: FailStaging}\n",
        "",
    ),
    "a batch that fails for another reason": ("            error.$: $.error", "            error.$: $.reason"),
    "a name that two states have": ("ChunkNotAnnotated", "ChunkNotStaged"),
    "a child that reads what only its parent has": ("execution.$: $.execution", "execution.$: $.manifestKey"),
    "a next state that there is not": ("Default: IsAnythingToMerge", "Default: IsAnything"),
    "a state that nothing leads to": ("        Next: ReadAgain", "        Next: StageMany"),
    "a state that goes on and ends": ("    Next: Broken", "    Next: Broken\n    End: true"),
    "a choice without a default": ("    Default: Finalize\n", ""),
    "a task that is given up before its function": ("TimeoutSeconds: 280", "TimeoutSeconds: 200"),
    "a path that nothing writes": ("$.reconciled.manifestKey", "$.weighd.manifestKey"),
    "a verdict that reconcile does not give": ("StringEquals: restage", "StringEquals: again"),
    "a field that reconcile does not answer": ("$.reconciled.hasConflicts", "$.reconciled.hasConflict"),
    "answers that are all kept": (
        "    ResultPath: null\n    Catch:\n      - {ErrorEquals: [StagingLost]",
        "    Catch:\n      - {ErrorEquals: [StagingLost]",
    ),
    "a child's answer that is kept": ("          OutputPath: null\n", ""),
    "a result that overwrites what is needed": ("ResultPath: $.reconciled", "ResultPath: $.batchId"),
}


@pytest.mark.parametrize("seeded", SEEDED)
def test_a_mistake_is_found(seeded: str, monkeypatch: pytest.MonkeyPatch) -> None:
    right, wrong = SEEDED[seeded]
    definition = documents.definition_text()
    assert right in definition, "the definition has changed: seed the mistake anew"
    assert complaints(definition.replace(right, wrong, 1), monkeypatch)
