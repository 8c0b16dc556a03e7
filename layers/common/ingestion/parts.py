"""The parts of an error file: the rejected rows of one chunk, in file order."""

from collections.abc import Iterable
from uuid import UUID

from ingestion import files, paths
from ingestion.columns import ColumnPlan
from ingestion.error_file import reject_lines
from ingestion.faults import Reject


def write_part(bucket: str, batch_id: UUID, chunk: int, rejects: Iterable[Reject], plan: ColumnPlan) -> None:
    """Write the chunk's part, over an earlier try's; nothing if nothing was rejected."""
    lines = reject_lines(sorted(rejects, key=lambda reject: reject.row.number), plan)
    if lines:
        files.write(bucket, paths.reject_part(batch_id, chunk), lines)
