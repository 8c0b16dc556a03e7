"""Settle: ends a batch, whether its import went through or broke."""

import json
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from ingestion.config import settings
from ingestion.db import connection
from ingestion.telemetry import logger, metrics
from settle.breaking import Breakage, settle_broken
from settle.settling import settle_batch


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """End the batch of a state machine's task, or of an execution that ended without settling, by EventBridge."""
    breakage = _breakage(event)
    if breakage:
        logger.append_keys(batch_id=str(breakage.batch_id))
        return settle_broken(breakage, connection(settings()), settings()).model_dump(mode="json")
    logger.append_keys(batch_id=event["batchId"])
    return settle_batch(event["batchId"], connection(settings()), settings()).model_dump(mode="json")


def _breakage(event: dict[str, Any]) -> Breakage | None:
    if "detail" in event:
        given = json.loads(event["detail"]["input"])
        return Breakage(
            batch_id=given["batchId"],
            execution=event["detail"]["executionArn"],
            error=event["detail"].get("error") or event["detail"]["status"],
        )
    if "error" in event:
        error = event["error"]
        return Breakage(
            batch_id=event["batchId"], execution=event["execution"], error=error["Error"], cause=error.get("Cause", "")
        )
    return None
