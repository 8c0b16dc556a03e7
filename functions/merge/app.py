"""Merge: publishes one shard of a reconciled batch."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from ingestion.config import settings
from ingestion.contracts import MergeResult, MergeTask
from ingestion.database.connection import connection
from ingestion.telemetry import logger
from merge.merge_shard import merge_shard


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Merge the shard that the workflow names; returns how many rows were inserted and updated."""
    task = MergeTask.model_validate(event)
    logger.append_keys(batch_id=str(task.batch_id), shard=task.shard)
    inserted, updated = merge_shard(task, connection(settings()))
    logger.info("shard merged", inserted=inserted, updated=updated)
    return MergeResult(inserted=inserted, updated=updated).as_json()
