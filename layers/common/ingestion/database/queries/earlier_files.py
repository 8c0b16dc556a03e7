"""What a batch's file has in common with those of earlier imports of its programme."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from ingestion.database.connection import Connection, rows


class Overlap(BaseModel):
    """How many ids a batch has in common with an earlier one."""

    model_config = ConfigDict(frozen=True)

    batch_id: UUID
    """The earlier one."""
    file_name: str
    program_instance_id: int | None
    created_at: datetime
    same_rows: int
    changed_rows: int
    changed_fields: dict[str, int]
    """How many rows differ in each field of the record."""
    ids_here: int
    ids_there: int

    @property
    def only_here(self) -> int:
        """Ids that the earlier one does not have."""
        return self.ids_here - self.same_rows - self.changed_rows

    @property
    def only_there(self) -> int:
        """Ids that only the earlier one has."""
        return self.ids_there - self.same_rows - self.changed_rows

    @property
    def percent_same(self) -> float:
        """How many of the rows here the earlier one had just the same, in percent."""
        return round(100 * self.same_rows / self.ids_here, 1) if self.ids_here else 0.0


def overlaps(db: Connection, batch_id: UUID, limit: int) -> list[Overlap]:
    """Return the earlier imports with any of the batch's ids, the nearest first."""
    found = rows(
        db,
        """
        SELECT e.id AS batch_id, e.file_name, e.program_instance_id, e.created_at, o.same_rows, o.changed_rows,
               o.changed_fields, b.distinct_ids AS ids_here, e.distinct_ids AS ids_there
          FROM batch_overlaps o
          JOIN ingestion_batches b ON b.id = o.batch_id
          JOIN ingestion_batches e ON e.id = o.earlier_batch_id
         WHERE o.batch_id = :batch_id AND e.status IN ('completed', 'archived') AND NOT e.dry_run
      ORDER BY o.same_rows DESC, o.changed_rows DESC, e.created_at DESC, e.id DESC
         LIMIT CAST(:limit AS bigint)
        """,
        batch_id=batch_id,
        limit=limit,
    )
    return [Overlap.model_validate(row) for row in found]


def find_same(db: Connection, batch_id: UUID, program_type: str, content_hash: str) -> UUID | None:
    """Find the newest earlier import of a file with the same rows."""
    found = db.run(
        """
        SELECT b.id
          FROM ingestion_batches b
         WHERE b.content_hash = :content_hash AND b.program_type = :program_type
           AND b.status IN ('completed', 'archived') AND NOT b.dry_run AND b.id <> :id
      ORDER BY b.created_at DESC, b.id DESC
         LIMIT 1
        """,
        id=batch_id,
        program_type=program_type,
        content_hash=content_hash,
    )
    return UUID(str(found[0][0])) if found else None
