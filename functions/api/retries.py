"""Retry: import the rejected rows of a batch that would pass now, as a child batch that reads the same object."""

from collections.abc import Iterable, Iterator
from uuid import UUID, uuid4

from api.judged_rows import faults_of
from api.problems import Problem, ProblemCode
from api.routing import must_exist
from ingestion.aws import object_keys, s3
from ingestion.aws.chunk_manifests import prepare_import
from ingestion.aws.wake_dispatch import wake_dispatch
from ingestion.config import settings
from ingestion.contracts import ImportToStart
from ingestion.csv_file.chunk_spans import ChunkSpan
from ingestion.database.connection import Connection, transaction
from ingestion.database.queries import rejects, retryable
from ingestion.database.tables import audit, batches, chunks, new_batches, outbox
from ingestion.database.tables.batches import Batch
from ingestion.database.tables.new_batches import Retry
from ingestion.faults import DEPENDS_ON_OTHERS, FaultCode, RawRows
from ingestion.rows.columns import plan_columns
from ingestion.rows.rejects import fitted, kept_headers, read_rejects
from ingestion.sign_in.actors import Actor
from ingestion.values.dates import Declared, declared_of

MOST_RETRIED_DATES = 100_000
"""How many rejected rows are read for their dates while somebody waits."""


def retry(db: Connection, batch_id: UUID, declared: Declared, actor: Actor) -> UUID:
    """Start the retry, or find the one that is at work; returns its batch. Raises Problem, Unavailable."""
    must_exist(db, batch_id)
    with transaction(db):
        # Whoever asks at the same moment waits here, and then finds this retry.
        batch = batches.get(db, batch_id, lock=True)
        at_work = new_batches.find_retry_at_work(db, batch_id)
        if at_work:
            return _same_retry(db, at_work.id, declared_now(batch, declared))
        numbers = retryable.rows_that_pass(db, batch_id)
        if declared.order or declared.zone:
            numbers = sorted({*numbers, *_dated_anew(db, batch, declared)})
        if not numbers:
            raise Problem(
                ProblemCode.NOTHING_TO_RETRY, f"No rejected row of batch {batch_id} would pass if it were tried again."
            )
        child = _start(db, batch, declared, numbers, actor)
    wake_dispatch(settings().work_bucket)
    return child


def _same_retry(db: Connection, child_id: UUID, declared: Declared) -> UUID:
    """The retry at work, if it reads dates as declared. Raises Problem."""
    child = batches.get(db, child_id)
    if declared_of(child.date_order, child.time_zone) != declared:
        raise Problem(
            ProblemCode.RETRY_UNDER_WAY, f"Batch {child_id} is retrying these rows, and reads their dates otherwise."
        )
    return child_id


def declared_now(batch: Batch, declared: Declared) -> Declared:
    """What is declared about the dates of a retry; what is not is as it was declared for the batch."""
    before = declared_of(batch.date_order, batch.time_zone)
    return Declared(declared.order or before.order, declared.zone or before.zone)


def _start(db: Connection, batch: Batch, declared: Declared, numbers: list[int], actor: Actor) -> UUID:
    spans, now = list(_spans(db, batch.id, numbers)), declared_now(batch, declared)
    child = Retry(
        id=uuid4(),
        of_batch=batch.id,
        rows=len(numbers),
        shard_count=min(256, -(-len(numbers) // settings().rows_per_shard)),
        date_order=now.order,
        time_zone=now.zone.key if now.zone else None,
        asked_by=actor.name,
    )
    new_batches.create_retry(db, child)
    chunks.plan(db, child.id, [span.model_dump(mode="json") for span in spans])
    started = ImportToStart(name=str(child.id), input=prepare_import(child.id, len(spans), settings()))
    outbox.add(db, child.id, started)
    details = {"rows": len(numbers), "retriedAs": str(child.id)}
    audit.write(db, actor=actor, action="import_retried", batch_id=batch.id, details=details)
    return child.id


def _spans(db: Connection, batch_id: UUID, numbers: list[int]) -> Iterator[ChunkSpan]:
    """The chunks of the file that hold these rows, which are in order, each with its rows."""
    waiting, number = list(reversed(numbers)), 0
    for found in chunks.spans(db, batch_id):
        span = ChunkSpan.model_validate(found)
        only: list[int] = []
        while waiting and waiting[-1] < span.first_row + span.rows:
            only.append(waiting.pop())
        if only:
            number += 1
            yield span.model_copy(update={"number": number, "only": tuple(only), "rows": len(only)})


def _dated_anew(db: Connection, batch: Batch, declared: Declared) -> Iterable[int]:
    """The open rows whose only other faults are of people, and whose dates are right as they are declared now."""
    anew = DEPENDS_ON_OTHERS | {FaultCode.INVALID_DATE}
    headers = kept_headers(batch.column_plan)
    plan = plan_columns(headers, batch.programme, declared_now(batch, declared))
    closed = rejects.corrections(db, batch.id)
    try:
        blocks = s3.blocks(settings().work_bucket, object_keys.reject_values(batch.id), None)
        waiting = [
            reject.row._replace(cells=fitted(reject.row.cells, len(headers)))
            for reject in read_rejects(blocks)
            if {fault.code for fault in reject.faults} <= anew
            and any(fault.code is FaultCode.INVALID_DATE for fault in reject.faults)
            and reject.row.number not in closed
        ][:MOST_RETRIED_DATES]
    except s3.NoSuchFile:
        return []
    judged = faults_of(db, batch, plan, RawRows.of(waiting))
    return [row.number for row in waiting if row.number not in judged]
