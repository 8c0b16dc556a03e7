"""Decides what only the whole file can show: whether every row is staged, the rating scale, and each row's outcome.

Repeating it after an interruption gives the same result: it leaves merged shards alone, and nobody else changes the
programme's sessions while this batch has the right to merge.
"""

from collections.abc import Sequence
from random import uniform
from time import monotonic, sleep
from typing import NamedTuple
from uuid import UUID

from ingestion.aws import object_keys, s3
from ingestion.batch import BatchStatus
from ingestion.config import Settings, UnknownUsers
from ingestion.contracts import NextStep, Verdict, manifest
from ingestion.database.connection import Connection, transaction
from ingestion.database.publishing import plans, reconciliation
from ingestion.database.publishing.reconciliation import Reconciling
from ingestion.database.publishing.targets import fields_of, target_of
from ingestion.database.side_by_side import merges_at_once
from ingestion.database.tables import (
    batch_states,
    batches,
    chunks,
    ledger,
    people,
    programmes,
    rejected_rows,
    shards,
)
from ingestion.database.tables.batches import Batch
from ingestion.database.tables.ledger import Ledger
from ingestion.errors import PlanStale, ProgrammeBusy
from ingestion.rows.content_hashes import Sums
from ingestion.values.ratings import Scale, scale_of
from reconcile.compare_file import compare_file, compare_rows, staged_content

WAIT_SECONDS = 1.0
"""Hundreds of batches may wait for one programme, so each holds a process and a connection only this long."""


class Rating(NamedTuple):
    """The rating scale of a file: None if it has no ratings."""

    scale: Scale | None
    is_assumed: bool = False
    misread: tuple[int, ...] = ()
    """Chunks that were read before the scale was known, and accepted ratings that are off it."""


def reconcile_batch(batch_id: UUID, db: Connection, settings: Settings) -> Verdict:
    """Reconcile the staged batch. Raises Cancelled, Unavailable, ProgrammeBusy while another batch may merge."""
    batch = batches.get(db, batch_id)
    if batch.status is not BatchStatus.RUNNING:
        return Verdict(verdict=NextStep.FINALIZE)
    batch.must_go_on()
    staged = ledger.read(db, batch_id)
    content = staged_content(batch, db, settings)
    if lost := staged.lost(content and content.rows):
        return _restage(batch, lost, None, db, settings)
    rating = _rating(batch, staged)
    if rating.misread:
        return _restage(batch, rating.misread, rating.scale, db, settings)
    if not batch.dry_run:
        _acquire(batch, db)
    with transaction(db):
        batch_states.reconciled(db, batch_id, rating.scale, rating.is_assumed)
        reconciled = _reconcile(batch, rating.scale, db, settings)
        compare_file(batch, content.sums if content else Sums(0, 0), reconciled, db)
        is_published = batch.publishes(reconciled.totals)
        if not is_published:
            shards.forget(db, batch_id)
            programmes.release(db, batch_id)
    conflicts = reconciled.with_conflicts
    return Verdict(
        verdict=NextStep.MERGE if is_published and reconciled.shards_to_merge else NextStep.FINALIZE,
        has_conflicts=bool(conflicts),
        manifest_key=_write_manifest(batch, "conflicts", conflicts, settings) if conflicts else "",
        shards=reconciled.shards_to_merge if is_published else [],
        merges_at_once=merges_at_once(db),
    )


def _rating(batch: Batch, staged: Ledger) -> Rating:
    """The rating scale that the ratings of all chunks together show.

    A part of a file may seem to have the other scale. A corrected file has the scale of the file that it corrects.
    """
    if batch.given_scale:
        return Rating(Scale(batch.given_scale))
    if not staged.rating_facts.saw_any:
        return Rating(None)
    scale, is_assumed = scale_of(staged.rating_facts)
    return Rating(scale, is_assumed, tuple(staged.seem_zero_to_one) if scale is Scale.ONE_TO_FIVE else ())


