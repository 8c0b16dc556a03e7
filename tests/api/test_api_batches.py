"""A batch's status, list, record and audit trail."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from ingestion.faults import FaultCode
from tests.api.api_calls import Call, walk
from tests.api.world import NOW, World

STATUS_FIELDS = [
    "batchId",
    "fileName",
    "fileHash",
    "fileSizeBytes",
    "programType",
    "programInstance",
    "status",
    "totalRows",
    "successRows",
    "errorRows",
    "skippedRows",
    "unchangedRows",
    "unpublishedRows",
    "insertedRows",
    "updatedRows",
    "openRows",
    "correctedRows",
    "retryableRows",
    "processedRows",
    "percentComplete",
    "errorSummary",
    "warnings",
    "failureReason",
    "importedBy",
    "parentBatchId",
    "dryRun",
    "contentHash",
    "createdAt",
    "startedAt",
    "completedAt",
    "links",
]


def test_the_status_has_every_field_of_the_contract_in_its_order(get: Call, world: World) -> None:
    instance = world.instance("mentors-ukraine-2024-11")
    summary = [{"code": "E001", "category": "validation", "field": "participant_email", "count": 2}]
    batch = world.batch(program_instance_id=instance, error_summary=summary, error_file_key="errors/x.csv")

    answer = get(f"/v1/import/backfill/{batch}/status")

    about = FaultCode.INVALID_EMAIL.about
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert list(answer.body) == STATUS_FIELDS
    assert answer.body["programInstance"] == "mentors-ukraine-2024-11"
    assert answer.body["successRows"] == 7
    assert answer.body["errorSummary"] == [{**summary[0], "title": about.title.en, "advice": about.advice.en}]
    assert answer.body["createdAt"] == "2024-12-01T12:00:00Z"
    assert answer.body["links"] == {
        "errors": f"/v1/import/backfill/{batch}/errors",
        "sessions": f"/v1/import/batches/{batch}/sessions",
        "audit": f"/v1/import/batches/{batch}/audit",
        "lineage": f"/v1/import/batches/{batch}/lineage",
    }


@pytest.mark.parametrize(
    ("values", "processed", "percent"),
    [
        pytest.param({"status": "pending"}, 0, 0.0, id="pending"),
        pytest.param({"status": "running"}, 10, 66.7, id="running, two chunks of three staged"),
        pytest.param({"status": "completed", "total_rows": 15, "inserted_rows": 11}, 15, 100.0, id="completed"),
        pytest.param({"status": "failed", "total_rows": 15, "inserted_rows": 11}, 15, 100.0, id="failed"),
        pytest.param(
            {
                "status": "completed",
                "total_rows": 0,
                "inserted_rows": 0,
                "updated_rows": 0,
                "skipped_rows": 0,
                "error_rows": 0,
            },
            0,
            100.0,
            id="a header and no rows",
        ),
    ],
)
def test_progress_is_that_of_the_chunks(
    get: Call, world: World, values: dict[str, object], processed: int, percent: float
) -> None:
    batch = world.batch(**{"total_rows": 15, **values})
    if values["status"] == "running":
        world.chunk(batch, 0, state="reconciled", staged_rows=5, inserted_rows=5)
        world.chunk(batch, 1, state="staged", staged_rows=4, rejected_rows=1)
        world.chunk(batch, 2)

    answer = get(f"/v1/import/backfill/{batch}/status").body

    assert (answer["processedRows"], answer["percentComplete"]) == (processed, percent)
    assert get("/v1/import/batches").body["items"] == [answer]


@pytest.mark.parametrize(
    "path",
    [
        "/v1/import/backfill/{}/status",
        "/v1/import/backfill/{}/errors",
        "/v1/import/batches/{}",
        "/v1/import/batches/{}/sessions",
        "/v1/import/batches/{}/audit",
        "/v1/import/batches/{}/lineage",
    ],
)
def test_a_batch_that_is_not_there(get: Call, path: str) -> None:
    assert get(path.format(uuid4())).is_problem(404, "no_such_batch")
    assert get(path.format("6b0e")).is_problem(404, "no_such_batch")


def test_batches_are_filtered_by_status_programme_and_instance(get: Call, world: World) -> None:
    autumn = world.instance("mentors-ukraine-2024-q4")
    failed = world.batch(status="failed", program_instance_id=autumn)
    archived = world.batch(status="archived", program_type="language_ukraine")
    world.batch(status="running")

    def ids(**query: str) -> set[str]:
        return {item["batchId"] for item in get("/v1/import/batches", **query).body["items"]}

    assert ids(status="failed") == {str(failed)}
    assert ids(programType="language_ukraine") == ids(programType="LFU") == {str(archived)}
    assert ids(programInstance="mentors-ukraine-2024-q4", status="failed") == {str(failed)}
    assert ids(programInstance="mentors-ukraine-2024-q4", status="running") == set()
    assert ids(programInstance="never-heard-of") == set()
    assert len(ids()) == 3


@pytest.mark.parametrize(
    ("query", "code", "field"),
    [
        pytest.param({"status": "done"}, "invalid_request", "status", id="unknown status"),
        pytest.param({"limit": 0}, "invalid_request", "limit", id="limit too small"),
        pytest.param({"limit": 201}, "invalid_request", "limit", id="limit too large"),
        pytest.param({"limit": "many"}, "invalid_request", "limit", id="limit no number"),
        pytest.param({"limit": "1,2"}, "invalid_request", "limit", id="limit twice"),
        pytest.param({"programInstance": "a\0b"}, "invalid_request", None, id="NUL"),
        pytest.param({"programType": "mars"}, "unknown_program", None, id="unknown programme"),
        pytest.param({"cursor": "what"}, "invalid_cursor", None, id="no cursor"),
        pytest.param({"cursor": "å"}, "invalid_cursor", None, id="no base64"),
        pytest.param({"cursor": "WyJyb3ciLFsxXV0"}, "invalid_cursor", None, id="cursor of another list"),
    ],
)
def test_what_can_not_be_asked_of_the_list(get: Call, query: dict[str, object], code: str, field: str | None) -> None:
    answer = get("/v1/import/batches", **query)
    assert answer.is_problem(422, code)
    if field:
        assert [error["field"] for error in answer.body["errors"]] == [field]


def test_the_record_has_the_file_its_chunks_and_what_was_asked_for(get: Call, world: World) -> None:
    parent = world.batch()
    batch = world.batch(
        parent_batch_id=parent,
        forced=True,
        force_reason="Затверджено",
        max_error_percent=12.5,
        claimed_by="kari@example.org",
        rating_scale="1-5",
        error_file_key="errors/x.csv",
        error_file_deleted_at=NOW + timedelta(days=30),
        csv_metadata={
            "delimiter": ";",
            "encoding": "cp1251",
            "encodingChosenBy": "score",
            "headers": ["session_id", "extra"],
            "unknownHeaders": ["extra"],
            "detectedSchemaVersion": "1.0",
            "rowCount": 10,
            "hasHeaderRow": True,
            "ratingScale": None,
            "warnings": [{"code": "lost_characters", "count": 3}],
        },
    )
    world.chunk(batch, 1, state="planned")
    world.chunk(
        batch,
        0,
        state="reconciled",
        staged_rows=4,
        rejected_rows=1,
        inserted_rows=2,
        updated_rows=1,
        conflict_rows=1,
        conflicting_rows=[7],
        staged_at=NOW,
    )

    body = get(f"/v1/import/batches/{batch}").body

    assert list(body)[: len(STATUS_FIELDS)] == STATUS_FIELDS
    assert body["csvMetadata"]["ratingScale"] == "1-5"
    assert body["csvMetadata"]["encodingChosenBy"] == "score"
    assert body["csvMetadata"]["warnings"] == [{"code": "lost_characters", "count": 3}]
    assert [chunk["number"] for chunk in body["chunks"]] == [0, 1]
    assert body["chunks"][0] == {
        "number": 0,
        "firstRow": 1,
        "rows": 5,
        "state": "reconciled",
        "stagedRows": 4,
        "rejectedRows": 1,
        "insertedRows": 2,
        "updatedRows": 1,
        "unchangedRows": 0,
        "conflictRows": 1,
        "stagedAt": "2024-12-01T12:00:00Z",
    }
    assert (body["forced"], body["forceReason"], body["maxErrorPercent"]) == (True, "Затверджено", 12.5)
    assert (body["parentBatchId"], body["claimedBy"]) == (str(parent), "kari@example.org")
    assert body["errorFile"] == {"rows": 2, "deletedAt": "2024-12-31T12:00:00Z"}
    assert body["links"]["errors"] is None
    assert (body["key"], body["versionId"]) == ("incoming/mentors-ukraine-2024-11.csv", "v4")


def test_a_tombstone_is_a_record_too(get: Call, world: World) -> None:
    batch = world.batch(status="archived", csv_metadata={}, imported_by=None, archived_at=NOW)
    body = get(f"/v1/import/batches/{batch}").body
    assert (body["status"], body["importedBy"], body["csvMetadata"]["headers"]) == ("archived", None, None)


def test_the_audit_trail_is_that_of_the_batch_and_its_upload_oldest_first(get: Call, world: World) -> None:
    upload = world.upload()
    batch, other = world.batch(upload_id=upload), world.batch()
    world.audit("upload_received", resource_type="upload", resource_id=upload)
    world.audit("import_started", resource_type="batch", resource_id=other, batch_id=other)
    world.audit("import_started", resource_type="upload", resource_id=upload, batch_id=batch)
    world.audit("import_completed", resource_type="batch", resource_id=batch, batch_id=batch, details={"rows": 3})

    path = f"/v1/import/batches/{batch}/audit"
    seen = walk(get, path, limit=1)

    assert [entry["action"] for entry in seen] == ["upload_received", "import_started", "import_completed"]
    assert seen == get(path).body["items"]
    assert seen[-1]["details"] == {"rows": 3}
    assert seen[-1].keys() == {
        "id", "at", "actor", "action", "resourceType", "resourceId", "batchId", "details",
    }  # fmt: skip


def test_a_running_batch_says_where_it_is_and_an_ended_one_does_not(get: Call, world: World) -> None:
    batch = world.batch(status="running")
    world.chunk(batch, 1, state="staged", staged_rows=5, staged_at=NOW + timedelta(seconds=2))
    world.chunk(batch, 2)
    stages = get(f"/v1/import/batches/{batch}").body["stages"]
    assert [(stage["name"], stage["state"], stage["rows"], stage["ofRows"]) for stage in stages] == [
        ("intake", "done", 10, 10),
        ("stage", "now", 5, 10),
        ("reconcile", "later", 0, 0),
        ("merge", "later", 0, 0),
        ("finalize", "later", 0, 0),
    ]
    assert stages[1]["rowsPerSecond"] > 0
    assert get(f"/v1/import/batches/{world.batch()}").body["stages"] == []


def test_no_record_is_larger_than_an_answer_may_be(get: Call, see: Any, world: World) -> None:
    headers = [f"{'ї' * 2000}{number}" for number in range(16_384)]
    batch = world.batch(
        csv_metadata={"headers": headers, "unknownHeaders": headers[:600], "rowCount": 10}, total_rows=10
    )
    world.db.run(
        """
        INSERT INTO chunks (batch_id, number, span, first_row, rows)
        SELECT :batch_id, n, '{}', 10 * n + 1, 10 FROM generate_series(0, 24999) n
        """,
        batch_id=batch,
    )
    answer = get(f"/v1/import/batches/{batch}")
    assert len(answer.text.encode()) < 2_000_000
    body = answer.body
    assert (len(body["chunks"]), body["chunksLeftOut"]) == (2_000, 23_000)
    noted = body["csvMetadata"]
    assert (len(noted["headers"]), noted["headersLeftOut"], noted["unknownHeadersLeftOut"]) == (500, 15_884, 100)
    assert {len(header) for header in noted["headers"]} == {255}
    assert noted["headers"][0].endswith("…")
    see(f"/batches/{batch}")
