"""EventBridge notifies other systems of the outcome of a file, without a word about a person."""

import json
import time
from typing import Any
from uuid import uuid4

import pytest

from ingestion.aws import wake_dispatch
from local.system import LocalSystem
from tests.e2e.front_door import TIMEOUT_SECONDS, FrontDoor, slug

HEADER = "session_id,participant_email,mentor_email,scheduled_at\n"


@pytest.fixture
def told(system: LocalSystem) -> Any:
    """Events of ours so far, by the id that they are about; waits until there are as many as asked for."""
    sqs, events = system.client("sqs"), system.client("events")
    url = sqs.create_queue(QueueName="told")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name="told", EventPattern=json.dumps({"source": ["kintell.ingest"]}))
    events.put_targets(Rule="told", Targets=[{"Id": "queue", "Arn": arn}])

    def wait(count: int) -> dict[str, tuple[str, dict[str, Any]]]:
        found: dict[str, tuple[str, dict[str, Any]]] = {}
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while len(found) < count and time.monotonic() < deadline:
            for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
                event = json.loads(message["Body"])
                about = event["detail"].get("batchId") or event["detail"]["uploadId"]
                found[about] = event["detail-type"], event["detail"]
            time.sleep(0.1)
        return found

    yield wait
    events.remove_targets(Rule="told", Ids=["queue"])
    events.delete_rule(Name="told")


def test_others_are_told_what_became_of_a_file(system: LocalSystem, s3: Any, api_url: str, told: Any) -> None:
    door = FrontDoor(s3, system.stack.uploads_bucket, api_url)
    key = f"incoming/mentors_ukraine/{slug()}/sessions.csv"
    completed = door.load(key, f"{HEADER}".encode())
    failed = door.load(key, f"{HEADER}s-1,nobody@example.net,no.mentor@example.net,2024-11-05\n".encode())
    refused = door.decided(door.put(key, b"participant_email\nnobody@example.net\n"))
    bucket = {"uploadsBucket": system.stack.uploads_bucket}
    assert told(3) == {
        completed["batchId"]: ("ImportCompleted", {"batchId": completed["batchId"], "failure": None, **bucket}),
        failed["batchId"]: (
            "ImportFailed",
            {"batchId": failed["batchId"], "failure": "every_row_rejected", **bucket},
        ),
        refused["uploadId"]: (
            "UploadRefused",
            {"uploadId": refused["uploadId"], "refusal": "missing_columns", **bucket},
        ),
    }


def test_what_the_api_writes_into_the_outbox_is_sent_at_once(system: LocalSystem, s3: Any, told: Any) -> None:
    """Not by the schedule, which comes every five minutes."""
    batch = str(uuid4())
    message = {"kind": "event", "event": "ImportFailed", "detail": {"batchId": batch, "failure": "import_broke"}}
    with system.database.connect() as db:
        db.run(
            "INSERT INTO outbox (about, message, due_at) VALUES (CAST(:about AS uuid), CAST(:message AS jsonb), now())",
            about=batch,
            message=json.dumps(message),
        )
    s3.put_object(Bucket=system.stack.work_bucket, Key=wake_dispatch.KEY, Body=b"")
    assert told(1)[batch][0] == "ImportFailed"
