"""Reads one chunk, validates its rows and puts the valid ones into the staging table, exactly once.

One transaction writes the chunk's rows and its line in the ledger; an attempt that finds the line has nothing to do.
Nothing is visible in the sessions yet.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ingestion.aws.reject_parts import write_part
from ingestion.batch import BatchStatus, FaultCounts
from ingestion.config import Settings
from ingestion.contracts import StageTask
from ingestion.corrected_chunk import Correction, RejectsGone, apply_correction, correction_of
from ingestion.csv_file.chunk_spans import ChunkSpan
from ingestion.database.connection import Connection, transaction
from ingestion.database.publishing import staging
from ingestion.database.publishing.targets import target_of
from ingestion.database.tables import chunks, rejected_rows
from ingestion.database.tables.batches import Batch
from ingestion.database.tables.chunks import Chunk, Staged
from ingestion.database.tables.rejected_rows import Retryable, Returned
from ingestion.errors import BatchBroken
from ingestion.faults import WHOLE_ROW, Fault, FaultCode, RawRow, Reject
from ingestion.file_warnings import WarningCode, warnings_of
from ingestion.known_people import People, acquaintances
from ingestion.rows.columns import ColumnPlan
from ingestion.rows.content_hashes import sum_of_rejects
from ingestion.rows.validation import validate
from ingestion.source import Source, source_of
from ingestion.values.ratings import RatingFacts, Scale
from stage.planned_rejects import PlannedRejects, as_planned, planned_rejects
from stage.staged_rows import StagedRows, columns_to_stage, copy_rows
from stage.start_chunk import start


@dataclass(frozen=True, slots=True)
class Reading:
    """A chunk as it was read: its valid rows, its rejects, and what its ratings show."""

    rows: StagedRows
    rejects: list[Reject] = field(default_factory=list)
    ratings: list[RatingFacts] = field(default_factory=list)
    warnings: Counter[str] = field(default_factory=Counter)
    retryable: Retryable = field(default_factory=Retryable)

    @property
    def facts(self) -> RatingFacts:
        """What all ratings of the chunk show together."""
        facts = RatingFacts()
        for some in self.ratings:
            facts |= some
        return facts


@dataclass(frozen=True, slots=True)
class ChunkReader:
    """Everything needed to read one chunk, as often as necessary."""

    source: Source
    span: ChunkSpan
    plan: ColumnPlan
    shard_count: int
    correction: Correction | None = None
    planned: PlannedRejects = field(default_factory=dict)

    def read(self, people: People, scale: Scale | None) -> Reading:
        """Read and validate the chunk's rows."""
        columns = columns_to_stage(self.plan, creates_people=people.creates)
        reading = Reading(StagedRows(self.span.number, self.shard_count, columns))
        people.retryable = reading.retryable
        now = datetime.now(UTC)
        for raw_rows, unreadable, filled in apply_correction(self.correction, self.source.blocks(self.span)):
            validated = validate(raw_rows, self.plan, now=now, scale=scale, remembered=people.readings)
            reading.ratings.append(validated.ratings)
            reading.warnings.update(validated.warnings)
            reading.warnings[WarningCode.SHORT_ROWS_FILLED] += filled
            valid, rejects = people.check(validated, raw_rows, self.plan)
            valid, rejects = as_planned(valid, [*unreadable, *rejects], raw_rows, self.planned)
            reading.rejects.extend(rejects)
            reading.rows.add(valid, people.ids)
        return reading

    def raw_rows(self, numbers: Iterable[int]) -> list[RawRow]:
        """Raw rows as they stand in the file."""
        wanted = set(numbers)
        return [row for row in self.source.rows(self.span) if isinstance(row, RawRow) and row.number in wanted]


def stage_chunk(task: StageTask, db: Connection, settings: Settings) -> Staged:
    """Stage the chunk, or find that an earlier attempt did. Raises Unavailable, BatchBroken."""
    batch = start(task, db)
    chunk = chunks.get(db, task.batch_id, task.chunk)
    if batch.status is not BatchStatus.RUNNING or chunk.state != "planned":
        return _as_it_is(chunk)
    try:
        reader, reading, scale = _read(batch, chunk, task, db, settings)
    except RejectsGone as gone:
        raise BatchBroken(str(gone)) from gone
    with transaction(db):
        # A crash empties the staging table anyway; Reconcile finds lost ledger lines and has their chunks staged again.
        db.run("SET LOCAL synchronous_commit = off")
        return _write(batch, reader, reading, scale, db, settings)


