"""The payloads that travel between the states of the workflow, each declared once.

`statemachine/import_batch.asl.yaml` passes them on, and `events/` has a sample of each; tests in tests/template hold
them together. All are small: large data travels through S3 and the database.
"""

import json
from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from ingestion.batch import BatchStatus
from ingestion.errors import RefusalCode


class Payload(BaseModel):
    """JSON with camelCase names, as the state machine uses."""

    # A function builds only the schemas of its own payloads: building all of them adds milliseconds to a cold start.
    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True, defer_build=True)

    def as_json(self) -> dict[str, Any]:
        """Return the payload as JSON."""
        return self.model_dump(mode="json", by_alias=True)


# Intake ---------------------------------------------------------------------------------------------------------------


class Decision(BaseModel):
    """Intake's answer for each object version. Only the log shows it, so its names stay in snake_case."""

    model_config = ConfigDict(frozen=True)

    upload_id: UUID
    state: str
    batch_id: UUID | None = None
    refusal: RefusalCode | None = None


class ImportInput(Payload):
    """The input of an execution; ReadAgain repeats staging with the same shape."""

    batch_id: UUID
    chunks: int
    """How many; the manifest exists only if there is more than one."""
    manifest_key: str
    chunks_at_once: int = 1
    """How many are staged side by side; the outbox fills it in."""


class UndoInput(Payload):
    """The input of an execution that undoes a batch, or plans to; also the state that begins it."""

    batch_id: UUID
    undo: int
    """The number of the undo: a batch may be undone again."""


class ManifestItem(Payload):
    """One item of a manifest: the file in the work bucket that a Distributed Map reads."""

    chunk: int


def manifest(chunks: Iterable[int]) -> bytes:
    """Write the manifest of these chunks."""
    return json.dumps([ManifestItem(chunk=number).as_json() for number in chunks]).encode()


# Outbox, Dispatch -----------------------------------------------------------------------------------------------------


class Event(StrEnum):
    """The `detail-type` of an event that other systems can have a rule for."""

    IMPORT_COMPLETED = "ImportCompleted"
    IMPORT_FAILED = "ImportFailed"
    IMPORT_UNDONE = "ImportUndone"
    UPLOAD_REFUSED = "UploadRefused"


class ImportToStart(Payload):
    """An execution of the workflow; starting twice by one name is one start."""

    kind: Literal["import"] = "import"
    name: str
    input: ImportInput | UndoInput


class EventToSend(Payload):
    """An event for other systems; its detail names nobody."""

    kind: Literal["event"] = "event"
    event: Event
    detail: dict[str, str | None]


class VerificationToRun(Payload):
    """A batch that somebody wants to be compared with its file, which takes longer than an answer may."""

    kind: Literal["verification"] = "verification"
    batch_id: UUID


class Message(Payload):
    """What stands in the outbox until Dispatch has sent it."""

    id: int
    body: ImportToStart | EventToSend | VerificationToRun = Field(discriminator="kind")


class OutboxTask(Payload):
    """What Outbox is given: the messages that were sent."""

    sent: list[int] = []


class Messages(Payload):
    """Outbox's answer, the messages that are due now; Intake's answer has the same beside its decisions."""

    messages: list[Message] = []


# Stage, Reconcile, AnnotateConflicts, Merge ---------------------------------------------------------------------------


class BatchTask(Payload):
    """The input of Reconcile and Finalize."""

    batch_id: UUID


class StageTask(Payload):
    """The input of Stage."""

    batch_id: UUID
    chunk: int
    execution: str


class StageResult(Payload):
    """Stage's answer, for the log only: the workflow discards it."""

    staged: int
    rejected: int


class NextStep(StrEnum):
    """How the import continues after Reconcile."""

    RESTAGE = "restage"
    MERGE = "merge"
    FINALIZE = "finalize"


class Verdict(Payload):
    """Reconcile's answer."""

    verdict: NextStep
    has_conflicts: bool = False
    manifest_key: str = ""
    """Lists the chunks to stage again, or those with conflicts."""
    shards: list[int] = []
    """The shards to merge."""
    merges_at_once: int = 1


class AnnotateTask(Payload):
    """The input of AnnotateConflicts."""

    batch_id: UUID
    chunk: int


class AnnotateResult(Payload):
    """AnnotateConflicts' answer: how many rows the chunk's part of the error file now has."""

    rejects: int


class MergeTask(Payload):
    """The input of Merge."""

    batch_id: UUID
    shard: int


class MergeResult(Payload):
    """Merge's answer: how many rows it published."""

    inserted: int
    updated: int


# Undo -----------------------------------------------------------------------------------------------------------------


class UndoTask(UndoInput):
    """The input of Undo."""

    execution: str


class UndoProgress(Payload):
    """Undo's answer: whether anything is left to do."""

    is_done: bool


# Finalize -------------------------------------------------------------------------------------------------------------


class StateError(BaseModel):
    """An error as Step Functions passes it to a Catch."""

    model_config = ConfigDict(frozen=True, alias_generator=str.title, populate_by_name=True)

    error: str
    cause: str = ""

    @property
    def message(self) -> str:
        """The error's message; it may contain cells of the file, unless the error is one of ours."""
        try:
            return str(json.loads(self.cause).get("errorMessage", ""))
        except (ValueError, AttributeError):
            return ""


class EndedExecution(Payload):
    """The part of a "Step Functions Execution Status Change" event's `detail` that is read."""

    execution_arn: str
    status: str
    input: str
    error: str | None = None


class BrokenInput(Payload):
    """The part of an execution's input that says what broke."""

    batch_id: UUID
    undo: int | None = None


class FailTask(Payload):
    """The input of Finalize from FailBatch."""

    batch_id: UUID
    execution: str
    error: StateError

    @classmethod
    def of_execution(cls, detail: dict[str, Any]) -> "FailTask":
        """Make the task for an execution that ended without calling Finalize, from the `detail` of its event."""
        ended = EndedExecution.model_validate(detail)
        given = BrokenInput.model_validate_json(ended.input)
        error = StateError(error=ended.error or ended.status)
        if given.undo is not None:
            return FailUndoTask(batch_id=given.batch_id, undo=given.undo, execution=ended.execution_arn, error=error)
        return cls(batch_id=given.batch_id, execution=ended.execution_arn, error=error)


class FailUndoTask(FailTask):
    """The input of Finalize from FailUndo."""

    undo: int


class Finalized(Payload):
    """Finalize's answer: how the batch ended."""

    status: BatchStatus
    failure_reason: str | None = None
    failure_code: str | None = None
