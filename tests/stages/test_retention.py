"""What has had its time goes, with a line in the audit trail; what a clean-up leaves undone, the next one does."""

import contextlib
import gzip
from typing import Any

import pytest

import retention.app
from ingestion.aws import s3
from ingestion.database.tables import audit, expiry, old_uploads
from tests.stages.conftest import CONTEXT, UPLOADS, WORK, Pipeline

KEY = "incoming/mentors_ukraine/mentors-ukraine-2024-q4.csv"
BODY = (
    b"session_id,participant_email,mentor_email,scheduled_at\n"
    b"MS-1,oksana@example.org,kari@acme.com,2024-11-05\n"
    b"MS-2,nobody@example.org,kari@acme.com,2024-11-05\n"
)


def clean(pipeline: Pipeline) -> dict[str, int]:
    cleaned: dict[str, int] = retention.app.handler({}, CONTEXT)
    return cleaned


def age(pipeline: Pipeline, days: int) -> None:
    pipeline.db.run(f"UPDATE ingestion_batches SET completed_at = now() - interval '{days} days'")


def age_refusals(pipeline: Pipeline, days: int) -> None:
    pipeline.db.run(f"UPDATE uploads SET decided_at = now() - interval '{days} days'")


def records(pipeline: Pipeline) -> str:
    """All that the records of uploads and batches say."""
    found = pipeline.db.run(
        "SELECT to_jsonb(u)::text || coalesce(to_jsonb(b)::text, '') FROM uploads u LEFT JOIN ingestion_batches b "
        "ON b.upload_id = u.id"
    )
    return "\n".join(row[0] for row in found)


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
    names = pipeline.db.run("SELECT message->>'name' FROM outbox ORDER BY id")
    assert [name[:42] for (name,) in names] == [batch_id, f"{batch_id}-again"]
    assert pipeline.run(batch_id, execution="again")["status"] == "completed"


