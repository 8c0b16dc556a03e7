"""Dispatch: works outside the network, and starts imports and sends events for the functions inside it.

Lambda invokes it with the answers of Intake, Finalize and Retention, S3 when the API has written a message, EventBridge
at the end of an import, and a schedule for whatever was missed.
"""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from dispatch.send_messages import send_all
from ingestion.config import settings
from ingestion.contracts import Messages
from ingestion.telemetry import logger


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, int]:
    """Send the messages that an answer brings, then those that are due; how many."""
    brought = Messages.model_validate(event.get("responsePayload") or {})
    return {"sent": send_all(brought.messages, settings())}
