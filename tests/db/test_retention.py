"""Retention: what is due is found, oldest first, until it is done; a batch becomes a tombstone that still refuses."""

import json
from typing import Any
from uuid import UUID, uuid4

import pytest

from ingestion.database.connection import Connection, connect
from ingestion.database.tables import expiry, new_batches, old_uploads
from local.postgres import Database
from retention import app
from tests.conftest import secret_of
from tests.db.world import CHECK, MENTORS, a_hash, add_batch, add_upload, refused
from tests.template.documents import EVENTS


def ended(db: Connection, days_ago: float, status: str = "completed", **columns: Any) -> UUID:
    """A batch that ended some days ago."""
    batch_id = add_batch(db, status, **columns)
    db.run(
        "UPDATE ingestion_batches SET completed_at = now() - make_interval(hours => :hours) WHERE id = :id",
        hours=int(days_ago * 24),
        id=batch_id,
    )
    return batch_id


def test_a_failed_batch_that_failed_anew_keeps_its_file_for_its_time(db: Connection) -> None:
    ended(db, 91, "failed")
    (due,) = old_uploads.failed(db, 90)
    db.run("UPDATE ingestion_batches SET completed_at = now()")
    assert not old_uploads.lock(db, due, 90)
    db.run("UPDATE ingestion_batches SET completed_at = now() - interval '91 days'")
    assert old_uploads.lock(db, due, 90)


def test_error_files_are_due_30_days_after_the_end_until_it_is_noted_that_they_are_gone(db: Connection) -> None:
    newer = ended(db, 30.5, error_file_key="errors/newer.csv")
    older = ended(db, 40, "failed", error_file_key="errors/older.csv")
    ended(db, 29.5, error_file_key="errors/not-yet.csv")
    ended(db, 50)
    due = expiry.expired_error_files(db, 30)
    assert [(one.batch_id, one.key) for one in due] == [(older, "errors/older.csv"), (newer, "errors/newer.csv")]
    assert expiry.note_error_file_deleted(db, older, 30)
    assert not expiry.note_error_file_deleted(db, older, 30)
    assert [one.batch_id for one in expiry.expired_error_files(db, 30)] == [newer]


def test_retention_takes_some_at_a_time(db: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expiry, "AT_ONCE", 1)
    first, second = ended(db, 800), ended(db, 700)
    assert [old.batch_id for old in expiry.old_batches(db, 365)] == [first]
    assert expiry.archive(db, first)
    assert [old.batch_id for old in expiry.old_batches(db, 365)] == [second]


def test_completed_batches_are_due_after_a_year(db: Connection) -> None:
    upload_id = add_upload(db, key="incoming/old.csv", version_id="v1")
    old = ended(db, 366, upload_id=upload_id, work_key="work/uploads/x/text", error_file_key="errors/x.csv")
    ended(db, 364)
    for status in ("failed", "archived"):
        ended(db, 400, status)
    (due,) = expiry.old_batches(db, 365)
    assert due.model_dump() == {
        "batch_id": old,
        "bucket": "uploads",
        "key": "incoming/old.csv",
        "version_id": "v1",
        "work_key": "work/uploads/x/text",
        "error_file_key": "errors/x.csv",
        "is_retry": False,
    }


@pytest.mark.parametrize("forced", [False, True])
def test_an_archived_batch_names_nobody_and_keeps_its_counts(db: Connection, forced: bool) -> None:
    file_hash = a_hash()
    who: dict[str, Any] = {"imported_by": "AWS:operator", "claimed_by": "operator@example.org"}
    read: dict[str, Any] = {
        "format": json.dumps({"encoding": "utf-8", "header": ["MS-1", "oksana@example.org"]}),
        "csv_metadata": json.dumps({"headers": ["MS-1"], "unknownHeaders": ["oksana@example.org"], "rowCount": 10}),
    }
    reason: dict[str, Any] = {"forced": True, "force_reason": "operator@example.org asked"} if forced else {}
    upload_id = add_upload(db, uploaded_by="AWS:operator", claimed_by="operator@example.org", options=json.dumps(who))
    batch_id = ended(
        db, 366, upload_id=upload_id, file_hash=file_hash, error_file_key="errors/x.csv", **who, **reason, **read
    )
    assert expiry.archive(db, batch_id)
    assert not expiry.archive(db, batch_id)
    kept = db.run(
        """
        SELECT b.status, b.file_hash, b.inserted_rows, b.imported_by, b.claimed_by, b.force_reason,
               b.archived_at = now(), b.error_file_deleted_at = now(), u.uploaded_by, u.claimed_by, u.options
          FROM ingestion_batches b JOIN uploads u ON u.id = b.upload_id
        """
    )
    tombstone = "archived" if forced else None
    assert kept == [["archived", file_hash, 10, None, None, tombstone, True, True, None, None, {}]]
    header = db.run("SELECT format, csv_metadata FROM ingestion_batches")
    assert header == [
        [
            {"encoding": "utf-8", "header": []},
            {"headers": [], "unknownHeaders": [], "nearestNames": {}, "rowCount": 10},
        ],
    ]
    live = new_batches.find_live(db, file_hash, MENTORS)
    assert live is not None, "the file is still known"
    assert live.id == batch_id


