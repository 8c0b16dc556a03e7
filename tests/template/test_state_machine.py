"""The state machine's shape and its errors: what no linter of ASL looks for is not there."""

import re
from typing import Any

import botocore.session

from ingestion.errors import IngestionError, Unavailable
from tests.template.documents import (
    Machine,
    State,
    all_machines,
    all_states,
    all_tasks,
    errors_of,
    functions,
    states,
    tasks,
)

WAKING = {
    "ResourceNotReadyException",
    "ResourceConflictException",
    "ENINotReadyException",
    "ENILimitReachedException",
    "SubnetIPAddressLimitReachedException",
    "EC2AccessDeniedException",
    "EC2ThrottledException",
    "EC2UnexpectedException",
}
"""What Lambda answers while a function that has slept for weeks gets its network interface, or is being updated."""

FOR_GOOD = re.compile(
    r"Invalid|Unsupported|TooLarge|ResourceNotFound|NoPublishedVersion|Recursive|ModeNotSupported|ServiceQuotaExceeded"
    r"|KMS|EFS|S3Files|SnapStart|CodeArtifact|Durable"
)
"""Of these, trying again cures none; the last six are about what no function here has."""

AWS_ERRORS = {
    # https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
    "States.ALL",
    "States.Timeout",
    # https://docs.aws.amazon.com/step-functions/latest/dg/bp-lambda-serviceexception.html
    "Lambda.AWSLambdaException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.SdkClientException",
    "Lambda.ServiceException",
    "Lambda.TooManyRequestsException",
    "Lambda.Unknown",
    *(f"Lambda.{name}" for name in WAKING),
    # What Lambda says of a function that ran out of time or of memory:
    # https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
    "Runtime.ExitError",
    "Sandbox.Timedout",
}

ALWAYS_TRANSIENT = {
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.ServiceException",
    "Lambda.TooManyRequestsException",
}

EXPRESS_SECONDS = 300
"""An Express execution ends then: https://docs.aws.amazon.com/step-functions/latest/dg/choosing-workflow-type.html"""


def descendants(error: type[Exception]) -> set[str]:
    """The names of an error and of all that extend it."""
    return {error.__name__}.union(*(descendants(child) for child in error.__subclasses__()))


def seconds_of_waiting(task: State, error: str) -> float:
    """How long a task waits altogether before it gives up on an error; with full jitter, half of each delay."""
    rules = [rule for rule in task.body["Retry"] if error in rule["ErrorEquals"]]
    assert rules, f"{task.name} does not try {error} again"
    rule = rules[0]
    delays = (rule["IntervalSeconds"] * rule["BackoffRate"] ** min(tried, 100) for tried in range(rule["MaxAttempts"]))
    return float(sum(min(delay, rule["MaxDelaySeconds"]) / 2 for delay in delays))


def successors(body: dict[str, Any]) -> set[str]:
    """Where a state may go."""
    rules = [body, *body.get("Choices", []), *body.get("Catch", [])]
    return {rule["Next"] for rule in rules if "Next" in rule} | ({body["Default"]} if "Default" in body else set())


# Errors ---------------------------------------------------------------------------------------------------------------


@all_states
def test_every_error_that_is_named_is_ours_or_of_aws(state: State) -> None:
    assert set(errors_of(state.rules)) <= AWS_ERRORS | descendants(IngestionError)


@all_tasks
def test_a_function_that_has_slept_is_waited_for(task: State) -> None:
    for name in WAKING:
        # Up to 90 seconds: https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
        assert seconds_of_waiting(task, f"Lambda.{name}") >= 120


def test_every_error_of_an_invocation_is_tried_again_or_known_to_be_for_good() -> None:
    """By botocore's model of Lambda: a new error there wants a decision here."""
    invoke = botocore.session.get_session().get_service_model("lambda").operation_model("Invoke")
    names = {shape.name for shape in invoke.error_shapes}
    retried = {name.removeprefix("Lambda.") for task in tasks() for name in errors_of(task.body["Retry"])}
    assert {name for name in names if not FOR_GOOD.search(name)} <= retried
    assert not [name for name in retried if FOR_GOOD.search(name)]


