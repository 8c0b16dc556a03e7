"""State changes of ingestion_batches: each function moves a batch to another state or records a result."""

from typing import Any
from uuid import UUID

from ingestion.batch import AT_WORK, NEXT, BatchStatus, Failure, FaultCount, Tally
from ingestion.database.connection import Connection, to_json
from ingestion.database.tables.old_uploads import NOT_NEEDED
from ingestion.file_warnings import OF_EARLIER_FILES, OF_ROWS, WarningCode


def start(db: Connection, batch_id: UUID, execution: str) -> bool:
    """Move a pending batch to running, and forget the message that started it; False if it was not pending."""
    moved = db.run(
        """
        WITH moved AS (
            UPDATE ingestion_batches
               SET status = 'running', execution = :execution, started_at = now(), updated_at = now()
             WHERE id = :id AND status = 'pending'
         RETURNING id, upload_id
        ), arrived AS (
            DELETE FROM outbox USING moved WHERE about = moved.upload_id
        )
        SELECT id FROM moved
        """,
        id=batch_id,
        execution=execution,
    )
    return bool(moved)


def lock_failed(db: Connection, batch_id: UUID) -> bool:
    """If the batch has failed, lock it, so that no correction of it is accepted until the transaction ends.

    False if a correction that has not ended is compared with its rejects. The first statement waits for such a
    correction to be accepted, so the second one sees it.
    """
    db.run("SELECT FROM ingestion_batches WHERE id = :id AND status = 'failed' FOR UPDATE", id=batch_id)
    return not db.run(
        f"SELECT FROM ingestion_batches b WHERE b.id = :id AND b.status = 'failed' AND NOT {NOT_NEEDED}", id=batch_id
    )


def start_over(db: Connection, batch_id: UUID, execution: str) -> bool:
    """Let another execution continue a running batch or retry a failed one; False if there is nothing to do.

    The execution in which a batch failed can't retry it, since its stragglers may still be running. No execution can
    once the file has been deleted.
    Raises DatabaseError (unique_violation) if another batch has imported the file meanwhile.
    """
    moved = db.run(
        """
        UPDATE ingestion_batches
           SET status = 'running', execution = :execution, completed_at = NULL, failure_reason = NULL,
               failure_code = NULL, inserted_rows = 0, updated_rows = 0, skipped_rows = 0, unpublished_rows = 0,
               error_rows = 0, error_summary = '[]',
               error_file_key = NULL, error_file_deleted_at = NULL, updated_at = now(),
               cancelled_at = CASE status WHEN 'running' THEN cancelled_at END,
               started_at = CASE status WHEN 'failed' THEN now() ELSE started_at END
         WHERE id = :id AND status IN ('running', 'failed') AND execution IS DISTINCT FROM :execution
           AND archived_at IS NULL
     RETURNING id
        """,
        id=batch_id,
        execution=execution,
    )
    return bool(moved)


def cancel(db: Connection, batch_id: UUID) -> bool:
    """Ask for a pending or running batch to be cancelled; False if it has ended, or if somebody has asked before."""
    asked = db.run(
        """
        UPDATE ingestion_batches
           SET cancelled_at = now(), updated_at = now()
         WHERE id = :id AND status IN ('pending', 'running') AND cancelled_at IS NULL
     RETURNING id
        """,
        id=batch_id,
    )
    return bool(asked)


def reconciled(db: Connection, batch_id: UUID, scale: str | None, is_assumed: bool) -> None:
    """Record what only the whole file shows."""
    db.run(
        """
        UPDATE ingestion_batches
           SET rating_scale = :scale, reconciled_at = coalesce(reconciled_at, now()), updated_at = now(),
               csv_metadata = csv_metadata || CAST(:found AS jsonb)
         WHERE id = :id
        """,
        id=batch_id,
        scale=scale,
        found=to_json({"ratingScale": scale, "ratingScaleAssumed": is_assumed}),
    )


def compared(db: Connection, batch_id: UUID, content_hash: str, warnings: list[dict[str, Any]]) -> None:
    """Record the hash of the rows, and the warnings that come from comparing them with earlier files."""
    db.run(
        """
        UPDATE ingestion_batches
           SET content_hash = :content_hash,
               csv_metadata = csv_metadata || jsonb_build_object('warnings',
                   (SELECT coalesce(jsonb_agg(w), '[]')
                      FROM jsonb_array_elements(coalesce(csv_metadata->'warnings', '[]')) w
                     WHERE w->>'code' <> ALL(CAST(:of_files AS text[])))
                   || CAST(:warnings AS jsonb))
         WHERE id = :id
        """,
        id=batch_id,
        content_hash=content_hash,
        of_files=[code.value for code in OF_EARLIER_FILES],
        warnings=to_json(warnings),
    )


