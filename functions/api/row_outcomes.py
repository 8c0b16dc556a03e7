"""The outcome of a row of a batch: the session that it gave, or why it gave none."""

from typing import Any, NamedTuple

from api.explanations import ExplainedRow, find_kept_reject
from ingestion.database.connection import Connection
from ingestion.database.queries import lineage
from ingestion.faults import Fault

MOST_VERSIONS = 100
"""How many versions are looked through for the one that already had a row's content."""


class RowOutcome(NamedTuple):
    """`outcome` is None if it is no longer known; `session` is our id of one, and its version."""

    outcome: str | None
    faults: tuple[Fault, ...] = ()
    session: tuple[int, int] | None = None


def outcome_of(db: Connection, batch: dict[str, Any], explained: ExplainedRow) -> RowOutcome:
    """Find the outcome of a row; *batch* is its row in the database."""
    number, record = explained.original.raw.number, explained.original.batch.programme.record
    kept = find_kept_reject(batch["id"], number) if batch["error_rows"] else None
    faults = kept.faults if kept else explained.faults
    if faults:
        return RowOutcome("rejected", faults)
    if batch["dry_run"] or batch["status"] not in ("completed", "archived", "undoing", "undone"):
        return RowOutcome("unpublished" if batch["completed_at"] else None)
    if not record.people:
        return RowOutcome(None)
    given = lineage.find_version_of_row(db, record, batch["id"], number)
    if given:
        return RowOutcome("inserted" if given[1] == 1 else "updated", session=given)
    if batch["status"] in ("undoing", "undone"):
        return RowOutcome("unpublished")
    same = _find_same(db, explained)
    return RowOutcome("unchanged" if same else None, session=same)


def _find_same(db: Connection, explained: ExplainedRow) -> tuple[int, int] | None:
    """The newest version of the row's session that has its content."""
    batch = explained.original.batch
    record = batch.programme.record
    said = {cell.field.name: cell.value for cell in explained.fields if cell.header is not None}
    record_id = lineage.find_record(db, batch.program_type, str(said[record.key.name]))
    if record_id is None:
        return None
    for version in lineage.versions_of_record(db, record, record_id, MOST_VERSIONS, None):
        if all(version[name] == value for name, value in said.items()):
            return record_id, version["version"]
    return None
