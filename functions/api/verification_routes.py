"""Verify: read a batch's file again and compare the stored values with it."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final, Self
from uuid import UUID

from pydantic import Field as Described

from api.caller import caller
from api.explanation_routes import UNREADABLE
from api.openapi import answers
from api.problems import Problem, ProblemCode
from api.route_rights import Right, needs
from api.routing import BatchId, database, must_exist, new_router
from api.schemas import Shape, left_out
from api.session_schemas import as_answered
from ingestion.aws import s3
from ingestion.config import settings
from ingestion.database.connection import Connection
from ingestion.database.tables import audit, batches
from ingestion.records import Programme
from ingestion.sign_in.actors import Actor
from ingestion.verification import Difference, OutOfTime, RejectsGone, Verified, verify

router = new_router()

MOST_SECONDS: Final = 20
"""API Gateway waits no longer than 30 seconds for an answer."""


class DifferingValue(Shape):
    """A stored value that is not what its row says."""

    row_number: int
    field: str = Described(description="The column's name in the programme; `row` if the file has no such valid row")
    stored: Any = Described(description="The value as it is stored")
    file: Any = Described(description="The value as the file has it")

    @classmethod
    def of(cls, found: Difference, programme: Programme) -> Self:
        """Build it from what was found."""
        if found.field is None:
            return cls(row_number=found.row_number, field="row", stored=found.stored, file=None)
        return cls(
            row_number=found.row_number,
            field=programme.column_of(found.field.staged).name,
            stored=as_answered(found.field, found.stored),
            file=as_answered(found.field, found.file),
        )


class Verification(Shape):
    """What a batch stored, compared with its file."""

    checked_rows: int = Described(description="Rows that were compared with what they wrote")
    differing: list[DifferingValue] = Described(description="Stored values that are not what their rows say")
    differing_left_out: int | None = left_out()


@router.post(
    "/v1/import/batches/<batchId>/verify",
    summary="Read a batch's file again and compare the stored values with it",
    tags=["Imports"],
    operation_id="verifyBatch",
    security=needs(Right.ERRORS_READ),
    responses=answers(Verification, ProblemCode.NO_SUCH_BATCH, *UNREADABLE),
)
def verify_batch(batch_id: BatchId) -> Verification:
    """Of a file with more rows than can be read in 20 seconds, the answer is `too_much_to_read`."""
    db = database()
    found = verified(db, batch_id, caller(router.current_event.raw_event))
    programme = batches.get(db, batch_id).programme
    left_out = found.differing_values - len(found.differing)
    return Verification(
        checked_rows=found.checked_rows,
        differing=[DifferingValue.of(one, programme) for one in found.differing],
        differing_left_out=left_out or None,
    )


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
