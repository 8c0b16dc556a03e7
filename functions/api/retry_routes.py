"""Retry: which rejected rows would pass now, and their import without another upload."""

from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field, field_validator

from api import retries
from api.batch_schemas import BatchNamed
from api.caller import caller
from api.openapi import answers
from api.problems import ProblemCode
from api.route_rights import Right, needs
from api.routing import BatchId, database, new_router
from api.schemas import Shape
from ingestion.database.queries import retryable
from ingestion.values.date_forms import DateOrder
from ingestion.values.dates import declared_of, find_zone

router = new_router()


class RetryRequest(Shape):
    """What is declared about dates; rows whose only faults are E003 are then tried again too."""

    model_config = ConfigDict(extra="forbid")

    date_order: DateOrder | None = None
    time_zone: Annotated[str, Field(min_length=1)] | None = None

    @field_validator("time_zone")
    @classmethod
    def is_a_zone(cls, name: str | None) -> str | None:
        """The zone's IANA name."""
        return find_zone(name).key if name is not None else None


class RetryableBatch(Shape):
    """A batch with rejected rows that would pass now."""

    batch_id: UUID
    file_name: str
    program_type: str
    rows: int = Field(description="Open rows whose only faults are E020, E021 or E030")
    would_pass: int = Field(description="How many of them would pass now")


class RetryableBatches(Shape):
    """The batches with rejected rows that would pass now, newest first, at most 200."""

    items: list[RetryableBatch]


@router.post(
    "/v1/import/batches/<batchId>/retry",
    summary="Try rejected rows again",
    description=(
        "Starts a child batch of the rejected rows that pass now, with their own row and line numbers. It takes rows "
        "whose only faults are E020, E021 or E030, and with `dateOrder` or `timeZone` also E003. While a retry of the "
        "batch is under way, the answer names that one."
    ),
    tags=["Imports"],
    operation_id="retryBatch",
    security=needs(Right.IMPORTS_WRITE),
    status_code=202,
    responses=answers(
        BatchNamed,
        ProblemCode.NO_SUCH_BATCH,
        ProblemCode.NOTHING_TO_RETRY,
        ProblemCode.RETRY_UNDER_WAY,
        ProblemCode.NOT_JSON,
        ProblemCode.BODY_TOO_LARGE,
        ProblemCode.UNSUPPORTED_MEDIA_TYPE,
        status=202,
    ),
)
def retry(batch_id: BatchId, declared: RetryRequest | None = None) -> BatchNamed:
    """Rows that would still be rejected stay open on the parent."""
    declared = declared or RetryRequest()
    dates = declared_of(declared.date_order, declared.time_zone)
    return BatchNamed(batch_id=retries.retry(database(), batch_id, dates, caller(router.current_event.raw_event)))


@router.get(
    "/v1/import/retryable",
    summary="Batches with rejected rows that would pass now",
    tags=["Imports"],
    operation_id="listRetryable",
    security=needs(Right.IMPORTS_READ),
    responses=answers(RetryableBatches),
)
def retryable_batches() -> RetryableBatches:
    """Dry runs and batches that were undone are left out."""
    found = retryable.batches_to_retry(database())
    return RetryableBatches(items=[RetryableBatch.model_validate(batch) for batch in found])