def _read(
    batch: Batch, chunk: Chunk, task: StageTask, db: Connection, settings: Settings
) -> tuple[ChunkReader, Reading, Scale | None]:
    """Read the chunk, with the rating scale that it was read with, if any. Raises RejectsGone."""
    reader = ChunkReader(
        source=source_of(batch, settings.work_bucket),
        span=ChunkSpan.model_validate(chunk.span),
        plan=batch.column_plan,
        shard_count=batch.shard_count,
        correction=correction_of(batch, db, settings.work_bucket),
        planned=planned_rejects(batch, ChunkSpan.model_validate(chunk.span), db, settings.work_bucket),
    )
    people = People(db, settings.unknown_users, acquaintances(batch.id, task.execution, is_again=chunk.staged_rows > 0))
    known_scale = chunk.rating_scale or batch.given_scale
    scale = Scale(known_scale) if known_scale else None
    reading = reader.read(people, scale)
    if scale is None and reading.facts.saw_above_one and reading.facts.saw_below_one:
        # Some rows were read before the chunk showed its scale: read them again with it.
        scale = Scale.ONE_TO_FIVE
        reading = reader.read(people, scale)
    return reader, reading, scale


def _write(
    batch: Batch, reader: ChunkReader, reading: Reading, scale: Scale | None, db: Connection, settings: Settings
) -> Staged:
    """Write rows, error part and ledger. The part is outside the transaction, but rewriting it gives the same part."""
    target, number = target_of(batch.programme.record), reader.span.number
    staging.create(db, batch.id, target, batch.shard_count)
    chunk = chunks.get(db, batch.id, number, lock=True)
    if chunk.state != "planned":
        return _as_it_is(chunk)
    if chunk.staged_rows:
        # Only in this case, since looking for the chunk's rows scans all rows that were staged before.
        staging.forget_chunk(db, batch.id, number)
    if chunk.staged_rows or chunk.rejected_rows:
        rejected_rows.forget_chunk(db, batch.id, number)
    refused = copy_rows(db, batch.id, reading.rows)
    rejects = reading.rejects + _refused_rows(reader, refused)
    write_part(settings.work_bucket, number, rejects, batch.error_file)
    _note_rejected(batch, reader, reading, rejects, db)
    staged = Staged(
        staged_rows=len(reading.rows) - len(refused),
        rejected_rows=len(rejects),
        rejects_sum=sum_of_rejects(rejects, reader.plan),
        fault_counts=FaultCounts.of(fault for reject in rejects for fault in reject.faults).as_summary(),
        rating_scale=scale,
        rating_facts=reading.facts,
        warnings=warnings_of(reading.warnings),
    )
    if staged.staged_rows + staged.rejected_rows != reader.span.rows:
        raise BatchBroken(
            f"Chunk {number} has {reader.span.rows} rows in the index, but {staged.staged_rows} were staged and "
            f"{staged.rejected_rows} rejected."
        )
    chunks.stage(db, batch.id, number, staged)
    return staged


def _note_rejected(batch: Batch, reader: ChunkReader, reading: Reading, rejects: list[Reject], db: Connection) -> None:
    """Record what may be retried, and which rejected row each row of a correction or retry was."""
    number = reader.span.number
    if not batch.dry_run:
        rejected_rows.write_retryable(db, batch.id, number, reading.retryable)
    rejected = {reject.row.number for reject in rejects} if batch.brings_back_rows else ()
    if batch.retries_batch_id:
        only = list(reader.span.only)
        returned = Returned(only, only, [False] * len(only))
        rejected_rows.write_returned(db, batch.id, number, batch.retries_batch_id, returned, rejected)
    elif batch.corrects_batch_id and reader.correction:
        returned = reader.correction.returned
        rejected_rows.write_returned(db, batch.id, number, batch.corrects_batch_id, returned, rejected)


def _refused_rows(reader: ChunkReader, refused: dict[int, str]) -> list[Reject]:
    if not refused:
        return []
    message = "the database refused this row (SQLSTATE {}); tell whoever runs the import that a rule is missing"
    return [
        Reject(row, (Fault(FaultCode.DATABASE_REFUSED, WHOLE_ROW, message.format(refused[row.number])),))
        for row in reader.raw_rows(refused)
    ]


def _as_it_is(chunk: Chunk) -> Staged:
    return Staged(
        staged_rows=chunk.staged_rows,
        rejected_rows=chunk.rejected_rows,
        fault_counts=[],
        rating_scale=chunk.rating_scale,
        rating_facts=RatingFacts(),
    )
