"""What only the whole file can tell: whether every row is there, which rating scale it uses, what becomes of each row.

Done again after an interruption it comes to the same result: shards that are merged already are left alone, and nobody
else changes the programme's sessions while this batch has the right to merge.
"""

import json
from enum import StrEnum
from random import uniform
from time import monotonic, sleep
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from ingestion.aws import object_keys, s3
from ingestion.batch import BatchStatus
from ingestion.config import Settings, UnknownUsers
from ingestion.database.connection import Connection, transaction
from ingestion.database.publishing import reconciliation, staging
from ingestion.database.publishing.reconciliation import Reconciling
from ingestion.database.publishing.targets import fields_of, target_of
from ingestion.database.tables import batches, chunks, people, programmes
from ingestion.database.tables.batches import Batch
from ingestion.errors import ProgrammeBusy
from ingestion.values.ratings import RatingFacts, Scale, scale_of

WAIT_SECONDS = 1.0
"""Hundreds of batches may wait for one programme: each takes a function's process and a connection only for so long."""


class BatchTask(BaseModel):
    """What the state machine asks for."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel)

    batch_id: UUID


class How(StrEnum):
    """How the import goes on."""

    RESTAGE = "restage"
    MERGE = "merge"
    FINALIZE = "finalize"


class Verdict(BaseModel):
    """The answer to the state machine."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)

    verdict: How
    has_conflicts: bool = False
    manifest_key: str = ""
    shards: list[int] = []


def reconcile_batch(batch_id: UUID, db: Connection, settings: Settings) -> Verdict:
    """Reconcile the staged batch. Raises ProgrammeBusy while another batch of the programme may merge, Unavailable."""
    batch = batches.get(db, batch_id)
    if batch.status is not BatchStatus.RUNNING:
        return Verdict(verdict=How.FINALIZE)
    if lost := _lost_chunks(batch, db):
        return _restage(batch, lost, None, db, settings)
    scale, is_assumed, misread = _scale(batch, db)
    if misread:
        return _restage(batch, misread, scale, db, settings)
    if not batch.dry_run:
        _acquire(batch, db)
    with transaction(db):
        batches.reconciled(db, batch_id, scale, is_assumed)
        to_merge = _reconcile(batch, scale, db, settings)
    verdict = _find_conflicts(batch, db, settings)
    return verdict.model_copy(update={"verdict": How.MERGE if to_merge else How.FINALIZE, "shards": to_merge})


def _acquire(batch: Batch, db: Connection) -> None:
    """Take the right to merge. A small batch gives it back within a moment, so a moment is waited here."""
    deadline = monotonic() + WAIT_SECONDS
    while not programmes.acquire(db, batch.program_type, batch.id):
        if monotonic() > deadline:
            raise ProgrammeBusy("Another batch of the programme is being merged.")
        sleep(uniform(0.02, 0.1))


def _lost_chunks(batch: Batch, db: Connection) -> list[int]:
    """Chunks whose rows are not all there: never staged, or lost with the unlogged tables in a crash."""
    if not staging.exists(db, batch.id):
        return sorted(chunks.staged_counts(db, batch.id))
    there = staging.counts(db, batch.id)
    missing = set(chunks.not_staged(db, batch.id))
    missing |= {chunk for chunk, rows in chunks.staged_counts(db, batch.id).items() if there.get(chunk, 0) != rows}
    return sorted(missing)


def _scale(batch: Batch, db: Connection) -> tuple[Scale | None, bool, list[int]]:
    """The file's rating scale, whether it is assumed, and the chunks that took ratings which are off it.

    A part of a file may look as if it had the other scale: a corrected file has that of the file it corrects.
    """
    if batch.given_scale:
        return Scale(batch.given_scale), False, []
    facts, doubtful = RatingFacts(), []
    for number, read_with, of_chunk in chunks.rating_facts(db, batch.id):
        facts |= of_chunk
        if of_chunk.saw_below_one and not of_chunk.saw_above_one and read_with is None:
            doubtful.append(number)
    if not facts.saw_any:
        return None, False, []
    scale, is_assumed = scale_of(facts)
    return scale, is_assumed, doubtful if scale is Scale.ONE_TO_FIVE else []


def _restage(batch: Batch, numbers: list[int], scale: Scale | None, db: Connection, settings: Settings) -> Verdict:
    manifest_key = _write_manifest(batch, "restage", numbers, settings)
    with transaction(db):
        chunks.plan_again(db, batch.id, numbers, scale)
    return Verdict(verdict=How.RESTAGE, manifest_key=manifest_key)


def _reconcile(batch: Batch, scale: Scale | None, db: Connection, settings: Settings) -> list[int]:
    """Work out and write down what becomes of each row; the shards to be merged, none if nothing is to be published."""
    creates_people = bool(batch.programme.record.people) and settings.unknown_users is UnknownUsers.CREATE
    if creates_people and not batch.dry_run:
        is_published = _reconcile_with_new_people(batch, scale, db)
    else:
        if creates_people:
            people.number_staged(db, batch.id, batch.programme.record.people)
        is_published = _judge(batch, scale, db)
    if is_published:
        return chunks.shards_to_merge(db, batch.id)
    chunks.forget_shards(db, batch.id)
    programmes.release(db, batch.id)
    return []


def _reconcile_with_new_people(batch: Batch, scale: Scale | None, db: Connection) -> bool:
    """Create the people whom the rows name; if nothing is published, there never were any.

    To delete them would hold up whoever writes sessions. Reconciling again without them comes to the same.
    """
    db.run("SAVEPOINT before_people")
    people.create_staged(db, batch.id, batch.programme.record.people)
    if _judge(batch, scale, db):
        return True
    db.run("ROLLBACK TO SAVEPOINT before_people")
    people.number_staged(db, batch.id, batch.programme.record.people)
    return _judge(batch, scale, db)


def _judge(batch: Batch, scale: Scale | None, db: Connection) -> bool:
    """Reconcile the rows whose people all have an id, and keep the ledgers; whether any of it is to be published."""
    merged = chunks.merged_shards(db, batch.id)
    reconciliation.reconcile(
        db,
        Reconciling(
            batch_id=batch.id,
            target=target_of(batch.programme.record),
            program_type=batch.program_type,
            scale=scale,
            present=fields_of(batch.column_plan),
            shards=[shard for shard in range(batch.shard_count) if shard not in merged],
            shard_count=batch.shard_count,
        ),
    )
    if merged:
        chunks.mark_reconciled(db, batch.id)
    else:
        reconciliation.record(db, batch.id)
        chunks.plan_shards(db, batch.id, reconciliation.shard_counts(db, batch.id))
    tally = chunks.tally(db, batch.id)
    is_over = batch.max_error_percent is not None and tally.is_over(batch.max_error_percent)
    return not batch.dry_run and not is_over and tally.success > 0


def _find_conflicts(batch: Batch, db: Connection, settings: Settings) -> Verdict:
    """Whether rows conflict with sessions of other people, and the manifest of the chunks that hold them."""
    numbers = chunks.with_conflicts(db, batch.id)
    if not numbers:
        return Verdict(verdict=How.FINALIZE)
    manifest_key = _write_manifest(batch, "conflicts", numbers, settings)
    return Verdict(verdict=How.FINALIZE, has_conflicts=True, manifest_key=manifest_key)


def _write_manifest(batch: Batch, name: str, numbers: list[int], settings: Settings) -> str:
    key = object_keys.manifest(batch.id, name)
    s3.write(settings.work_bucket, key, json.dumps([{"chunk": number} for number in numbers]).encode())
    return key
