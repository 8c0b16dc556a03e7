"""Finalize: ends a batch, whether its import succeeded or broke, and an undo that broke."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from finalize.fail_batch import fail_batch
from finalize.fail_undo import fail_undo
from finalize.finalize_batch import finalize_batch
from ingestion.config import settings
from ingestion.contracts import BatchTask, FailTask, FailUndoTask
from ingestion.database.connection import connection
from ingestion.telemetry import logger, metrics


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """End the batch of a workflow's task, or of an execution that EventBridge reports as ended without Finalize."""
    task = _task(event)
    logger.append_keys(batch_id=str(task.batch_id))
    if isinstance(task, FailUndoTask):
        finalized = fail_undo(task, connection(settings()))
    elif isinstance(task, FailTask):
        finalized = fail_batch(task, connection(settings()))
    else:
        finalized = finalize_batch(task.batch_id, connection(settings()), settings())
    return finalized.as_json()


def _task(event: dict[str, Any]) -> BatchTask | FailTask:
    if "detail" in event:
        return FailTask.of_execution(event["detail"])
    if "undo" in event:
        return FailUndoTask.model_validate(event)
    return FailTask.model_validate(event) if "error" in event else BatchTask.model_validate(event)
