"""What has had its time goes, with a line in the audit trail; what a clean-up leaves undone, the next one does."""

from typing import Any

import boto3
import pytest

import clean_up.app
from ingestion import files
from tests.stages.conftest import CONTEXT, UPLOADS, WORK, Pipeline

KEY = "incoming/mentors_ukraine/mentors-ukraine-2024-q4.csv"
BODY = (
    b"session_id,participant_email,mentor_email,scheduled_at\n"
    b"MS-1,oksana@example.org,kari@acme.com,2024-11-05\n"
    b"MS-2,nobody@example.org,kari@acme.com,2024-11-05\n"
)


def clean(pipeline: Pipeline) -> dict[str, int]:
    cleaned: dict[str, int] = clean_up.app.handler({}, CONTEXT)
    return cleaned


def age(pipeline: Pipeline, days: int) -> None:
    pipeline.db.run(f"UPDATE ingestion_batches SET completed_at = now() - interval '{days} days'")


def trail(pipeline: Pipeline, action: str) -> int:
    return int(pipeline.db.run("SELECT count(*) FROM audit_logs WHERE action = :action", action=action)[0][0])


def keys(pipeline: Pipeline, bucket: str, prefix: str) -> list[str]:
    listed = pipeline.s3.list_object_versions(Bucket=bucket, Prefix=prefix)
    return [version["Key"] for version in listed.get("Versions", [])]


@pytest.fixture
def loaded(pipeline: Pipeline) -> Pipeline:
    pipeline.know("oksana@example.org", "kari@acme.com")
    batch = pipeline.load(KEY, BODY, imported_by="ops@acme.com")
    assert batch["error_rows"] == 1
    return pipeline


def test_an_error_file_is_deleted_thirty_days_after_completion(loaded: Pipeline) -> None:
    age(loaded, 29)
    assert clean(loaded)["error_files_deleted"] == 0
    age(loaded, 31)
    assert clean(loaded)["error_files_deleted"] == 1
    assert keys(loaded, WORK, "errors/") == []
    batch = loaded.db.run("SELECT error_file_key IS NOT NULL, error_file_deleted_at IS NOT NULL FROM ingestion_batches")
    assert batch == [[True, True]]
    assert clean(loaded)["error_files_deleted"] == 0
    assert trail(loaded, "error_file_deleted") == 1


def test_a_batch_becomes_a_tombstone_that_still_refuses_its_file(loaded: Pipeline) -> None:
    age(loaded, 366)
    cleaned = clean(loaded)
    assert (cleaned["error_files_deleted"], cleaned["batches_archived"]) == (1, 1)
    batch = loaded.db.run("SELECT status, imported_by, claimed_by, total_rows, inserted_rows FROM ingestion_batches")
    assert batch == [["archived", None, None, 2, 1]]
    assert keys(loaded, UPLOADS, "incoming/") == []
    assert loaded.db.run("SELECT uploaded_by, claimed_by FROM uploads") == [[None, None]]
    assert trail(loaded, "batch_archived") == 1
    again: dict[str, Any] = loaded.upload(KEY, BODY)
    assert again["state"] == "refused"
    assert loaded.db.run("SELECT count(*) FROM kintell_sessions") == [[1]]


def test_an_import_that_nobody_works_on_is_started_over(pipeline: Pipeline) -> None:
    pipeline.know("oksana@example.org", "kari@acme.com")
    batch_id = pipeline.upload(KEY, BODY)["batch_id"]
    assert clean(pipeline)["imports_started_over"] == 0
    pipeline.db.run("UPDATE ingestion_batches SET updated_at = now() - interval '25 hours'")
    assert clean(pipeline)["imports_started_over"] == 1
    executions = boto3.client("stepfunctions").list_executions(
        stateMachineArn=boto3.client("stepfunctions").list_state_machines()["stateMachines"][0]["stateMachineArn"]
    )
    assert {e["name"][:42] for e in executions["executions"]} == {batch_id, f"{batch_id}-again"}
    assert pipeline.run(batch_id, execution="again")["status"] == "completed"


def test_a_clean_up_that_stops_half_way_goes_on_the_next_time(
    loaded: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded.load(KEY, BODY.replace(b"MS-1", b"MS-3"))
    age(loaded, 31)
    delete, seen = files.delete, list[str]()

    def break_off(bucket: str, key: str, version_id: str | None = None) -> None:
        if len(seen) == 2:  # the rejected rows as values, and the error file
            raise RuntimeError("cut off")
        seen.append(key)
        delete(bucket, key, version_id)

    with monkeypatch.context() as patch:
        patch.setattr(files, "delete", break_off)
        with pytest.raises(RuntimeError, match="cut off"):
            clean(loaded)
    assert trail(loaded, "error_file_deleted") == 1
    assert clean(loaded)["error_files_deleted"] == 1
    assert trail(loaded, "error_file_deleted") == 2
    assert keys(loaded, WORK, "errors/") == []
