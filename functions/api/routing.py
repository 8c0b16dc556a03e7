"""What the route modules share: a router each, the database, and the batch that a path names."""

from typing import Annotated, Any
from uuid import UUID

from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from api.openapi import path_parameter
from api.problems import Problem, ProblemCode
from ingestion.config import settings
from ingestion.database.connection import Connection, connection
from ingestion.database.queries import batch_record

BatchId = Annotated[UUID, path_parameter("batchId", "Id of a batch")]


def new_router() -> APIGatewayHttpRouter:
    """A router for one module's routes."""
    return APIGatewayHttpRouter()  # type: ignore[no-untyped-call]


def database() -> Connection:
    """This process's connection. Raises Unavailable."""
    return connection(settings())


def get_batch(db: Connection, batch_id: UUID) -> dict[str, Any]:
    """The batch's row in the database. Raises Problem."""
    found = batch_record.find(db, batch_id)
    if found is None:
        raise _no_such_batch(batch_id)
    return found


def must_exist(db: Connection, batch_id: UUID) -> None:
    """Raises Problem if there is no such batch."""
    if not batch_record.exists(db, batch_id):
        raise _no_such_batch(batch_id)


def _no_such_batch(batch_id: UUID) -> Problem:
    return Problem(ProblemCode.NO_SUCH_BATCH, f"There is no batch {batch_id}.")
