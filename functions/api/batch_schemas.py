"""The shapes of a batch: its status, its whole record, its chunks, its audit trail."""

from typing import Any, Final, Self
from uuid import UUID

from pydantic import ConfigDict, model_validator

from api.code_words import described
from api.schemas import Shape, Utc, left_out
from api.stage_progress import Stage
from ingestion.batch import BatchStatus
from ingestion.faults import FaultCode
from ingestion.file_warnings import FileWarning, WarningCode
from ingestion.sign_in.actors import ActorKind

MOST_CHUNKS: Final = 2_000
MOST_HEADERS: Final = 500
LONGEST_HEADER: Final = 255
"""Limits on the chunks and headers in a record: a file may have 16,384 columns, while an answer is limited to 6 MB."""


class Links(Shape):
    """Paths to more about a batch. `errors` is null until there is an error file, and again once it has expired."""

    errors: str | None
    sessions: str
    audit: str
    lineage: str


class FaultLine(Shape):
    """How often a fault occurred in a column. `title` and `advice` explain its code."""

    code: str
    category: str
    field: str
    count: int
    title: str | None = left_out()
    advice: str | None = left_out()


class BatchWarning(Shape):
    """Something odd about the file that was tolerated, `count` times. `title` and `advice` explain its code."""

    code: str
    count: int
    title: str | None = left_out()
    advice: str | None = left_out()
    batch_id: UUID | None = left_out()
    percent: float | None = left_out()


class BatchNamed(Shape):
    """Which batch a request started, or concerns."""

    batch_id: UUID


class BatchSummary(Shape):
    """The status of a batch and the outcome of its rows. The counts are final once it has ended."""

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
    open_rows: int
    corrected_rows: int
    retryable_rows: int
    processed_rows: int
    percent_complete: float
    error_summary: list[FaultLine]
    warnings: list[BatchWarning]
    failure_reason: str | None
    imported_by: str | None
    parent_batch_id: UUID | None
    dry_run: bool
    content_hash: str | None
    created_at: Utc
    started_at: Utc | None
    completed_at: Utc | None
    undone_at: Utc | None = left_out()
    links: Links

    @classmethod
    def of(cls, row: dict[str, Any], **more: Any) -> Self:
        """Build the shape from a database row and its other fields."""
        return cls.model_validate(
            {
                **row,
                **more,
                "batch_id": row["id"],
                "error_summary": [described(line, FaultCode) for line in row["error_summary"] or ()],
                "warnings": [described(line, WarningCode) for line in row["warnings"] or ()],
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
    """How the file was read. Anything else that intake recorded about it is passed on."""

    model_config = ConfigDict(extra="allow")

    delimiter: str | None = None
    encoding: str | None = None
    encoding_chosen_by: str | None = None
    sheet: str | None = left_out()
    headers: list[str] | None = None
    unknown_headers: list[str] | None = None
    headers_left_out: int | None = left_out()
    unknown_headers_left_out: int | None = left_out()
    detected_schema_version: str | None = None
    row_count: int | None = None
    has_header_row: bool | None = None
    rating_scale: str | None = None
    nearest_names: dict[str, str] | None = None
    """For each unknown header, the column that may have been meant."""
    date_order: str | None = None
    time_zone: str | None = None
    warnings: list[FileWarning] | None = None

    @model_validator(mode="before")
    @classmethod
    def some_of_many_headers(cls, noted: dict[str, Any]) -> dict[str, Any]:
        """Show all headers, unless there are more of them, or longer ones, than anybody would read."""
        shown = dict(noted)
        for name in ("headers", "unknownHeaders"):
            headers = shown.get(name) or ()
            if len(headers) > MOST_HEADERS:
                shown[f"{name}LeftOut"] = len(headers) - MOST_HEADERS
            if headers:
                shown[name] = [_shortened(header) for header in headers[:MOST_HEADERS]]
        return shown


def _shortened(header: str) -> str:
    return header if len(header) <= LONGEST_HEADER else f"{header[: LONGEST_HEADER - 1]}…"


class Chunk(Shape):
    """A run of the file's rows. The counts after `rejectedRows` come from reconciling the whole file."""

    number: int
    first_row: int
    rows: int
    state: str
    staged_rows: int
    rejected_rows: int
    inserted_rows: int
    updated_rows: int
    unchanged_rows: int
    conflict_rows: int
    staged_at: Utc | None


class ErrorFile(Shape):
    """The error file, which holds the rejected rows until it is deleted."""

    rows: int
    deleted_at: Utc | None


class BatchRecord(BatchSummary):
    """Everything on record about a batch. `stages` says how far it has come while it runs, and is empty afterwards."""

    csv_metadata: CsvMetadata
    chunks: list[Chunk]
    chunks_left_out: int | None = left_out()
    stages: list[Stage]
    failure_code: str | None
    forced: bool
    force_reason: str | None
    max_error_percent: float | None
    error_file: ErrorFile | None
    upload_id: UUID
    key: str
    version_id: str | None
    claimed_by: str | None
    reconciled_at: Utc | None
    archived_at: Utc | None
    undone_by: str | None = left_out()

    @model_validator(mode="before")
    @classmethod
    def what_the_database_keeps_apart(cls, row: dict[str, Any]) -> dict[str, Any]:
        """Add the rating scale, decided after the file was indexed, and the error file, stored as two columns."""
        row = dict(row)
        scale = row.pop("rating_scale", None)
        if scale is not None:
            row["csv_metadata"] = {**row["csv_metadata"], "ratingScale": scale}
        if row.pop("error_file_key", None) is not None:
            row["error_file"] = {"rows": row["error_rows"], "deleted_at": row.get("error_file_deleted_at")}
        return {"error_file": None, **row}


class AuditEntry(Shape):
    """Who did what to a batch or its upload, when.

    `actor` is a name and `actorKind` says what kind of actor it names. For people and programs, `actorIssuer` and
    `actorSubject` identify them.
    """

    id: str
    at: Utc
    actor: str
    actor_kind: ActorKind | None = left_out()
    actor_issuer: str | None = left_out()
    actor_subject: str | None = left_out()
    action: str
    resource_type: str
    resource_id: UUID
    batch_id: UUID | None
    details: dict[str, Any]

    @classmethod
    def of(cls, row: dict[str, Any]) -> Self:
        """Build it from a database row. Ids are strings, since a JSON number may lose digits."""
        return cls.model_validate({**row, "id": str(row["id"])})
