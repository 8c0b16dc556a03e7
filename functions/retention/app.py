"""Retention: deletes and archives, once a day, what is due."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from ingestion.config import settings
from ingestion.database.connection import connection
from ingestion.telemetry import logger
from retention.sweep import retention


@logger.inject_lambda_context(clear_state=True)
def handler(_event: dict[str, Any], _context: LambdaContext) -> dict[str, int]:
    """Delete and archive what is due; returns how much of each."""
    counts = retention(connection(settings()), settings())
    logger.info("retention done", counts=counts)
    return counts
