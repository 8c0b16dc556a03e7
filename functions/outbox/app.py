"""Outbox: hands Dispatch, which has no way to the database, the messages that are due, and forgets those sent."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from ingestion.config import settings
from ingestion.contracts import Messages, OutboxTask
from ingestion.database.connection import connection
from ingestion.database.tables import outbox
from ingestion.telemetry import logger


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Forget the messages that were sent, and claim some of those that are due."""
    db = connection(settings())
    outbox.remove(db, OutboxTask.model_validate(event).sent)
    return Messages(messages=outbox.claim(db)).as_json()
