"""Publishes the rows of one shard in one transaction, which also marks the shard as merged: exactly once.

A session id lives in one shard, so the shards of a batch may be merged in any order and at the same time.
"""

from ingestion.batch import BatchStatus
from ingestion.contracts import MergeTask
from ingestion.database.connection import Connection, DatabaseError, sqlstate, transaction
from ingestion.database.publishing import merge_sql, staging
from ingestion.database.publishing.merge_sql import Merging
from ingestion.database.publishing.targets import fields_of, target_of
from ingestion.database.tables import batches, chunks, programmes, shards
from ingestion.database.tables.batches import Batch
from ingestion.errors import BatchBroken, StagingLost
from ingestion.values.ratings import Scale

GOLDEN_SECTION = 0.618_034
"""The shards of a batch start this part of the file apart from each other, however many are merged side by side: ids
are in the order of the rows, and merges that walk along together meet on the same pages of the index."""


def merge_shard(task: MergeTask, db: Connection) -> tuple[int, int]:
    """How many rows were inserted and updated; none if the shard was merged before.

    Raises Cancelled, StagingLost if fewer rows are there than were reconciled, BatchBroken if the database refuses
    them.
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
        with transaction(db):
            chunks.plan_all_again(db, batch.id)
        raise
    except DatabaseError as failed:
        raise BatchBroken(f"The database refused the rows of shard {task.shard} ({sqlstate(failed)}).") from failed


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
        raise StagingLost(f"Shard {task.shard} merges {merged} rows where {expected} were reconciled.")
    shards.merged(db, batch.id, task.shard)
    return merged
