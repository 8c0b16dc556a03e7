"""Step Functions: patches for executions and definitions in ministack 1.5.33."""

import json
import random
from typing import Any

from ministack.services import stepfunctions
from ministack.services.cloudformation import provisioners

from local.emulators.ministack.patch_text import rewrite


def executions_start_at_once() -> None:
    """Without this, every execution starts with 150 ms of sleep: 500 rows take 0.30 s in place of 0.11 s, which hides
    what a step costs."""
    rewrite(stepfunctions._run_execution, "time.sleep(0.15)", "pass")


def starting_twice_is_one_start() -> None:
    """Starting a running execution again with the same name and input returns that execution; ministack refuses it."""
    start = stepfunctions._start_execution

    def start_or_find(data: dict[str, Any]) -> Any:
        machine = stepfunctions._resolve_state_machine_arn(data.get("stateMachineArn", ""))
        if machine and data.get("name"):
            arn = f"{machine.replace(':stateMachine:', ':execution:')}:{data['name']}"
            running = stepfunctions._executions.get(arn)
            if running and running["status"] == "RUNNING" and running["input"] == data.get("input", "{}"):
                return stepfunctions.json_response({"executionArn": arn, "startDate": running["startDate"]})
        return start(data)

    stepfunctions._start_execution = start_or_find


def retries_keep_their_limit_and_jitter() -> None:
    """ministack ignores MaxDelaySeconds and JitterStrategy."""
    find = stepfunctions._find_matching_retrier

    def find_and_reconcile(retriers: Any, error: str, counts: dict[int, int]) -> tuple[dict[str, Any] | None, int]:
        retrier, index = find(retriers, error, counts)
        if retrier is None:
            return None, index
        delay = retrier.get("IntervalSeconds", 1) * retrier.get("BackoffRate", 2.0) ** counts.get(index, 0)
        delay = min(delay, retrier.get("MaxDelaySeconds", delay))
        if retrier.get("JitterStrategy") == "FULL":
            delay = random.uniform(0, delay)
        return {**retrier, "IntervalSeconds": delay, "BackoffRate": 1.0}, index

    stepfunctions._find_matching_retrier = find_and_reconcile


def an_aborted_execution_stays_aborted() -> None:
    """Without this, a task that fails after its execution was stopped turns ABORTED into FAILED and reports it."""
    rewrite(
        stepfunctions._fail_execution,
        'execution["status"] = "FAILED"',
        'if execution["status"] != "RUNNING":\n        return\n    execution["status"] = "FAILED"',
    )


def definitions_may_be_yaml() -> None:
    """CloudFormation accepts a state machine's definition file in YAML; ministack only in JSON."""
    import yaml

    define = provisioners._sfn_definition

    def define_as_json(properties: dict[str, Any]) -> str:
        definition: str = define(properties)
        return definition if definition.lstrip().startswith("{") else json.dumps(yaml.safe_load(definition))

    provisioners._sfn_definition = define_as_json


def maps_read_their_limit_from_the_input() -> None:
    """ministack ignores MaxConcurrencyPath, and runs everything at once."""
    run = stepfunctions._run_map_items

    def run_limited(state: dict[str, Any], given: Any, execution: dict[str, Any], ctx: dict[str, Any]) -> Any:
        if path := state.get("MaxConcurrencyPath"):
            limit = stepfunctions._resolve_path_or_ctx(path, given, ctx)
            if type(limit) is not int or limit < 0:
                raise stepfunctions._ExecutionError("States.Runtime", f"{path} is not a number of iterations: {limit}")
            state = {**state, "MaxConcurrency": limit}
        return run(state, given, execution, ctx)

    stepfunctions._run_map_items = run_limited
