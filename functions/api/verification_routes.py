"""Verify: read a batch's file again and compare the stored values with it."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal, Self
from uuid import UUID

from aws_lambda_powertools.event_handler import Response
from pydantic import Field as Described

from api.batch_schemas import BatchNamed
from api.caller import caller
from api.explanation_routes import UNREADABLE
from api.openapi import answers
from api.problems import Problem, ProblemCode
from api.route_rights import Right, needs
from api.routing import BatchId, database, get_batch, must_exist, new_router
from api.schemas import Shape, Utc, left_out
from ingestion.aws import s3
from ingestion.aws.wake_dispatch import wake_dispatch
from ingestion.config import settings
from ingestion.contracts import VerificationToRun
from ingestion.database.connection import Connection, transaction
from ingestion.database.tables import audit, batches, outbox, verifications
from ingestion.sign_in.actors import Actor
from ingestion.verification import OutOfTime, RejectsGone, Verified, as_json, verify

router = new_router()

MOST_SECONDS: Final = 20
"""API Gateway waits no longer than 30 seconds for an answer."""
MOST_ROWS: Final = 50_000
"""A file with more rows is read by Monitor, which has minutes."""


class DifferingValue(Shape):
    """A stored value that is not what its row says."""

    row_number: int
    field: str = Described(description="The column's name in the programme; `row` if the file has no such valid row")
    stored: Any = Described(description="The value as it is stored")
    file: Any = Described(description="The value as the file has it")


class Verification(Shape):
    """What a batch stored, compared with its file."""

    checked_rows: int = Described(description="Rows that were compared with what they wrote")
    differing: list[DifferingValue] = Described(description="Stored values that are not what their rows say")
    differing_left_out: int | None = left_out()


class LongVerification(Shape):
    """A verification that took longer than an answer may. What differs is kept for 24 hours."""

    state: Literal["running", "completed", "failed"]
    requested_at: Utc = Described(description="When it was asked for")
    completed_at: Utc | None = Described(description="When it ended")
    checked_rows: int | None = Described(description="Rows that inserted or updated a record; null until it has ended")
    differing: list[DifferingValue] = Described(description="Stored values that are not what their rows say")
    differing_left_out: int | None = left_out()
    failure_code: str | None = left_out()

    @classmethod
    def of(cls, row: dict[str, Any]) -> Self:
        """Build it from a database row."""
        more = (row["differing_values"] or 0) - len(row["differing"])
        return cls.model_validate({**row, "differing_left_out": more or None})


@router.post(
    "/v1/import/batches/<batchId>/verify",
    summary="Read a batch's file again and compare the stored values with it",
    description="If the file has more than 50,000 rows, the answer is 202, and `GET …/verify` has the result later.",
    tags=["Imports"],
    operation_id="verifyBatch",
    security=needs(Right.ERRORS_READ),
    responses=answers(BatchNamed, status=202) | answers(Verification, ProblemCode.NO_SUCH_BATCH, *UNREADABLE),
)
def verify_batch(batch_id: BatchId) -> Response[Any]:
    """Of a file with more rows than can be read in 20 seconds, the answer is `too_much_to_read`."""
    db, actor = database(), caller(router.current_event.raw_event)
    if takes_long(db, batch_id):
        request(db, batch_id, actor)
        return Response(status_code=202, content_type="application/json", body=BatchNamed(batch_id=batch_id))
    found = verified(db, batch_id, actor)
    programme = batches.get(db, batch_id).programme
    left_out = found.differing_values - len(found.differing)
    result = Verification(
        checked_rows=found.checked_rows,
        differing=[DifferingValue.model_validate(as_json(one, programme)) for one in found.differing],
        differing_left_out=left_out or None,
    )
    return Response(status_code=200, content_type="application/json", body=result)


@router.get(
    "/v1/import/batches/<batchId>/verify",
    summary="The result of a long verification",
    tags=["Imports"],
    operation_id="getVerification",
    security=needs(Right.ERRORS_READ),
    responses=answers(LongVerification, ProblemCode.NO_SUCH_BATCH, ProblemCode.NOT_VERIFIED),
)
def verification(batch_id: BatchId) -> LongVerification:
    """The last one of the batch, also if Monitor chose the batch; then without the values."""
    return LongVerification.of(get_verification(database(), batch_id))


def get_verification(db: Connection, batch_id: UUID) -> dict[str, Any]:
    """The last verification of a batch. Raises Problem."""
    must_exist(db, batch_id)
    found = verifications.find(db, batch_id)
    if found is None:
        raise Problem(ProblemCode.NOT_VERIFIED, f"Batch {batch_id} has not been verified in the background.")
    return found


def takes_long(db: Connection, batch_id: UUID) -> bool:
    """Whether the file has more rows than an answer may wait for. Raises Problem."""
    return int(get_batch(db, batch_id)["total_rows"]) > MOST_ROWS


def request(db: Connection, batch_id: UUID, actor: Actor) -> None:
    """Have Monitor verify a batch, and record who asked."""
    with transaction(db):
        if verifications.request(db, batch_id):
            outbox.add(db, batch_id, VerificationToRun(batch_id=batch_id))
        audit.write(db, actor=actor, action="batch_verified", batch_id=batch_id, details={"inBackground": True})
    wake_dispatch(settings().work_bucket)


def verified(db: Connection, batch_id: UUID, actor: Actor) -> Verified:
    """Verify a batch, and record who did. Raises Problem."""
    must_exist(db, batch_id)
    try:
        found = verify(db, batch_id, settings().work_bucket, datetime.now(UTC) + timedelta(seconds=MOST_SECONDS))
    except s3.NoSuchFile:
        raise Problem(ProblemCode.ORIGINAL_GONE, f"The file of batch {batch_id} has been deleted.") from None
    except RejectsGone:
        detail = f"The rejected rows that the file of batch {batch_id} corrects have been deleted."
        raise Problem(ProblemCode.ORIGINAL_GONE, detail) from None
    except s3.InColdStorage:
        detail = f"The file of batch {batch_id} is in cold storage and must be restored first."
        raise Problem(ProblemCode.ORIGINAL_IN_COLD_STORAGE, detail) from None
    except OutOfTime:
        detail = f"The file of batch {batch_id} can't be read within {MOST_SECONDS} seconds."
        raise Problem(ProblemCode.TOO_MUCH_TO_READ, detail) from None
    details = {"checkedRows": found.checked_rows, "differingValues": found.differing_values}
    audit.write(db, actor=actor, action="batch_verified", batch_id=batch_id, details=details)
    return found