def test_retention_that_stops_half_way_goes_on_the_next_time(loaded: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded.load(KEY, BODY.replace(b"MS-1", b"MS-3"))
    age(loaded, 31)
    delete, seen = s3.delete, list[str]()

    def break_off(bucket: str, key: str, version_id: str | None = None) -> None:
        if len(seen) == 3:  # the rejected rows as values, the workbook, and the error file
            raise RuntimeError("cut off")
        seen.append(key)
        delete(bucket, key, version_id)

    with monkeypatch.context() as patch:
        patch.setattr(s3, "delete", break_off)
        with pytest.raises(RuntimeError, match="cut off"):
            clean(loaded)
    assert trail(loaded, "error_file_deleted") == 1
    assert clean(loaded)["error_files_deleted"] == 1
    assert trail(loaded, "error_file_deleted") == 2
    assert keys(loaded, WORK, "errors/") == []


def test_what_was_made_anew_since_retention_looked_stays(loaded: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    age(loaded, 31)
    due = expiry.expired_error_files

    def started_over_meanwhile(db: Any, days: int) -> list[expiry.Expired]:
        found = due(db, days)
        age(loaded, 0)
        return found

    monkeypatch.setattr(expiry, "expired_error_files", started_over_meanwhile)
    assert clean(loaded)["error_files_deleted"] == 0
    assert len(keys(loaded, WORK, "errors/")) == 2
    assert trail(loaded, "error_file_deleted") == 0


PERSON = "oksana-shevchenko"
LEAKY = f"incoming/mentors_ukraine/{PERSON}-2024.csv.gz"
REJECTED = gzip.compress(BODY.replace(b"kari", b"unknown").replace(b"scheduled_at", b"scheduled_at,Oksana Shevchenko"))
UNREADABLE = gzip.compress(b"Oksana Shevchenko,goals_discussed\n1,2\n")
OPTIONS = {"imported_by": "ops@acme.com", "force": "true", "force_reason": "Oksana Shevchenko asked"}


@pytest.fixture
def led_to_nothing(pipeline: Pipeline) -> Pipeline:
    """A batch that failed, a refused upload, and an accepted one, all under one key, then a marker above them."""
    pipeline.know("oksana@example.org", "kari@acme.com")
    instance = {"program_instance": "mentors-ukraine-2024"}
    assert pipeline.load(LEAKY, REJECTED, **OPTIONS, **instance)["status"] == "failed"
    assert pipeline.upload(LEAKY, UNREADABLE, **OPTIONS)["state"] == "refused"
    assert pipeline.load(LEAKY, gzip.compress(BODY), **instance)["status"] == "completed"
    pipeline.s3.delete_object(Bucket=UPLOADS, Key=LEAKY)
    return pipeline


def test_originals_that_led_to_nothing_are_deleted_after_ninety_days(led_to_nothing: Pipeline) -> None:
    age(led_to_nothing, 89)
    age_refusals(led_to_nothing, 89)
    assert clean(led_to_nothing)["error_files_deleted"] == 2
    assert len(keys(led_to_nothing, UPLOADS, "incoming/")) == 3
    assert len(keys(led_to_nothing, WORK, "work/uploads/")) == 3
    age(led_to_nothing, 91)
    age_refusals(led_to_nothing, 91)
    cleaned = clean(led_to_nothing)
    assert (cleaned["refused_uploads_deleted"], cleaned["failed_uploads_deleted"]) == (1, 1)
    versions = led_to_nothing.s3.list_object_versions(Bucket=UPLOADS)["Versions"]
    accepted = led_to_nothing.db.run("SELECT version_id FROM uploads WHERE deleted_at IS NULL")
    assert [[version["VersionId"]] for version in versions] == accepted
    assert len(keys(led_to_nothing, WORK, "work/uploads/")) == 1
    assert trail(led_to_nothing, "upload_deleted") == 2
    assert not any(clean(led_to_nothing).values())


def test_what_records_of_deleted_originals_said_of_anybody_goes_with_them(led_to_nothing: Pipeline) -> None:
    led_to_nothing.db.run(
        "UPDATE ingestion_batches SET failure_reason = failure_reason || ' Oksana' WHERE status = 'failed'"
    )
    age(led_to_nothing, 366)
    age_refusals(led_to_nothing, 366)
    before = records(led_to_nothing)
    assert "Oksana Shevchenko" in before
    assert PERSON in before
    clean(led_to_nothing)
    remains = records(led_to_nothing).lower()
    for said in ("oksana", PERSON, "ops@acme.com", "operator", "asked"):
        assert said not in remains
    kept = led_to_nothing.db.run(
        "SELECT state, refusal_code, b.status, total_rows, split_part(failure_reason, ':', 1), u.sha256 IS NOT NULL "
        "FROM uploads u LEFT JOIN ingestion_batches b ON b.upload_id = u.id ORDER BY u.created_at LIMIT 2"
    )
    assert kept[0] == ["accepted", None, "failed", 2, "every_row_rejected", True]
    assert kept[1] == ["refused", "missing_columns", None, None, None, True]
    entries = led_to_nothing.db.run("SELECT details::text FROM audit_logs WHERE action = 'upload_deleted'")
    assert not any("oksana" in details.lower() for (details,) in entries)


def test_a_batch_whose_file_was_deleted_is_not_started_over(led_to_nothing: Pipeline) -> None:
    age(led_to_nothing, 91)
    clean(led_to_nothing)
    ((batch_id,),) = led_to_nothing.db.run("SELECT id FROM ingestion_batches WHERE status = 'failed'")
    assert led_to_nothing.run(str(batch_id), execution="another")["status"] == "failed"
    assert trail(led_to_nothing, "import_started") == 2


@pytest.mark.parametrize("stop_at", range(20))
def test_retention_may_stop_anywhere(led_to_nothing: Pipeline, monkeypatch: pytest.MonkeyPatch, stop_at: int) -> None:
    """No record is blanked whose object is there still; the next clean-up does what is left, each thing once."""
    age(led_to_nothing, 366)
    age_refusals(led_to_nothing, 366)
    steps = iter(range(100))

    def interrupted(real: Any) -> Any:
        def step(*given: Any, **named: Any) -> Any:
            if next(steps) == stop_at:
                raise RuntimeError("cut off")
            return real(*given, **named)

        return step

    with monkeypatch.context() as patch:
        for place, name in ((s3, "delete"), (old_uploads, "blank"), (audit, "write"), (expiry, "archive")):
            patch.setattr(place, name, interrupted(getattr(place, name)))
        with contextlib.suppress(RuntimeError):
            clean(led_to_nothing)
    there = {
        version["VersionId"] for version in led_to_nothing.s3.list_object_versions(Bucket=UPLOADS).get("Versions", [])
    }
    blanked = {row[0] for row in led_to_nothing.db.run("SELECT version_id FROM uploads WHERE file_name = '(deleted)'")}
    assert not there & blanked
    clean(led_to_nothing)
    assert keys(led_to_nothing, UPLOADS, "incoming/") == []
    assert led_to_nothing.db.run("SELECT count(*) FROM uploads WHERE deleted_at IS NULL") == [[0]]
    assert (trail(led_to_nothing, "upload_deleted"), trail(led_to_nothing, "batch_archived")) == (2, 1)


@pytest.mark.parametrize("days", [89, 91])
def test_an_original_that_nobody_ever_decided_on_goes_too(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("as a fault of ours would be, until the event is given up")

    monkeypatch.setattr("intake.intake_upload.examine", broken)
    with pytest.raises(RuntimeError):
        pipeline.upload("incoming/mentors_ukraine/olena-2024.csv", BODY, imported_by="olena@acme.com")
    pipeline.db.run(f"UPDATE uploads SET received_at = now() - interval '{days} days'")
    is_due = days > 90
    assert clean(pipeline)["undecided_uploads_deleted"] == is_due
    assert clean(pipeline)["undecided_uploads_deleted"] == 0
    assert (keys(pipeline, UPLOADS, "incoming/") == []) is is_due
    assert ("olena" not in records(pipeline)) is is_due
    assert trail(pipeline, "upload_deleted") == is_due


def test_an_object_without_a_version_of_its_own_is_deleted_and_not_hidden(pipeline: Pipeline) -> None:
    """As one that came while versioning was suspended: S3 calls its version null, and reports none."""
    pipeline.s3.put_bucket_versioning(Bucket=UPLOADS, VersioningConfiguration={"Status": "Suspended"})
    body = b"no columns of ours\n"
    pipeline.s3.put_object(Bucket=UPLOADS, Key=KEY, Body=body)
    pipeline.s3.put_bucket_versioning(Bucket=UPLOADS, VersioningConfiguration={"Status": "Enabled"})
    pipeline.s3.put_object(Bucket=UPLOADS, Key=KEY, Body=BODY)
    assert pipeline.deliver(KEY, "null", len(body))["state"] == "refused", (
        "its own bytes are looked at, and no later ones"
    )
    age_refusals(pipeline, 91)
    clean(pipeline)
    versions = pipeline.s3.list_object_versions(Bucket=UPLOADS, Prefix=KEY)
    assert "null" not in [version["VersionId"] for version in versions["Versions"]]
    assert "DeleteMarkers" not in versions
