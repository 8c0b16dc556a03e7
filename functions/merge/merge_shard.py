"""Publishes the rows of one shard in one transaction, which also marks the shard as merged: exactly once.

A session id lives in one shard, so the shards of a batch may be merged in any order and at the same time.
"""

from ingestion.batch import BatchStatus
from ingestion.contracts import MergeTask
from ingestion.database.connection import Connection, DatabaseError, sqlstate, transaction
from ingestion.database.publishing import merge_sql, staging
from ingestion.database.publishing.merge_sql import Merging
from ingestion.database.publishing.targets import fields_of, target_of
from ingestion.database.tables import batches, chunks, people, programmes, shards
from ingestion.database.tables.batches import Batch
from ingestion.errors import BatchBroken, StagingLost
from ingestion.values.ratings import Scale

_FOREIGN_KEY_VIOLATION = "23503"

GOLDEN_SECTION = 0.618_034
"""The shards of a batch start this share of the file apart, however many are merged in parallel. Ids are in row order,
and merges that proceed in step would contend for the same index pages."""


def merge_shard(task: MergeTask, db: Connection) -> tuple[int, int]:
    """Merge the shard; returns how many rows were inserted and updated, or none if it was merged before.

    Raises Cancelled; StagingLost if there are fewer rows than were reconciled, or if they name people who have been
    deleted since, such as those whom a failed import had created; BatchBroken if the database refuses the rows.
    """
    batch = batches.get(db, task.batch_id)
    if batch.status is not BatchStatus.RUNNING:
        return 0, 0
    batch.must_go_on()
    if not staging.exists(db, batch.id):
        raise StagingLost("The staging tables are gone.")
    try:
        with transaction(db):
            return _merge(task, batch, db)
    except StagingLost:
        _stage_again(batch, db)
        raise
    except DatabaseError as failed:
        if sqlstate(failed) == _FOREIGN_KEY_VIOLATION and people.are_gone(db, batch.id, batch.programme.record.people):
            _stage_again(batch, db)
            raise StagingLost("People whom the staged rows name are gone.") from failed
        raise BatchBroken(f"The database refused the rows of shard {task.shard} ({sqlstate(failed)}).") from failed


def _stage_again(batch: Batch, db: Connection) -> None:
    with transaction(db):
        chunks.plan_all_again(db, batch.id)


def _merge(task: MergeTask, batch: Batch, db: Connection) -> tuple[int, int]:
    expected = shards.lock(db, batch.id, task.shard)
    if expected is None:
        return 0, 0
    if not programmes.holds(db, batch.program_type, batch.id):
        raise BatchBroken("The batch lost its right to merge into the programme.")
    merged = merge_sql.merge(
        db,
        Merging(
            batch_id=batch.id,
            shard=task.shard,
            starts_at=int(batch.total_rows * (task.shard * GOLDEN_SECTION % 1)),
            target=target_of(batch.programme.record),
            scale=Scale(batch.rating_scale) if batch.rating_scale else None,
            present=fields_of(batch.column_plan),
            program_type=batch.program_type,
            program_instance_id=batch.program_instance_id,
        ),
    )
    if merged != expected:
        raise StagingLost(f"Shard {task.shard} merged {merged} rows, but {expected} were reconciled.")
    shards.merged(db, batch.id, task.shard)
    return merged
