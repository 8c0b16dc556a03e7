"""Stage: reads one chunk of a file into the staging table."""

import gc
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from ingestion.config import settings
from ingestion.contracts import StageResult, StageTask
from ingestion.database.connection import connection
from ingestion.telemetry import logger
from stage.stage_chunk import stage_chunk

# A chunk is some hundred thousand tuples and lists without a cycle: looking for cycles after every 700 of them took a
# tenth of the time of staging.
gc.set_threshold(200_000, 20, 100)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Stage the chunk that the workflow names; returns how many rows were staged and rejected."""
    task = StageTask.model_validate(event)
    logger.append_keys(batch_id=str(task.batch_id), chunk=task.chunk)
    staged = stage_chunk(task, connection(settings()), settings())
    logger.info("chunk staged", staged=staged.staged_rows, rejected=staged.rejected_rows)
    return StageResult(staged=staged.staged_rows, rejected=staged.rejected_rows).as_json()
