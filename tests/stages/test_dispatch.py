"""From what functions write into the outbox to what the outside sees: each import is started and each end announced."""

import json
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

import dispatch.app
import finalize.app
import intake.app
import outbox.app
import retention.app
from ingestion import config
from ingestion.aws import event_bus, lambda_functions, step_functions
from ingestion.contracts import VerificationToRun
from ingestion.database.tables import outbox as outbox_table
from ingestion.errors import Unavailable
from tests.stages.conftest import CONTEXT, UPLOADS, WORK, Pipeline

KEY = "incoming/mentors_ukraine/mentors-ukraine-2024-q4.csv"
HEADER = "session_id,participant_email,mentor_email,scheduled_at\n"
BODY = f"{HEADER}MS-1,oksana@example.org,kari@acme.com,2024-11-05\n".encode()


@dataclass
class Services:
    """Step Functions, EventBridge and Lambda as far as Dispatch uses them; each may be out of order."""

    started: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    verifications: list[dict[str, Any]] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)

    def start_execution(self, *, name: str, input: str, **_: Any) -> None:  # noqa: A002
        self._work("states")
        self.started.append((name, json.loads(input)))

    def put_events(self, *, Entries: list[dict[str, str]]) -> dict[str, int]:  # noqa: N803
        self._work("events")
        self.events += [(entry["DetailType"], json.loads(entry["Detail"])) for entry in Entries]
        return {"FailedEntryCount": 0}

    def invoke(self, *, FunctionName: str, Payload: str, InvocationType: str = "") -> dict[str, Any]:  # noqa: N803
        if FunctionName == "monitor":
            assert InvocationType == "Event"
            self._work("lambda")
            self.verifications.append(json.loads(Payload))
            return {}
        assert FunctionName == "outbox"
        return {"Payload": _Stream(json.dumps(outbox.app.handler(json.loads(Payload), CONTEXT)))}

    def _work(self, service: str) -> None:
        if service in self.broken:
            raise ClientError({"Error": {"Code": "ServiceUnavailable"}}, service)


@dataclass
class _Stream:
    text: str

    def read(self) -> str:
        return self.text


@pytest.fixture
def services(pipeline: Pipeline, environment: pytest.MonkeyPatch, monkeypatch: pytest.MonkeyPatch) -> Services:
    environment.setenv("OUTBOX_FUNCTION_NAME", "outbox")
    environment.setenv("MONITOR_FUNCTION_NAME", "monitor")
    config.settings.cache_clear()
    services = Services()
    for module in (event_bus, lambda_functions, step_functions):
        monkeypatch.setattr(module, "_client", lambda: services)
    return services


def arrive(pipeline: Pipeline, body: bytes) -> dict[str, Any]:
    """What Intake answers to an upload's event, as Lambda hands it on to Dispatch."""
    put = pipeline.s3.put_object(Bucket=UPLOADS, Key=KEY, Body=body)
    record = {"bucket": {"name": UPLOADS}, "object": {"key": KEY, "versionId": put["VersionId"], "size": len(body)}}
    event = {"Records": [{"s3": record}]}
    return {"requestPayload": event, "responsePayload": intake.app.handler(event, CONTEXT)}


def waiting(pipeline: Pipeline) -> int:
    return int(pipeline.db.run("SELECT count(*) FROM outbox")[0][0])


def a_while_later(pipeline: Pipeline) -> None:
    pipeline.db.run("UPDATE outbox SET due_at = due_at - interval '2 minutes'")


def test_what_intake_answers_starts_the_import(pipeline: Pipeline, services: Services, small_chunks: None) -> None:
    rows = "".join(f"MS-{number},oksana@example.org,kari@acme.com,2024-11-05\n" for number in range(20))
    answer = arrive(pipeline, f"{HEADER}{rows}".encode())
    assert dispatch.app.handler(answer, CONTEXT) == {"sent": 1}
    ((name, given),) = services.started
    assert name == given["batchId"] == answer["responsePayload"]["uploads"][0]["batch_id"]
    chunks = json.loads(pipeline.s3.get_object(Bucket=WORK, Key=given["manifestKey"])["Body"].read())
    assert [item["chunk"] for item in chunks] == list(range(1, given["chunks"] + 1))
    assert waiting(pipeline) == 1
    pipeline.run(name)
    assert waiting(pipeline) == 1, "the event of its end"


def test_an_import_that_was_started_but_never_began_is_started_again_to_no_effect(
    pipeline: Pipeline, services: Services
) -> None:
    dispatch.app.handler(arrive(pipeline, BODY), CONTEXT)
    a_while_later(pipeline)
    assert dispatch.app.handler({}, CONTEXT) == {"sent": 1}
    assert len({name for name, _ in services.started}) == 1, "a second start of a name does nothing"
    assert waiting(pipeline) == 0


