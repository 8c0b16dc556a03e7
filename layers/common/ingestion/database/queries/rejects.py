"""Find which rejected rows of a batch were corrected since, and by which batch."""

from collections.abc import Sequence
from uuid import UUID

from ingestion.database.connection import Connection


def corrections(db: Connection, batch_id: UUID, numbers: Sequence[int] | None = None) -> dict[int, UUID]:
    """Return, for each rejected row that a later batch has imported, the first batch that did; of *numbers*, or all."""
    found = db.run(
        """
        WITH own AS (
            SELECT r.row_number, r.first_batch_id, r.first_row FROM returned_rows r WHERE r.batch_id = :batch_id
        ), origin AS (
            SELECT c.row_number AS number, c.corrected_by FROM corrected_rows c WHERE c.batch_id = :batch_id
             UNION ALL
            SELECT o.row_number, c.corrected_by
              FROM own o
              JOIN corrected_rows c ON c.batch_id = o.first_batch_id AND c.row_number = o.first_row
             WHERE c.corrected_by <> :batch_id
        )
        SELECT DISTINCT ON (o.number) o.number, o.corrected_by
          FROM origin o
          JOIN ingestion_batches b ON b.id = o.corrected_by
         WHERE CAST(:numbers AS integer[]) IS NULL OR o.number = ANY(CAST(:numbers AS integer[]))
      ORDER BY o.number, b.number
        """,
        batch_id=batch_id,
        numbers=list(numbers) if numbers is not None else None,
    )
    return {int(number): corrected_by for number, corrected_by in found}
