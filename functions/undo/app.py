"""Undo: takes back what a batch imported, or plans to."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from ingestion.config import settings
from ingestion.contracts import UndoProgress, UndoTask
from ingestion.database.connection import connection
from ingestion.telemetry import logger, metrics
from undo.undo_batch import undo_batch


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Undo as many rows as fit into one invocation; the workflow calls it until nothing is left."""
    task = UndoTask.model_validate(event)
    logger.append_keys(batch_id=str(task.batch_id), undo=task.undo)
    is_done = undo_batch(task, connection(settings()), settings())
    return UndoProgress(is_done=is_done).as_json()
