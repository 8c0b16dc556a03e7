"""Commits: a dry run's plan, carried out from the object that is there, once however often it is asked for."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Final, NamedTuple
from uuid import UUID, uuid4

from api.change_routes import planned_of
from api.problems import ChangedRow, Problem, ProblemCode
from api.routing import must_exist
from ingestion.aws import s3
from ingestion.aws.chunk_manifests import prepare_import
from ingestion.aws.wake_dispatch import wake_dispatch
from ingestion.batch import BatchStatus, FailureCode
from ingestion.config import settings
from ingestion.contracts import ImportToStart
from ingestion.database.connection import Connection, transaction
from ingestion.database.publishing import plans
from ingestion.database.tables import audit, batches, commits, new_batches, outbox, programmes
from ingestion.database.tables.batches import Batch
from ingestion.database.tables.commits import NewCommit
from ingestion.errors import RefusalCode
from ingestion.plan_hash import hash_of
from ingestion.sign_in.actors import Actor
from ingestion.uploads.identification import instance_of_slug

SAMPLE: Final = 10
"""How many of the changed rows a refusal names."""


class Wanted(NamedTuple):
    """A request to carry out the plan with this hash."""

    batch_id: UUID
    plan_hash: str
    leaves_out_changed: bool


class Committed(NamedTuple):
    """The batch that carries out a plan, and whether this request created it."""

    batch_id: UUID
    is_new: bool


class PlanStale(Problem):
    """What was planned upon has changed, or another plan is meant."""

    def __init__(self, detail: str, changed_rows: int = 0, sample: Sequence[tuple[int, str]] = ()) -> None:
        super().__init__(FailureCode.PLAN_STALE, detail)
        rows = [ChangedRow(rowNumber=number, externalSessionId=key) for number, key in sample]
        self.shape = self.shape.model_copy(update={"changedRows": changed_rows, "sample": rows})


class AlreadyImported(Problem):
    """Another batch has imported the same bytes meanwhile; of an upload, that is a refusal."""

    def __init__(self, live: new_batches.Live | None) -> None:
        which = (
            f"Batch {live.id} of {live.date} already has the same file ({live.status})" if live else "It was imported"
        )
        detail = f"{which}; the plan was not carried out."
        super().__init__(RefusalCode.ALREADY_IMPORTED, detail, status=HTTPStatus.CONFLICT)


def commit(db: Connection, wanted: Wanted, actor: Actor) -> Committed:
    """Start the import of a plan, unless it has been started before. Raises Problem."""
    must_exist(db, wanted.batch_id)
    _must_be_planned(batches.get(db, wanted.batch_id), wanted)
    with transaction(db):
        # Whoever else commits the same plan waits here, and Retention leaves plan and file where they are.
        batch = batches.get(db, wanted.batch_id, lock=True)
        _must_be_planned(batch, wanted)
        if earlier := commits.find(db, batch.id):
            return Committed(earlier, is_new=False)
        _must_have_its_file(batch, db)
        _must_hold(batch, wanted, db)
        new = _create(batch, wanted, actor, db)
    wake_dispatch(settings().work_bucket)
    return Committed(new, is_new=True)


def _must_be_planned(batch: Batch, wanted: Wanted) -> None:
    if not batch.dry_run:
        raise Problem(ProblemCode.NOT_A_DRY_RUN, f"Batch {batch.id} is no dry run; there is no plan to carry out.")
    if not batch.has_ended:
        raise Problem(ProblemCode.NOTHING_TO_COMMIT, f"Dry run {batch.id} has not ended yet.")
    if batch.plan_hash is None:
        raise Problem(ProblemCode.NOTHING_TO_COMMIT, f"Dry run {batch.id} failed, so there is nothing to import.")
    if batch.plan_hash != wanted.plan_hash:
        raise PlanStale(f"Dry run {batch.id} has another plan than the one with this planHash.")


def _must_have_its_file(batch: Batch, db: Connection) -> None:
    """Raises Problem if plan or file have been deleted; a packed file is read from its unpacked copy."""
    gone = Problem(ProblemCode.ORIGINAL_GONE, f"The file of batch {batch.id} has been deleted.")
    if batch.status is BatchStatus.ARCHIVED:
        raise gone
    if not plans.exists(db, batch.id):
        raise Problem(ProblemCode.PLAN_EXPIRED, f"The plan of batch {batch.id} has been deleted.")
    try:
        s3.metadata(batch.bucket, batch.key, batch.version_id)
        if batch.work_key:
            s3.metadata(settings().work_bucket, batch.work_key, None)
    except s3.NoSuchFile:
        raise gone from None


def _must_hold(batch: Batch, wanted: Wanted, db: Connection) -> None:
    """Raises PlanStale if the rules are others by now, or if rows have changed that must not be left out."""
    planned = planned_of(batch.id, batch.programme)
    found = plans.find(db, planned)
    if batch.compares_rejects and not batch.has_rejects_to_compare:
        raise PlanStale(f"The rejected rows that dry run {batch.id} corrects have been deleted.")
    if hash_of(batch, found.digest) != batch.plan_hash:
        raise PlanStale(f"The rules by which dry run {batch.id} read its file have changed since.")
    if found.changed_rows and not wanted.leaves_out_changed:
        detail = (
            f"{found.changed_rows} of the planned rows have changed since dry run {batch.id}; nothing was imported."
        )
        raise PlanStale(detail, found.changed_rows, plans.changed_sample(db, planned, SAMPLE))


def _create(batch: Batch, wanted: Wanted, actor: Actor, db: Connection) -> UUID:
    """Create the batch and have its import started. Raises AlreadyImported."""
    live = new_batches.find_live(db, batch.file_hash, batch.program_type)
    if live and commits.force_reason(db, batch.id) is None:
        raise AlreadyImported(live)
    new = NewCommit(
        id=uuid4(),
        planned_by=batch.id,
        imported_by=actor.name,
        program_instance_id=_instance(batch, db),
        leaves_out_changed=wanted.leaves_out_changed,
        is_forced=live is not None,
    )
    chunk_count = commits.create(db, new)
    if chunk_count is None:
        # Another upload created its batch between the two statements.
        raise AlreadyImported(new_batches.find_live(db, batch.file_hash, batch.program_type))
    given = prepare_import(new.id, chunk_count, settings())
    outbox.add(db, new.id, ImportToStart(name=str(new.id), input=given))
    on_change = "skip" if wanted.leaves_out_changed else "refuse"
    details = {"plannedBy": str(batch.id), "planHash": wanted.plan_hash, "onChange": on_change}
    audit.write(db, actor=actor, action="import_committed", batch_id=new.id, details=details)
    if live:
        audit.write(db, actor=actor, action="import_forced", batch_id=new.id, details={"earlierBatch": str(live.id)})
    return new.id


def _instance(batch: Batch, db: Connection) -> int | None:
    """The programme instance of the import. A dry run creates none. Raises Refused if another programme has it now."""
    slug = commits.planned_instance(db, batch.id)
    if slug is None:
        return batch.program_instance_id
    return programmes.find_or_create_instance(db, instance_of_slug(slug, batch.program_type))
