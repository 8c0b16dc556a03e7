"""Monitor: every few minutes, measures whether imports make progress and whether ended ones are still intact
and as in their files."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from ingestion.config import settings
from ingestion.database.connection import connection
from ingestion.database.queries import health
from ingestion.telemetry import logger, metrics
from monitor.recount import check_some
from monitor.verify_batches import verify_some

STUCK_MINUTES = 60
"""Longer than any state of the workflow may be retried without recording anything."""


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, float]:
    """Publish the metrics. If the database is out of reach there are none, which the alarm treats as the worst case.

    Dispatch invokes it as soon as somebody asks for a batch to be verified; then nothing else is due.
    """
    db = connection(settings())
    if event.get("kind") == "verification":
        return {"differingBatches": verify_some(db, settings())}
    seconds, stuck = health.oldest_unfinished_seconds(db), health.stuck(db, STUCK_MINUTES)
    if stuck:
        logger.error("batches are stuck", batch_ids=[str(batch_id) for batch_id in stuck])
    metrics.add_metric("OldestRunningBatchSeconds", "Seconds", seconds)
    metrics.add_metric("StuckBatches", "Count", len(stuck))
    metrics.add_metric("OldestMessageSeconds", "Seconds", health.oldest_message_seconds(db))
    # Published now, because the recount that follows may take long.
    metrics.flush_metrics()
    unsound = check_some(db)
    metrics.add_metric("UnsoundBatches", "Count", unsound)
    metrics.flush_metrics()
    differing = verify_some(db, settings())
    metrics.add_metric("DifferingBatches", "Count", differing)
    return {
        "oldestRunningBatchSeconds": seconds,
        "stuckBatches": len(stuck),
        "unsoundBatches": unsound,
        "differingBatches": differing,
    }