def _restage(batch: Batch, numbers: Sequence[int], scale: Scale | None, db: Connection, settings: Settings) -> Verdict:
    """Have these chunks staged again, with the file's rating scale if that is the reason."""
    manifest_key = _write_manifest(batch, "restage", numbers, settings)
    with transaction(db):
        chunks.plan_again(db, batch.id, numbers, scale)
    return Verdict(verdict=NextStep.RESTAGE, manifest_key=manifest_key)


def _write_manifest(batch: Batch, name: str, numbers: Sequence[int], settings: Settings) -> str:
    key = object_keys.manifest(batch.id, name)
    s3.write(settings.work_bucket, key, manifest(numbers))
    return key


def _acquire(batch: Batch, db: Connection) -> None:
    """Acquire the right to merge. A small batch releases it within a moment, so this waits for a moment."""
    deadline = monotonic() + WAIT_SECONDS
    while not programmes.acquire(db, batch.program_type, batch.id):
        if monotonic() > deadline:
            raise ProgrammeBusy("Another batch of the programme is being merged.")
        sleep(uniform(0.02, 0.1))


def _reconcile(batch: Batch, scale: Scale | None, db: Connection, settings: Settings) -> Ledger:
    """Decide the outcome of each row, creating people where rows need them; returns the ledger with the outcomes.

    If nothing will be published, a rollback undoes the new people: deleting them would block whoever writes sessions.
    """
    creates_people = bool(batch.programme.record.people) and settings.unknown_users is UnknownUsers.CREATE
    if creates_people and not batch.dry_run:
        db.run("SAVEPOINT before_people")
        people.create_staged(db, batch.id, batch.programme.record.people)
        reconciled = _compare(batch, scale, db)
        if batch.publishes(reconciled.totals):
            return reconciled
        db.run("ROLLBACK TO SAVEPOINT before_people")
    if creates_people:
        people.number_staged(db, batch.id, batch.programme.record.people)
    return _compare(batch, scale, db)


def _compare(batch: Batch, scale: Scale | None, db: Connection) -> Ledger:
    """Compare the rows, whose people all have ids by now, with stored sessions; returns the ledger with the result."""
    merged = shards.lock_all(db, batch.id)
    reconciling = Reconciling(
        batch_id=batch.id,
        target=target_of(batch.programme.record),
        program_type=batch.program_type,
        scale=scale,
        present=fields_of(batch.column_plan),
        shards=[shard for shard in range(batch.shard_count) if shard not in merged],
        shard_count=batch.shard_count,
    )
    has_repeats = reconciliation.reconcile(db, reconciling)
    if batch.dry_run:
        plans.keep(db, reconciling)
    elif batch.planned_by_batch_id:
        _hold_to_plan(batch, batch.planned_by_batch_id, reconciling, db)
    if batch.retries_batch_id:
        reconciliation.leave_corrected(db, batch.id, target_of(batch.programme.record))
    if batch.brings_back_rows:
        rejected_rows.note_outcomes(db, batch.id)
    if merged:
        chunks.mark_reconciled(db, batch.id)
    else:
        reconciliation.record(db, batch.id)
        shards.plan(db, batch.id, reconciliation.shard_counts(db, batch.id))
    found = ledger.read(db, batch.id)
    if not merged:
        # Once shards are merged, the file's own rows are among those that are stored.
        compare_rows(batch, found, db, has_repeats=has_repeats)
    if found.with_conflicts and not merged and not batch.dry_run:
        rejected_rows.note_conflicts(db, batch.id, target_of(batch.programme.record))
    return found


def _hold_to_plan(batch: Batch, dry_run: UUID, reconciling: Reconciling, db: Connection) -> None:
    """Leave out what is not as it was planned. Raises PlanStale if the user wants nothing of the file then.

    Nobody else changes the programme's records from here on, so what was compared is what is merged.
    """
    if not plans.exists(db, dry_run):
        raise PlanStale("The plan has been deleted.")
    changed = plans.count_changed(db, reconciling, dry_run)
    if changed and not batch.leaves_out_changed:
        raise PlanStale(f"{changed} of the planned rows have changed since the dry run.")
    if changed:
        plans.leave_out_changed(db, reconciling)
    plans.forget_changed(db, batch.id)