@pytest.mark.parametrize(
    ("file_name", "stays"),
    [
        ("mentors-for-ukraine-2024-Q4.csv", True),
        ("language_for_ukraine_2024_11.csv.gz", True),
        ("kintell-mentorship-export.CSV", True),
        ("mentors-ukraine-2024-oksana.csv", False),
        ("oksana-mentors-ukraine-2024.csv", False),
        ("mentors-ukraine-2024\n.csv", False),
    ],
)
def test_an_archived_batch_keeps_the_name_of_its_file_only_if_it_says_nothing_of_anybody(
    db: Connection, file_name: str, stays: bool
) -> None:
    key = f"incoming/{file_name}"
    upload_id = add_upload(db, key=key, file_name=file_name)
    expiry.archive(db, ended(db, 366, upload_id=upload_id, file_name=file_name))
    names = db.run(
        "SELECT b.file_name, u.file_name, u.key FROM ingestion_batches b JOIN uploads u ON u.id = b.upload_id"
    )
    assert names == [[file_name, file_name, key] if stays else ["(deleted)", "(deleted)", f"deleted/{upload_id}"]]


def test_an_upload_forgets_its_uploader_as_a_whole(db: Connection) -> None:
    who = {"uploaded_by": "kari@example.org", "uploader_kind": "person", "uploader_issuer": "https://id.example.org"}
    upload_id = add_upload(db, **who, uploader_subject="6b0e", principal="AWS:AROA:serve")
    with refused(db, CHECK, "uploaders_are_forgotten_as_a_whole"):
        db.run("UPDATE uploads SET uploaded_by = NULL")
    assert expiry.archive(db, ended(db, 366, upload_id=upload_id))
    left = "SELECT uploaded_by, uploader_kind, uploader_issuer, uploader_subject, principal FROM uploads"
    assert db.run(left) == [[None, "person", None, None, None]]


@pytest.mark.parametrize("status", ["pending", "running", "failed"])
def test_only_completed_batches_are_archived(db: Connection, status: str) -> None:
    upload_id = add_upload(db, uploaded_by="AWS:operator")
    assert not expiry.archive(db, add_batch(db, status, upload_id=upload_id))
    assert db.run("SELECT uploaded_by FROM uploads") == [["AWS:operator"]]


def test_batches_that_have_ended_or_never_were_need_no_staging(db: Connection) -> None:
    running, pending, failed, unknown = add_batch(db, "running"), add_batch(db), add_batch(db, "failed"), uuid4()
    assert set(expiry.ended(db, [running, pending, failed, unknown])) == {failed, unknown}


def test_the_schedulers_event_cleans_up(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    db = connect(secret_of(database))
    monkeypatch.setattr(app, "settings", lambda: _Settings)
    monkeypatch.setattr(app, "connection", lambda _settings: db)
    context: Any = _Context()
    done = app.handler(json.loads((EVENTS / "retention.json").read_text()), context)
    db.close()
    assert set(done.values()) == {0}


class _Settings:
    error_file_days = 30
    failed_upload_days = 90
    archive_days = 365
    work_bucket = "work"
    stuck_hours = 24


class _Context:
    function_name = "retention"
    memory_limit_in_mb = 128
    invoked_function_arn = "arn:aws:lambda:eu-north-1:123456789012:function:retention"
    aws_request_id = "request"
