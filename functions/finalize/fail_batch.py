"""Ends a batch whose import broke: what it published is taken back first, then it is failed, with its reason."""

import json
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from finalize.finalize_batch import Finalized, finalized_as
from ingestion.batch import BatchStatus, Failure, FailureCode, Tally
from ingestion.config import Settings
from ingestion.database.connection import Connection, transaction
from ingestion.database.publishing import merge_sql, staging
from ingestion.database.publishing.targets import TARGETS
from ingestion.database.tables import audit, batches, chunks, people, programmes
from ingestion.database.tables.batches import Batch
from ingestion.errors import BatchBroken, ProgrammeBusy, StagingLost, Unavailable
from ingestion.telemetry import logger, metrics

# Errors that we raise with a sentence for people; the text of any other may hold cells of the file.
_OURS = {error.__name__ for error in (BatchBroken, Unavailable, ProgrammeBusy, StagingLost)}


class Breakage(BaseModel):
    """What broke: `error` and `cause` as Step Functions reports them."""

    model_config = ConfigDict(frozen=True)

    batch_id: UUID
    execution: str
    error: str
    cause: str = ""

    @property
    def failure(self) -> Failure:
        """Says what happened, and nothing of the file's content."""
        said = f" {self._message()}" if self.error in _OURS else ""
        sentence = f"The import broke ({self.error}).{said} Nothing of the file was imported."
        return Failure(FailureCode.IMPORT_BROKE, sentence)

    def _message(self) -> str:
        try:
            return str(json.loads(self.cause).get("errorMessage", ""))
        except (ValueError, AttributeError):
            return ""


class BrokenTask(BaseModel):
    """What the state machine asks for after a Catch."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel)

    batch_id: UUID
    execution: str
    error: dict[str, str]
    """`Error` and `Cause`, in the words of Step Functions."""

    @property
    def breakage(self) -> Breakage:
        """The same, as we say it."""
        said = {"error": self.error["Error"], "cause": self.error.get("Cause", "")}
        return Breakage(batch_id=self.batch_id, execution=self.execution, **said)


def fail_batch(breakage: Breakage, db: Connection, settings: Settings) -> Finalized:
    """Take the batch back and fail it, unless it has ended or another execution has taken it over.

    The people whom it created go in a transaction of their own, also if only that is left to do: two that had written
    sessions, and were to delete people, would wait for each other.
    """
    finalized = _fail(breakage, db)
    if finalized.status is BatchStatus.FAILED:
        with transaction(db):
            people.remove_created(db, breakage.batch_id)
    return finalized


def _fail(breakage: Breakage, db: Connection) -> Finalized:
    with transaction(db):
        batch = batches.get(db, breakage.batch_id, lock=True)
        is_stale = batch.execution not in (None, breakage.execution)
        if is_stale or batch.status not in (BatchStatus.PENDING, BatchStatus.RUNNING):
            return finalized_as(batch)
        rejected = chunks.rejected_so_far(db, batch.id)
        summary = chunks.fault_counts(db, batch.id).as_summary()
        _take_back(batch, db)
        batches.end(
            db,
            batch.id,
            BatchStatus.FAILED,
            Tally(total=batch.total_rows, unpublished=batch.total_rows - rejected, rejected=rejected),
            summary,
            failure=breakage.failure,
            error_file_key=None,
        )
        audit.write(
            db,
            actor=audit.SERVICE,
            action="import_failed",
            batch_id=batch.id,
            details={"error": breakage.error, "total": batch.total_rows, "rejected": rejected},
        )
    logger.error("import broke", error=breakage.error)
    for name in ("BatchesFailed", "BatchesBroken"):
        metrics.add_metric(name, "Count", 1)
    failure = breakage.failure
    return Finalized(status=BatchStatus.FAILED, failure_reason=failure.reason, failure_code=failure.code)


def _take_back(batch: Batch, db: Connection) -> None:
    """Leave nothing of the batch behind but its record."""
    # A merge may be at work still, of an execution that was stopped: wait for it, and let no other begin.
    chunks.lock_shards(db, batch.id)
    merge_sql.take_back(db, batch.id, TARGETS[batch.programme.kind])
    chunks.forget_shards(db, batch.id)
    chunks.plan_all_again(db, batch.id)
    programmes.release(db, batch.id)
    staging.drop(db, batch.id)