def test_a_verification_that_somebody_asked_for_is_given_to_monitor(pipeline: Pipeline, services: Services) -> None:
    batch_id = uuid4()
    outbox_table.add(pipeline.db, batch_id, VerificationToRun(batch_id=batch_id))
    services.broken = {"lambda"}
    with pytest.raises(Unavailable):
        dispatch.app.handler({}, CONTEXT)
    services.broken = set()
    a_while_later(pipeline)
    assert dispatch.app.handler({}, CONTEXT) == {"sent": 1}
    assert services.verifications == [{"kind": "verification", "batchId": str(batch_id)}]
    assert waiting(pipeline) == 0


def test_a_batch_that_was_not_started_is_found_and_started(pipeline: Pipeline, services: Services) -> None:
    answer = arrive(pipeline, BODY)["responsePayload"]  # and nobody handed it on
    assert dispatch.app.handler({}, CONTEXT) == {"sent": 0}, "it may be on its way"
    a_while_later(pipeline)
    assert dispatch.app.handler({}, CONTEXT) == {"sent": 1}
    assert [name for name, _ in services.started] == [answer["uploads"][0]["batch_id"]]


def test_a_start_that_failed_is_tried_again(pipeline: Pipeline, services: Services) -> None:
    services.broken = {"states"}
    with pytest.raises(Unavailable):
        dispatch.app.handler(arrive(pipeline, BODY), CONTEXT)
    assert (services.started, waiting(pipeline)) == ([], 1)
    services.broken = set()
    a_while_later(pipeline)
    assert dispatch.app.handler({}, CONTEXT) == {"sent": 1}
    assert (len(services.started), waiting(pipeline)) == (1, 0)


def test_what_cannot_be_sent_holds_nothing_else_up(pipeline: Pipeline, services: Services) -> None:
    refused = arrive(pipeline, b"no columns\n")
    accepted = arrive(pipeline, BODY)
    services.broken = {"events"}
    both = [one for answer in (refused, accepted) for one in answer["responsePayload"]["messages"]]
    with pytest.raises(Unavailable):
        dispatch.app.handler({"responsePayload": {"messages": both}}, CONTEXT)
    assert (len(services.started), services.events, waiting(pipeline)) == (1, [], 1)


def test_a_report_that_comes_twice_starts_what_was_not_started(pipeline: Pipeline, services: Services) -> None:
    """As after an Intake that died between its commit and its answer."""
    first = arrive(pipeline, BODY)
    again = intake.app.handler(first["requestPayload"], CONTEXT)
    assert again == first["responsePayload"]
    dispatch.app.handler({"responsePayload": again}, CONTEXT)
    pipeline.run(again["uploads"][0]["batch_id"])
    assert intake.app.handler(first["requestPayload"], CONTEXT)["messages"] == []


def test_each_end_is_announced_once_with_its_code(pipeline: Pipeline, services: Services) -> None:
    pipeline.know("oksana@example.org", "kari@acme.com")
    completed = pipeline.load(KEY, BODY)
    failed = pipeline.load(KEY, f"{HEADER}MS-2,nobody@example.org,kari@acme.com,2024-11-05\n".encode())
    broken = pipeline.upload(KEY, BODY + b"MS-3,oksana@example.org,kari@acme.com,2024-11-05\n")["batch_id"]
    error = {"Error": "States.Timeout", "Cause": ""}
    finalize.app.handler({"batchId": broken, "execution": "of the batch", "error": error}, CONTEXT)
    refused = pipeline.upload(KEY, b"session_id,participant_email\nMS-1,oksana@example.org\n")
    a_while_later(pipeline)
    dispatch.app.handler({"detail-type": "Step Functions Execution Status Change"}, CONTEXT)
    bucket = {"uploadsBucket": UPLOADS}
    assert services.events == [
        ("ImportCompleted", {"batchId": str(completed["id"]), "failure": None, **bucket}),
        ("ImportFailed", {"batchId": str(failed["id"]), "failure": "every_row_rejected", **bucket}),
        ("ImportFailed", {"batchId": broken, "failure": "import_broke", **bucket}),
        ("UploadRefused", {"uploadId": refused["upload_id"], "refusal": "missing_columns", **bucket}),
    ]
    a_while_later(pipeline)
    assert dispatch.app.handler({}, CONTEXT) == {"sent": 0}


def test_a_stuck_import_is_started_over_under_another_name(pipeline: Pipeline, services: Services) -> None:
    batch_id = arrive(pipeline, BODY)["responsePayload"]["uploads"][0]["batch_id"]
    pipeline.db.run("UPDATE ingestion_batches SET updated_at = now() - interval '25 hours'")
    answer = retention.app.handler({}, CONTEXT)
    assert answer["imports_started_over"] == 1
    dispatch.app.handler({"responsePayload": answer}, CONTEXT)
    ((name, given),) = services.started
    assert name.startswith(f"{batch_id}-again-")
    assert given["batchId"] == batch_id
