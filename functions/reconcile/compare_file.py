"""Compares a file's rows with those of earlier imports, before any of them is published."""

import re
from time import monotonic
from typing import Any, Final

from ingestion.config import Settings, UnknownUsers
from ingestion.database.connection import Connection
from ingestion.database.publishing import contents, overlaps
from ingestion.database.publishing.contents import Hashed, StagedContent
from ingestion.database.publishing.overlaps import Comparing
from ingestion.database.publishing.targets import fields_of, target_of
from ingestion.database.queries import earlier_files
from ingestion.database.tables import batch_states, commits
from ingestion.database.tables.batches import Batch
from ingestion.database.tables.ledger import Ledger
from ingestion.file_warnings import WarningCode
from ingestion.rows.content_hashes import Sums, content_hash
from ingestion.telemetry import logger

MOST_PERCENT: Final = 90
"""A file of another name that has so much of an earlier one is probably that one."""
_MARKS_OF_COPIES = re.compile(r"(?:(?<![ _-])[ _-]*(?:\(\d{1,3}\)|copy|kopi))?(?:\.[a-z]{1,8}){0,3}$")


def staged_content(batch: Batch, db: Connection, settings: Settings) -> StagedContent | None:
    """Count and hash the staged rows; None if they are gone."""
    by_address = settings.unknown_users is UnknownUsers.CREATE
    return contents.read(db, batch.id, Hashed(batch.programme.record, fields_of(batch.column_plan), by_address))


def compare_rows(batch: Batch, ledger: Ledger, db: Connection, *, has_repeats: bool) -> None:
    """Record how much the batch has in common with earlier ones, and what it finds unchanged."""
    begun = monotonic()
    target = target_of(batch.programme.record)
    present = fields_of(batch.column_plan)
    comparing = Comparing(
        batch_id=batch.id,
        target=target,
        program_type=batch.program_type,
        fields=tuple(name for name in target.content if name in present),
        has_repeats=has_repeats,
    )
    hits, found = overlaps.compare(db, comparing)
    overlaps.record(db, batch.id, found)
    batch_states.count_ids(db, batch.id, ledger.totals.inserted + hits)
    if ledger.totals.unchanged and not batch.dry_run:
        overlaps.note_unchanged(db, comparing)
    # Read by make bench, too.
    logger.info("rows compared", seconds=round(monotonic() - begun, 3), earlier_batches=len(found))


def compare_file(batch: Batch, valid: Sums, ledger: Ledger, db: Connection) -> None:
    """Record the hash of the file's rows, and warn if an earlier import had the same or nearly the same."""
    rejected = Sums(sum(line.rejected_rows for line in ledger.chunks), ledger.rejects_sum)
    found = content_hash(batch.column_plan, valid, rejected)
    if batch.planned_by_batch_id:
        # A row that conflicted when it was planned was valid then, and is rejected by now: it is the same row.
        found = commits.planned_content_hash(db, batch.planned_by_batch_id) or found
    warning = (_same_rows(batch, found, db) or _mostly_imported(batch, db)) if batch.total_rows else None
    batch_states.compared(db, batch.id, found, [warning] if warning else [])


def _same_rows(batch: Batch, found: str, db: Connection) -> dict[str, Any] | None:
    earlier = earlier_files.find_same(db, batch.id, batch.program_type, found)
    if earlier is None:
        return None
    return {"code": WarningCode.SAME_ROWS, "count": batch.total_rows, "batch_id": str(earlier)}


def _mostly_imported(batch: Batch, db: Connection) -> dict[str, Any] | None:
    """The warning about the nearest earlier file, unless this one is named as a new export of it."""
    nearest = next(iter(earlier_files.overlaps(db, batch.id, 1)), None)
    if nearest is None or nearest.percent_same < MOST_PERCENT or batch.corrects_batch_id is not None:
        return None
    is_same_run = nearest.program_instance_id == batch.program_instance_id
    if is_same_run and _without_copies(nearest.file_name) == _without_copies(batch.file_name):
        return None
    return {
        "code": WarningCode.MOSTLY_IMPORTED,
        "count": nearest.same_rows,
        "batch_id": str(nearest.batch_id),
        "percent": nearest.percent_same,
    }


def _without_copies(file_name: str) -> str:
    """The name without what a browser or a person adds to that of a second copy."""
    return _MARKS_OF_COPIES.sub("", file_name.lower())