@all_tasks
def test_a_task_tries_again_what_may_pass_and_nothing_else(task: State) -> None:
    retried = errors_of(task.body["Retry"])
    # Only these take the right to merge, for which they may have to wait.
    transient = descendants(Unavailable) if task.name in ("Reconcile", "Undo") else {"Unavailable"}
    assert set(retried) & descendants(IngestionError) == transient
    assert set(retried) >= ALWAYS_TRANSIENT
    assert "States.ALL" not in retried
    assert len(retried) == len(set(retried)), "only the first rule that names an error counts"


@all_tasks
def test_a_task_that_finds_no_room_waits_as_long_as_for_the_database(task: State) -> None:
    assert seconds_of_waiting(task, "Unavailable") > 10 * 60
    assert seconds_of_waiting(task, "Lambda.TooManyRequestsException") == seconds_of_waiting(task, "Unavailable")


def test_a_batch_waits_for_its_programme_for_hours() -> None:
    (reconcile,) = [task for task in tasks() if task.name == "Reconcile"]
    assert seconds_of_waiting(reconcile, "ProgrammeBusy") > 2 * 60 * 60


@all_states
def test_states_all_stands_last_and_alone(state: State) -> None:
    for rules in (state.body.get("Retry", []), state.body.get("Catch", [])):
        for rule in rules:
            if "States.ALL" in rule["ErrorEquals"]:
                assert rule is rules[-1]
                assert rule["ErrorEquals"] == ["States.ALL"]


@all_states
def test_whatever_breaks_fails_the_batch(state: State) -> None:
    """An inline Map passes its children's errors on; a distributed one hides them, so that each child catches its own.

    Who fails the batch catches nothing: the rule on ended executions follows it up.
    """
    catches = (state.body["Type"] == "Task" and not state.machine.is_inline) or state.body["Type"] == "Map"
    if catches and "error.$" not in state.body.get("Parameters", {}):
        last = state.body["Catch"][-1]
        assert last == {"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": last["Next"]}
        failing = state.machine.states[last["Next"]]
        assert failing["Resource"] == "${FinalizeFunctionArn}"
        assert failing["Parameters"]["error.$"] == "$.error"
        assert state.machine.states[failing["Next"]]["Type"] == "Fail"
    else:
        assert "Catch" not in state.body


def test_a_state_is_named_once() -> None:
    """Also across maps: https://docs.aws.amazon.com/step-functions/latest/dg/statemachine-structure.html"""
    names = [state.name for state in states()]
    assert len(names) == len(set(names))


@all_tasks
def test_a_function_ends_before_its_task_gives_it_up(task: State) -> None:
    assert functions()[task.function]["Timeout"] <= task.body["TimeoutSeconds"]
    if task.machine.definition.get("ProcessorConfig", {}).get("ExecutionType") == "EXPRESS":
        assert task.body["TimeoutSeconds"] < EXPRESS_SECONDS


# Shape ----------------------------------------------------------------------------------------------------------------


@all_machines
def test_every_state_is_reached_and_every_next_state_exists(machine: Machine) -> None:
    reached, left = set[str](), {machine.definition["StartAt"]}
    while left:
        name = left.pop()
        reached.add(name)
        left |= successors(machine.states[name]) - reached
    assert reached == set(machine.states)


@all_states
def test_a_state_goes_on_or_ends(state: State) -> None:
    ways = [way for way in ("Next", "End", "Choices") if way in state.body]
    assert len(ways) == (0 if state.body["Type"] in ("Fail", "Succeed") else 1)
    assert state.body["Type"] != "Choice" or "Default" in state.body


@all_states
def test_only_a_distributed_map_reads_its_items_from_a_file(state: State) -> None:
    if state.body["Type"] == "Map":
        is_distributed = state.body["ItemProcessor"]["ProcessorConfig"]["Mode"] == "DISTRIBUTED"
        assert ("ItemReader" in state.body) == is_distributed


@all_states
def test_a_state_calls_a_function_of_ours_or_reads_its_items_from_s3(state: State) -> None:
    """No linter knows which integrations there are."""
    if state.body["Type"] == "Task":
        assert state.function in functions()
    if "ItemReader" in state.body:
        assert state.body["ItemReader"]["Resource"] == "arn:${Partition}:states:::s3:getObject"


@all_states
def test_every_state_says_what_it_is_for(state: State) -> None:
    assert state.body["Comment"].endswith(".")
