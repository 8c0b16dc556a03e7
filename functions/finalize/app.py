"""Finalize: ends a batch, whether its import went through or broke."""

import json
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from finalize.announce import tell_of
from finalize.fail_batch import Breakage, BrokenTask, fail_batch
from finalize.finalize_batch import BatchTask, finalize_batch
from ingestion.config import settings
from ingestion.database.connection import connection
from ingestion.telemetry import logger, metrics


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """End the batch of a state machine's task, or of an execution that ended without finalizing, by EventBridge."""
    if breakage := _breakage(event):
        logger.append_keys(batch_id=str(breakage.batch_id))
        broken = fail_batch(breakage, connection(settings()), settings())
        return tell_of(breakage.batch_id, broken, settings()).model_dump(mode="json")
    task = BatchTask.model_validate(event)
    logger.append_keys(batch_id=str(task.batch_id))
    finalized = finalize_batch(task.batch_id, connection(settings()), settings())
    return tell_of(task.batch_id, finalized, settings()).model_dump(mode="json")


def _breakage(event: dict[str, Any]) -> Breakage | None:
    if "detail" in event:
        ended = event["detail"]
        batch_id = json.loads(ended["input"])["batchId"]
        error = ended.get("error") or ended["status"]
        return Breakage(batch_id=batch_id, execution=ended["executionArn"], error=error)
    return BrokenTask.model_validate(event).breakage if "error" in event else None
