"""Reconcile: checks the whole staged file before any of it is published."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from ingestion.config import settings
from ingestion.contracts import BatchTask
from ingestion.database.connection import connection
from ingestion.telemetry import logger
from reconcile.reconcile_batch import reconcile_batch


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Decide how the import of a batch continues."""
    task = BatchTask.model_validate(event)
    logger.append_keys(batch_id=str(task.batch_id))
    verdict = reconcile_batch(task.batch_id, connection(settings()), settings())
    logger.info(
        "batch reconciled", verdict=verdict.verdict, shards=len(verdict.shards), has_conflicts=verdict.has_conflicts
    )
    return verdict.as_json()
