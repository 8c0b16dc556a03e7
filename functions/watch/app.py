"""Watch: every few minutes, how long the oldest import that has not ended has been waiting; an alarm looks at it."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from ingestion.config import settings
from ingestion.db import connection
from ingestion.tables import batches
from ingestion.telemetry import logger, metrics


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def handler(_event: dict[str, Any], _context: LambdaContext) -> dict[str, float]:
    """Measure; a database out of reach shows as nothing measured, which the alarm takes for the worst."""
    seconds = batches.oldest_unfinished_seconds(connection(settings()))
    metrics.add_metric("OldestRunningBatchSeconds", "Seconds", seconds)
    return {"oldestRunningBatchSeconds": seconds}
