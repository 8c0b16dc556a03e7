"""The shapes of a batch: its status, its whole record, its chunks, its audit trail."""

from typing import Any, Self
from uuid import UUID

from pydantic import ConfigDict, model_validator

from ingestion.batch import BatchStatus, FaultCount
from serve.shapes import Shape, Utc
from serve.stages import Stage


class Links(Shape):
    """Paths to more of a batch. `errors` is null while there is no error file, and again when it has expired."""

    errors: str | None
    sessions: str
    audit: str
    lineage: str


class BatchSummary(Shape):
    """Where a batch is, and what its rows came to. The counts of rows are final when it has ended."""

    batch_id: UUID
    file_name: str
    file_hash: str
    file_size_bytes: int
    program_type: str
    program_instance: str | None
    status: BatchStatus
    total_rows: int
    success_rows: int
    error_rows: int
    skipped_rows: int
    unchanged_rows: int
    unpublished_rows: int
    inserted_rows: int
    updated_rows: int
    processed_rows: int
    percent_complete: float
    error_summary: list[FaultCount]
    failure_reason: str | None
    imported_by: str | None
    parent_batch_id: UUID | None
    dry_run: bool
    created_at: Utc
    started_at: Utc | None
    completed_at: Utc | None
    links: Links

    @classmethod
    def of(cls, row: dict[str, Any], **more: Any) -> Self:
        """From a row of the database and what else the shape has."""
        return cls.model_validate(
            {
                **row,
                **more,
                "batch_id": row["id"],
                "percent_complete": _percent(row["processed_rows"], row["total_rows"], row["status"]),
                "links": _links(row["id"], has_error_file=row["has_error_file"]),
            }
        )


def _percent(processed: int, total: int, status: str) -> float:
    if total:
        return round(100 * processed / total, 1)
    return 0.0 if status in (BatchStatus.PENDING, BatchStatus.RUNNING) else 100.0


def _links(batch_id: UUID, *, has_error_file: bool) -> Links:
    record = f"/v1/import/batches/{batch_id}"
    return Links(
        errors=f"/v1/import/backfill/{batch_id}/errors" if has_error_file else None,
        sessions=f"{record}/sessions",
        audit=f"{record}/audit",
        lineage=f"{record}/lineage",
    )


class CsvMetadata(Shape):
    """How the file was read. What else intake noted of it is passed on."""

    model_config = ConfigDict(extra="allow")

    delimiter: str | None = None
    encoding: str | None = None
    encoding_chosen_by: str | None = None
    headers: list[str] | None = None
    unknown_headers: list[str] | None = None
    detected_schema_version: str | None = None
    row_count: int | None = None
    has_header_row: bool | None = None
    rating_scale: str | None = None


class Chunk(Shape):
    """A run of the file's rows. The counts after `rejectedRows` are those of the whole file's judgement."""

    number: int
    first_row: int
    rows: int
    state: str
    staged_rows: int
    rejected_rows: int
    inserted_rows: int
    updated_rows: int
    unchanged_rows: int
    taken_rows: int
    staged_at: Utc | None


class ErrorFile(Shape):
    """The error file, which holds the rejected rows until it is deleted."""

    rows: int
    deleted_at: Utc | None


class BatchRecord(BatchSummary):
    """All that is on record of a batch. `stages` says where it is while it runs, and is empty afterwards."""

    csv_metadata: CsvMetadata
    chunks: list[Chunk]
    stages: list[Stage]
    forced: bool
    force_reason: str | None
    max_error_percent: float | None
    error_file: ErrorFile | None
    upload_id: UUID
    key: str
    version_id: str | None
    claimed_by: str | None
    weighed_at: Utc | None
    archived_at: Utc | None

    @model_validator(mode="before")
    @classmethod
    def what_the_database_keeps_apart(cls, row: dict[str, Any]) -> dict[str, Any]:
        """The rating scale is settled after the file was indexed; the error file is two columns."""
        row = dict(row)
        scale = row.pop("rating_scale", None)
        if scale is not None:
            row["csv_metadata"] = {**row["csv_metadata"], "ratingScale": scale}
        if row.pop("error_file_key", None) is not None:
            row["error_file"] = {"rows": row["error_rows"], "deleted_at": row.get("error_file_deleted_at")}
        return {"error_file": None, **row}


class AuditEntry(Shape):
    """Who did what to a batch or its upload, when."""

    id: str
    at: Utc
    actor: str
    action: str
    resource_type: str
    resource_id: UUID
    batch_id: UUID | None
    details: dict[str, Any]

    @classmethod
    def of(cls, row: dict[str, Any]) -> Self:
        """From a row of the database. Ids are texts: a JSON number may lose digits."""
        return cls.model_validate({**row, "id": str(row["id"])})
