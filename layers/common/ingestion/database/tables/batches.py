"""ingestion_batches: one attempt to import a file, from its creation to its end."""

from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from ingestion.batch import NEXT, BatchStatus, Failure, FaultCount, Tally
from ingestion.csv_file.chunk_reader import FileFormat
from ingestion.database.connection import Connection, rows, to_json
from ingestion.file_warnings import OF_ROWS, WarningCode
from ingestion.records import Programme, get_programme
from ingestion.rows.columns import ColumnPlan, plan_columns
from ingestion.rows.error_file import ErrorFile
from ingestion.values.date_forms import DateOrder
from ingestion.values.dates import declared_of


class NewBatch(BaseModel):
    """What intake knows of a batch that it creates."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    upload_id: UUID
    program_type: str
    program_instance_id: int | None
    parent_batch_id: UUID | None
    corrects_batch_id: UUID | None = None
    file_name: str
    file_hash: str
    file_size_bytes: int
    imported_by: str | None
    claimed_by: str | None
    forced: bool
    force_reason: str | None
    dry_run: bool
    max_error_percent: float | None
    date_order: str | None = None
    time_zone: str | None = None
    format: dict[str, Any]
    work_key: str | None
    csv_metadata: dict[str, Any]
    shard_count: int
    total_rows: int


class Batch(BaseModel):
    """What the stages of an import need to know of their batch."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    status: BatchStatus
    program_type: str
    program_instance_id: int | None
    file_name: str
    dry_run: bool
    max_error_percent: float | None
    date_order: str | None
    time_zone: str | None
    format: dict[str, Any]
    work_key: str | None
    bucket: str
    key: str
    version_id: str
    rating_scale: str | None
    shard_count: int
    total_rows: int
    error_file_key: str | None
    failure_reason: str | None
    failure_code: str | None
    imported_by: str | None
    execution: str | None
    corrects_batch_id: UUID | None
    given_scale: str | None
    """The rating scale of the file whose rows this one corrects."""
    corrects_kept_rejects: bool
    """Whether the rows that it corrects are still there to be held against it."""

    @property
    def programme(self) -> Programme:
        """The programme whose rules the file follows."""
        return get_programme(self.program_type)

    @property
    def file_format(self) -> FileFormat:
        """How the file's bytes are read."""
        return FileFormat.model_validate(self.format)

    @property
    def column_plan(self) -> ColumnPlan:
        """What the file's columns are."""
        declared = declared_of(self.date_order, self.time_zone)
        is_correction = self.corrects_batch_id is not None
        return plan_columns(self.file_format.header, self.programme, declared, corrects=is_correction)

    @property
    def error_file(self) -> ErrorFile:
        """What the lines of its error file have in common."""
        return ErrorFile(self.column_plan, self.file_format.delimiter, self.id)


class Parent(BaseModel):
    """A batch whose rejected rows a file brings back, and what that file has from it unless its uploader says so."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    program_type: str
    program_instance_id: int | None
    date_order: DateOrder | None
    time_zone: str | None
    has_lost_rejects: bool


class Live(BaseModel):
    """A batch that already holds some content."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    status: BatchStatus
    date: str


def create(db: Connection, batch: NewBatch) -> bool:
    """Create the batch; False if a live one of the same file and programme was there first, also by a moment."""
    created = db.run(
        """
        INSERT INTO ingestion_batches (
            id, upload_id, program_type, program_instance_id, parent_batch_id, corrects_batch_id, file_name, file_hash,
            file_size_bytes, imported_by, claimed_by, forced, force_reason, dry_run, max_error_percent, date_order,
            time_zone, format, work_key, csv_metadata, shard_count, total_rows)
        VALUES (
            :id, :upload_id, :program_type, :program_instance_id, :parent_batch_id, :corrects_batch_id, :file_name,
            :file_hash, :file_size_bytes, :imported_by, :claimed_by, :forced, :force_reason, :dry_run,
            :max_error_percent, :date_order, :time_zone, CAST(:format_ AS jsonb), :work_key,
            CAST(:csv_metadata AS jsonb), :shard_count, :total_rows)
            ON CONFLICT (file_hash, program_type)
               WHERE status IN ('pending', 'running', 'completed', 'archived') AND NOT forced AND NOT dry_run
            DO NOTHING
     RETURNING id
        """,
        **batch.model_dump(exclude={"format", "csv_metadata"}),
        format_=to_json(batch.format),
        csv_metadata=to_json(batch.csv_metadata),
    )
    return bool(created)


def find_live(db: Connection, file_hash: str, program_type: str) -> Live | None:
    """The newest batch that holds this file, or is about to; archived ones count, dry runs do not."""
    found = rows(
        db,
        """
        SELECT id, status, to_char(coalesce(completed_at, created_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS date
          FROM ingestion_batches
         WHERE file_hash = :file_hash AND program_type = :program_type AND NOT dry_run
           AND status IN ('pending', 'running', 'completed', 'archived')
      ORDER BY forced, created_at
         LIMIT 1
        """,
        file_hash=file_hash,
        program_type=program_type,
    )
    return Live.model_validate(found[0]) if found else None


