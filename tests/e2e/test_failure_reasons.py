"""Why an import broke reaches its batch, even from the children of a Distributed Map, whose error the map hides."""

import json
import time
from typing import Any
from uuid import UUID

import pytest

from ingestion.aws.object_keys import manifest
from ingestion.contracts import ImportInput
from ingestion.contracts import manifest as manifest_of
from ingestion.database.connection import Connection
from local.system import LocalSystem
from tests.e2e.front_door import FrontDoor, slug

ROWS = "session_id,participant_email,mentor_email,scheduled_at\n" + "".join(
    f"MS-REASON-{number},nobody-{number}@example.org,no-mentor@acme.com,2024-11-05T10:00:00Z\n" for number in range(3)
)


@pytest.fixture
def failed(system: LocalSystem, s3: Any, api_url: str) -> UUID:
    """A batch whose rows were all rejected, which may be started over."""
    door = FrontDoor(s3, system.stack.uploads_bucket, api_url)
    status = door.load(f"incoming/mentors_ukraine/{slug()}/reason.csv", ROWS.encode())
    assert status["status"] == "failed"
    return UUID(status["batchId"])


def start_over_by_the_map(system: LocalSystem, s3: Any, batch_id: UUID) -> dict[str, Any]:
    """Start the batch's import over as if its file had many chunks; returns the execution once it has ended."""
    key = manifest(batch_id, "chunks")
    s3.put_object(Bucket=system.stack.work_bucket, Key=key, Body=manifest_of([1]))
    steps = system.client("stepfunctions")
    given = ImportInput(batch_id=batch_id, chunks=2, manifest_key=key).model_dump_json(by_alias=True)
    started = steps.start_execution(
        stateMachineArn=system.stack.state_machine_arn, name=f"over-{batch_id}", input=given
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        execution: dict[str, Any] = steps.describe_execution(executionArn=started["executionArn"])
        if execution["status"] != "RUNNING":
            return execution
        time.sleep(0.1)
    raise AssertionError("the execution did not end")


def caught_by_the_map(system: LocalSystem, execution_arn: str) -> dict[str, str]:
    """The error of the map as FailBatch was given it."""
    history = system.client("stepfunctions").get_execution_history(executionArn=execution_arn, maxResults=1000)
    entered = [event["stateEnteredEventDetails"] for event in history["events"] if "stateEnteredEventDetails" in event]
    (given,) = [each["input"] for each in entered if each["name"] == "FailBatch"]
    error: dict[str, str] = json.loads(given)["error"]
    return error


def test_the_sentence_of_a_chunk_that_failed_reaches_the_batch(
    system: LocalSystem, s3: Any, db: Connection, failed: UUID
) -> None:
    db.run("UPDATE chunks SET span = jsonb_set(span, '{rows}', '4') WHERE batch_id = :id", id=failed)
    execution = start_over_by_the_map(system, s3, failed)
    assert execution["status"] == "FAILED"
    # As Step Functions says it: https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html
    assert caught_by_the_map(system, execution["executionArn"])["Error"] == "States.ExceedToleratedFailureThreshold"
    ((status, reason, code),) = db.run(
        "SELECT status, failure_reason, failure_code FROM ingestion_batches WHERE id = :id", id=failed
    )
    assert (status, code) == ("failed", "import_broke")
    assert "(BatchBroken). Chunk 1 has 4 rows in the index, but 0 were staged and 3 rejected." in reason
    assert db.run(
        "SELECT count(*) FROM audit_logs WHERE batch_id = :id AND details->>'error' = 'BatchBroken'", id=failed
    ) == [[1]]


def test_an_import_that_is_cancelled_while_it_is_staged_says_so(
    system: LocalSystem, s3: Any, db: Connection, failed: UUID
) -> None:
    db.run(
        """
        UPDATE ingestion_batches
           SET status = 'running', execution = 'another', cancelled_at = now(), completed_at = NULL,
               failure_reason = NULL, failure_code = NULL, error_file_key = NULL
         WHERE id = :id
        """,
        id=failed,
    )
    start_over_by_the_map(system, s3, failed)
    assert db.run("SELECT status, failure_code FROM ingestion_batches WHERE id = :id", id=failed) == [
        ["failed", "cancelled"]
    ]