def count_ids(db: Connection, batch_id: UUID, distinct_ids: int) -> None:
    """Record how many ids the valid rows have."""
    db.run("UPDATE ingestion_batches SET distinct_ids = :ids WHERE id = :id", id=batch_id, ids=distinct_ids)


def warn(db: Connection, batch_id: UUID, warnings: list[dict[str, Any]]) -> None:
    """Add the warnings about rows to those about the file, replacing the counts of an earlier attempt."""
    db.run(
        """
        UPDATE ingestion_batches
           SET csv_metadata = csv_metadata || jsonb_build_object('warnings',
                   (SELECT coalesce(jsonb_agg(w), '[]')
                      FROM jsonb_array_elements(coalesce(csv_metadata->'warnings', '[]')) w
                     WHERE w->>'code' <> ALL(CAST(:of_rows AS text[])))
                   || CASE WHEN csv_metadata->'ratingScaleAssumed' = 'true'
                           THEN jsonb_build_array(jsonb_build_object('code', CAST(:assumed AS text), 'count', 1))
                           ELSE '[]' END
                   || CAST(:warnings AS jsonb))
         WHERE id = :id
        """,
        id=batch_id,
        of_rows=[code.value for code in OF_ROWS],
        assumed=WarningCode.RATING_SCALE_ASSUMED.value,
        warnings=to_json(warnings),
    )


def end(
    db: Connection,
    batch_id: UUID,
    status: BatchStatus,
    tally: Tally,
    summary: list[FaultCount],
    *,
    failure: Failure | None,
    error_file_key: str | None,
) -> bool:
    """Move a batch to completed or failed, with its results; False if its state does not allow that any more."""
    ended = db.run(
        """
        UPDATE ingestion_batches
           SET status = :status, inserted_rows = :inserted, updated_rows = :updated, skipped_rows = :skipped,
               unpublished_rows = :unpublished, error_rows = :errors, error_summary = CAST(:summary AS jsonb),
               failure_code = :failure_code, failure_reason = :failure_reason,
               error_file_key = :error_file_key, completed_at = now(), updated_at = now()
         WHERE id = :id AND status = ANY(CAST(:before AS text[]))
     RETURNING id
        """,
        id=batch_id,
        before=[before.value for before in AT_WORK if status in NEXT[before]],
        status=status.value,
        inserted=tally.inserted,
        updated=tally.updated,
        skipped=tally.skipped,
        unpublished=tally.unpublished,
        errors=tally.errors,
        summary=to_json(summary),
        failure_code=failure.code if failure else None,
        failure_reason=failure.reason if failure else None,
        error_file_key=error_file_key,
    )
    return bool(ended)


def start_undo(db: Connection, batch_id: UUID) -> bool:
    """Move a completed batch, or an undone one, to undoing, once its undo was added; False if it is neither.

    A dry run has nothing to undo, and what an archived batch imported stays.
    """
    return _move(db, batch_id, "undoing", "status IN ('completed', 'undone') AND archived_at IS NULL AND NOT dry_run")


def end_undo(db: Connection, batch_id: UUID) -> bool:
    """Move a batch from undoing to undone; False if it was not undoing."""
    return _move(db, batch_id, "undone", "status = 'undoing'", "undone_at = now(), finding = NULL, ")


def leave_undo(db: Connection, batch_id: UUID) -> None:
    """End an undo that failed: the batch is completed again if nothing of it was undone, now or before, else undone."""
    nothing = """undone_at IS NULL AND NOT EXISTS (
               SELECT FROM undos o WHERE o.batch_id = ingestion_batches.id AND o.removed_rows + o.restored_rows > 0)"""
    if not _move(db, batch_id, "completed", f"status = 'undoing' AND {nothing}"):
        end_undo(db, batch_id)


def _move(db: Connection, batch_id: UUID, status: str, condition: str, more: str = "") -> bool:
    moved = db.run(
        f"""
        UPDATE ingestion_batches SET {more}status = '{status}', updated_at = now()
         WHERE id = :id AND {condition}
     RETURNING id
        """,
        id=batch_id,
    )
    return bool(moved)


def seconds(db: Connection, batch_id: UUID) -> float:
    """Return how long the import of an ended batch took."""
    ((took,),) = db.run(
        """
        SELECT CAST(extract(epoch FROM completed_at - coalesce(started_at, created_at)) AS float8)
          FROM ingestion_batches
         WHERE id = :id
        """,
        id=batch_id,
    )
    return float(took)