def find_parent(db: Connection, batch_id: UUID) -> Parent | None:
    """A batch that another one corrects."""
    found = rows(
        db,
        """
        SELECT b.id, b.program_type, b.program_instance_id, b.date_order, b.time_zone,
               b.error_file_deleted_at IS NOT NULL AS has_lost_rejects
          FROM ingestion_batches b
         WHERE b.id = :id
        """,
        id=batch_id,
    )
    return Parent.model_validate(found[0]) if found else None


def find_of_upload(db: Connection, upload_id: UUID) -> tuple[UUID, int, BatchStatus] | None:
    """Id, number of chunks and status of the batch that an upload became."""
    found = db.run(
        """
        SELECT b.id, (SELECT count(*) FROM chunks c WHERE c.batch_id = b.id), b.status
          FROM ingestion_batches b
         WHERE b.upload_id = :upload_id
        """,
        upload_id=upload_id,
    )
    return (found[0][0], int(found[0][1]), BatchStatus(found[0][2])) if found else None


def get(db: Connection, batch_id: UUID, *, lock: bool = False) -> Batch:
    """The batch; locked until the transaction ends if asked for. Raises LookupError."""
    found = rows(
        db,
        f"""
        SELECT b.id, b.status, b.program_type, b.program_instance_id, b.file_name, b.dry_run, b.max_error_percent,
               b.date_order, b.time_zone, b.format, b.work_key, u.bucket, u.key, u.version_id, b.rating_scale,
               b.shard_count, b.total_rows, b.error_file_key, b.failure_reason, b.failure_code, b.imported_by,
               b.execution, b.corrects_batch_id, c.rating_scale AS given_scale,
               c.error_file_key IS NOT NULL AND c.error_file_deleted_at IS NULL AS corrects_kept_rejects
          FROM ingestion_batches b
          JOIN uploads u ON u.id = b.upload_id
     LEFT JOIN ingestion_batches c ON c.id = b.corrects_batch_id
         WHERE b.id = :id
         {"FOR UPDATE OF b" if lock else ""}
        """,
        id=batch_id,
    )
    if not found:
        raise LookupError(f"there is no batch {batch_id}")
    return Batch.model_validate(found[0])


def start(db: Connection, batch_id: UUID, execution: str) -> bool:
    """Move a pending batch to running; False if it was not pending."""
    moved = db.run(
        """
        UPDATE ingestion_batches
           SET status = 'running', execution = :execution, started_at = now(), updated_at = now()
         WHERE id = :id AND status = 'pending'
     RETURNING id
        """,
        id=batch_id,
        execution=execution,
    )
    return bool(moved)


def start_over(db: Connection, batch_id: UUID, execution: str) -> bool:
    """Let another execution go on with a running batch, or try a failed one again; False if there is nothing to do.

    The execution that a batch failed in can't revive it: its stragglers may still be at work. Nor can any other once
    its file has been deleted.
    Raises DatabaseError (unique_violation) if the file was imported by another batch meanwhile.
    """
    moved = db.run(
        """
        UPDATE ingestion_batches
           SET status = 'running', execution = :execution, completed_at = NULL, failure_reason = NULL,
               failure_code = NULL, inserted_rows = 0, updated_rows = 0, skipped_rows = 0, unpublished_rows = 0,
               error_rows = 0, error_summary = '[]',
               error_file_key = NULL, error_file_deleted_at = NULL, updated_at = now(),
               started_at = CASE status WHEN 'failed' THEN now() ELSE started_at END
         WHERE id = :id AND status IN ('running', 'failed') AND execution IS DISTINCT FROM :execution
           AND archived_at IS NULL
     RETURNING id
        """,
        id=batch_id,
        execution=execution,
    )
    return bool(moved)


def reconciled(db: Connection, batch_id: UUID, scale: str | None, is_assumed: bool) -> None:
    """Note what only the whole file could tell."""
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


def warn(db: Connection, batch_id: UUID, warnings: list[dict[str, Any]]) -> None:
    """Add what was tolerated in the rows to what was in the file, in place of what an earlier try counted there."""
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
    """Move a batch to completed or failed, with all that came of it; False if it may not move there, having ended."""
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
        before=[before.value for before, after in NEXT.items() if status in after],
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


def seconds(db: Connection, batch_id: UUID) -> float:
    """How long the import of a batch that has ended took."""
    ((took,),) = db.run(
        """
        SELECT CAST(extract(epoch FROM completed_at - coalesce(started_at, created_at)) AS float8)
          FROM ingestion_batches
         WHERE id = :id
        """,
        id=batch_id,
    )
    return float(took)


def oldest_unfinished_seconds(db: Connection) -> float:
    """How long ago the oldest batch was started, or created, that has not ended; 0 if all have."""
    ((waited,),) = db.run(
        """
        SELECT CAST(coalesce(max(extract(epoch FROM now() - coalesce(started_at, created_at))), 0) AS float8)
          FROM ingestion_batches
         WHERE status IN ('pending', 'running')
        """
    )
    return float(waited)
