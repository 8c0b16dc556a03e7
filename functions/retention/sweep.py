"""Deletes error files and files that led to nothing, and archives batches, each once its time in `config.Retention` is
over; the audit trail records each.

It handles one batch at a time. It deletes the objects before the record says so, while nobody can start the batch over.
What an interruption leaves undone is due again next time, and deleting a missing object is no error.
"""

from collections.abc import Callable
from datetime import UTC, datetime

from ingestion.aws import object_keys, s3
from ingestion.aws.chunk_manifests import prepare_import
from ingestion.config import Settings
from ingestion.contracts import ImportToStart, UndoInput
from ingestion.database.connection import Connection, transaction
from ingestion.database.publishing import staging
from ingestion.database.tables import audit, expiry, idempotency_keys, old_uploads, outbox, revoked_cookies, undos
from ingestion.database.tables.expiry import Expired, Old
from ingestion.database.tables.old_uploads import DueUpload


def retention(db: Connection, settings: Settings) -> dict[str, int]:
    """Do everything that is due; returns how often each was done."""
    return {
        "error_files_deleted": _delete_error_files(db, settings),
        "refused_uploads_deleted": _delete_uploads(old_uploads.refused, settings.failed_upload_days, db, settings),
        "undecided_uploads_deleted": _delete_uploads(old_uploads.undecided, settings.failed_upload_days, db, settings),
        "failed_uploads_deleted": _delete_uploads(old_uploads.failed, settings.failed_upload_days, db, settings),
        "undone_uploads_deleted": _delete_uploads(old_uploads.undone, settings.archive_days, db, settings),
        "batches_archived": _archive(db, settings),
        "uploads_expired": expiry.expire_unused_links(db),
        "revoked_cookies_forgotten": revoked_cookies.forget_expired(db),
        "idempotency_keys_forgotten": idempotency_keys.forget_expired(db),
        "staging_dropped": _drop_staging(db),
        "imports_started_over": _start_over(db, settings),
        "undos_started_over": _start_undos_over(db, settings),
    }


def _delete_error_files(db: Connection, settings: Settings) -> int:
    count = 0
    while due := expiry.expired_error_files(db, settings.error_file_days):
        count += sum(_delete_error_file(expired, db, settings) for expired in due)
    return count


def _delete_error_file(expired: Expired, db: Connection, settings: Settings) -> bool:
    """Delete the file and its rows as values; False if another run was first or the batch was started over."""
    with transaction(db):
        if not old_uploads.lock_batch(db, expired.batch_id):
            return False
        if not expiry.note_error_file_deleted(db, expired.batch_id, settings.error_file_days):
            return False
        s3.delete(settings.work_bucket, object_keys.reject_values(expired.batch_id))
        s3.delete(settings.work_bucket, object_keys.error_workbook(expired.batch_id))
        s3.delete(settings.work_bucket, expired.key)
        audit.write(
            db,
            actor=audit.SERVICE,
            action="error_file_deleted",
            batch_id=expired.batch_id,
            details={"afterDays": settings.error_file_days},
        )
    return True


def _delete_uploads(
    find: Callable[[Connection, int], list[DueUpload]], days: int, db: Connection, settings: Settings
) -> int:
    count = 0
    while due := find(db, days):
        count += sum(_delete_upload(one, days, db, settings) for one in due)
    return count


def _delete_upload(due: DueUpload, days: int, db: Connection, settings: Settings) -> bool:
    """Delete the object version and copies made of it; False if another run was first or the batch runs again."""
    with transaction(db):
        if not old_uploads.lock(db, due, days):
            return False
        if not due.is_retry:
            s3.delete(due.bucket, due.key, due.version_id)
            s3.delete(settings.work_bucket, object_keys.unpacked(due.upload_id))
        if due.batch_id and due.error_file_key:
            s3.delete(settings.work_bucket, object_keys.reject_values(due.batch_id))
            s3.delete(settings.work_bucket, object_keys.error_workbook(due.batch_id))
            s3.delete(settings.work_bucket, object_keys.error_file(due.batch_id))
        old_uploads.blank(db, due)
        if due.batch_id:
            undos.forget_requesters(db, due.batch_id)
        audit.write(
            db,
            actor=audit.SERVICE,
            action="error_file_deleted" if due.is_retry else "upload_deleted",
            upload_id=None if due.is_retry else due.upload_id,
            batch_id=due.batch_id,
            details={"uploadId": str(due.upload_id), "afterDays": days},
        )
    return True


def _archive(db: Connection, settings: Settings) -> int:
    count = 0
    while due := expiry.old_batches(db, settings.archive_days):
        for old in due:
            _archive_batch(old, db, settings)
        count += len(due)
    return count


def _archive_batch(old: Old, db: Connection, settings: Settings) -> None:
    with transaction(db):
        if not old_uploads.lock_batch(db, old.batch_id):
            return
        if not old.is_retry:
            s3.delete(old.bucket, old.key, old.version_id)
        if old.work_key and not old.is_retry:
            s3.delete(settings.work_bucket, old.work_key)
        if old.error_file_key:
            s3.delete(settings.work_bucket, object_keys.reject_values(old.batch_id))
            s3.delete(settings.work_bucket, object_keys.error_workbook(old.batch_id))
            s3.delete(settings.work_bucket, object_keys.error_file(old.batch_id))
        if expiry.archive(db, old.batch_id):
            audit.write(
                db,
                actor=audit.SERVICE,
                action="batch_archived",
                batch_id=old.batch_id,
                details={"afterDays": settings.archive_days, "uploadDeleted": True},
            )


def _start_over(db: Connection, settings: Settings) -> int:
    """Restart imports whose execution never started, or ended unnoticed.

    If one is still running after all, two executions do the same work, and each row still ends in one place.
    """
    stuck = expiry.stuck_batches(db, settings.stuck_hours)
    for batch in stuck:
        given = prepare_import(batch.batch_id, batch.chunk_count, settings)
        name = f"{batch.batch_id}-again-{datetime.now(UTC):%Y%m%d}"
        outbox.add(db, batch.batch_id, ImportToStart(name=name, input=given))
    return len(stuck)


def _start_undos_over(db: Connection, settings: Settings) -> int:
    """Restart undos in the same way."""
    stuck = undos.stuck(db, settings.stuck_hours)
    for batch_id, number in stuck:
        name = f"{batch_id}-undo-{number}-again-{datetime.now(UTC):%Y%m%d}"
        outbox.add(db, batch_id, ImportToStart(name=name, input=UndoInput(batch_id=batch_id, undo=number)))
    return len(stuck)


def _drop_staging(db: Connection) -> int:
    """Drop the staging tables of batches that have ended, such as those that a late execution created again."""
    left_over = expiry.ended(db, staging.batches(db))
    for batch_id in left_over:
        staging.drop(db, batch_id)
    return len(left_over)
