"""The sample events in events/: one for every function, and its handler understands it."""

import json
from typing import Any
from uuid import UUID

import pytest

import finalize.app
import intake.app
from api.gateway_events import regular
from finalize.fail_batch import failure_of
from ingestion.contracts import AnnotateTask, BatchTask, FailTask, ImportInput, MergeTask, Payload, StageTask
from tests.template.documents import EVENTS, functions, snake_case

BATCH = UUID("6b0e2f6e-2f7d-4e0a-9b58-3a3a1f0d9c11")
EXECUTION = f"arn:aws:states:eu-north-1:123456789012:execution:kintell-import-batch:{BATCH}"


def event(name: str) -> dict[str, Any]:
    """A sample event."""
    loaded: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return loaded


def test_every_function_has_its_event_and_every_event_a_function() -> None:
    names, files = {snake_case(name) for name in functions()}, {path.stem for path in EVENTS.iterdir()}
    assert names <= files
    assert all(any(file == name or file.startswith(f"{name}_") for name in names) for file in files)


def test_intake_reads_the_key_as_it_was_before_s3_encoded_it() -> None:
    arrival = intake.app._arrival(event("intake")["Records"][0])
    assert arrival.key == "incoming/language_ukraine/language-ukraine-2024-11/Språkkafé uke 45 (1).csv"
    assert (arrival.bucket, arrival.size_bytes) == ("kintell-uploads-123456789012", 118784)
    assert arrival.version_id == "096fKKXTRTtl3on89fVO.nfljtsv6qko"
    assert arrival.principal == "AWS:AROAEXAMPLEEXAMPLEEX:operator@example.org"


@pytest.mark.parametrize(
    ("name", "model", "task"),
    [
        ("stage", StageTask, {"batch_id": BATCH, "chunk": 1, "execution": EXECUTION}),
        ("reconcile", BatchTask, {"batch_id": BATCH}),
        ("annotate_conflicts", AnnotateTask, {"batch_id": BATCH, "chunk": 1}),
        ("merge", MergeTask, {"batch_id": BATCH, "shard": 0}),
    ],
)
def test_a_stage_reads_its_task(name: str, model: type[Payload], task: dict[str, Any]) -> None:
    assert model.model_validate(event(name)).model_dump() == task
    assert model.model_validate(event(name)).as_json() == event(name), "the sample has nothing else"


def test_finalize_ends_a_batch_that_went_through() -> None:
    assert finalize.app._task(event("finalize")) == BatchTask(batch_id=BATCH)


@pytest.mark.parametrize(
    ("name", "error", "reason"),
    [
        pytest.param("finalize_failed", "BatchBroken", "imported by another batch", id="a state failed"),
        pytest.param("finalize_failed_execution", "ABORTED", "ABORTED", id="the execution was stopped"),
    ],
)
def test_finalize_reads_what_broke_from_either_side(name: str, error: str, reason: str) -> None:
    task = finalize.app._task(event(name))
    assert isinstance(task, FailTask)
    assert (task.batch_id, task.execution, task.error.error) == (BATCH, EXECUTION, error)
    assert reason in failure_of(task).reason


def test_the_sample_of_an_ended_execution_has_the_input_that_intake_gives() -> None:
    given = event("finalize_failed_execution")["detail"]["input"]
    assert ImportInput.model_validate_json(given).as_json() == json.loads(given)


def test_eventbridge_passes_on_the_events_that_finalize_reads() -> None:
    pattern = functions()["Finalize"]["Events"]["BrokenExecution"]["Properties"]["Pattern"]
    sample = event("finalize_failed_execution")
    assert sample["source"] in pattern["source"]
    assert sample["detail-type"] in pattern["detail-type"]
    assert sample["detail"]["status"] in pattern["detail"]["status"]


def test_serve_reads_what_api_gateway_sends() -> None:
    sample = event("api")
    assert regular(sample)["rawPath"] == sample["rawPath"]
