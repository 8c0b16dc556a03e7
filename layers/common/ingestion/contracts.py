"""What travels between the states of the workflow: each payload once.

`statemachine/import_batch.asl.yaml` passes these on and `events/` has a sample of each; tests in tests/template hold
them together. All are small: what is large travels through S3 and the database.
"""

import json
from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from ingestion.batch import BatchStatus
from ingestion.errors import RefusalCode


class Payload(BaseModel):
    """JSON with names in camelCase, as the state machine knows them."""

    # A function builds the schemas of its own payloads only: all of them would cost each cold start some milliseconds.
    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True, defer_build=True)

    def as_json(self) -> dict[str, Any]:
        """The payload as it travels."""
        return self.model_dump(mode="json", by_alias=True)


# Intake ---------------------------------------------------------------------------------------------------------------


class Decision(BaseModel):
    """Intake's answer for each object version. Nobody reads it but its log, so its names are our own."""

    model_config = ConfigDict(frozen=True)

    upload_id: UUID
    state: str
    batch_id: UUID | None = None
    refusal: RefusalCode | None = None


class ImportInput(Payload):
    """The input of an execution; ReadAgain goes round with one like it."""

    batch_id: UUID
    chunks: int
    """How many; the manifest is there only if they are more than one."""
    manifest_key: str


class ManifestItem(Payload):
    """One item of a manifest, the file in the work bucket that a Distributed Map reads."""

    chunk: int


def manifest(chunks: Iterable[int]) -> bytes:
    """The manifest of these chunks."""
    return json.dumps([ManifestItem(chunk=number).as_json() for number in chunks]).encode()


# Stage, Reconcile, AnnotateConflicts, Merge ---------------------------------------------------------------------------


class BatchTask(Payload):
    """What Reconcile and Finalize are given."""

    batch_id: UUID


class StageTask(Payload):
    """What Stage is given."""

    batch_id: UUID
    chunk: int
    execution: str


class StageResult(Payload):
    """Stage's answer, for its log: the workflow drops it."""

    staged: int
    rejected: int


class NextStep(StrEnum):
    """How the import goes on after Reconcile."""

    RESTAGE = "restage"
    MERGE = "merge"
    FINALIZE = "finalize"


class Verdict(Payload):
    """Reconcile's answer."""

    verdict: NextStep
    has_conflicts: bool = False
    manifest_key: str = ""
    """Of the chunks to stage again, or of those that hold conflicts."""
    shards: list[int] = []
    """Those to be merged."""


class AnnotateTask(Payload):
    """What AnnotateConflicts is given."""

    batch_id: UUID
    chunk: int


class AnnotateResult(Payload):
    """AnnotateConflicts' answer: how many rows the chunk's part of the error file has now."""

    rejects: int


class MergeTask(Payload):
    """What Merge is given."""

    batch_id: UUID
    shard: int


class MergeResult(Payload):
    """Merge's answer: how many rows it published."""

    inserted: int
    updated: int


# Finalize -------------------------------------------------------------------------------------------------------------


class StateError(BaseModel):
    """What a Catch writes down: an error in the words of Step Functions."""

    model_config = ConfigDict(frozen=True, alias_generator=str.title, populate_by_name=True)

    error: str
    cause: str = ""

    @property
    def message(self) -> str:
        """What the function that raised it said; may hold cells of the file unless the error is one of ours."""
        try:
            return str(json.loads(self.cause).get("errorMessage", ""))
        except (ValueError, AttributeError):
            return ""


class EndedExecution(Payload):
    """The `detail` of a "Step Functions Execution Status Change", as far as it is read."""

    execution_arn: str
    status: str
    input: str
    error: str | None = None


class FailTask(Payload):
    """What Finalize is given by FailBatch."""

    batch_id: UUID
    execution: str
    error: StateError

    @classmethod
    def of_execution(cls, detail: dict[str, Any]) -> Self:
        """The same, of an execution that ended without a word: the `detail` of EventBridge's event."""
        ended = EndedExecution.model_validate(detail)
        batch_id = BatchTask.model_validate_json(ended.input).batch_id
        error = StateError(error=ended.error or ended.status)
        return cls(batch_id=batch_id, execution=ended.execution_arn, error=error)


class Finalized(Payload):
    """Finalize's answer: how the batch ended."""

    status: BatchStatus
    failure_reason: str | None = None
    failure_code: str | None = None
