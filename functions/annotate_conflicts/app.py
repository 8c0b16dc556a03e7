"""AnnotateConflicts: adds conflicting rows, which only the whole file shows, to a chunk's part of the error file."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from annotate_conflicts.conflict_rejects import annotate_chunk
from ingestion.config import settings
from ingestion.contracts import AnnotateResult, AnnotateTask
from ingestion.database.connection import connection
from ingestion.telemetry import logger


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Rewrite the chunk's part; returns how many rows it has now."""
    task = AnnotateTask.model_validate(event)
    logger.append_keys(batch_id=str(task.batch_id), chunk=task.chunk)
    rejects = annotate_chunk(task, connection(settings()), settings())
    logger.info("conflicts annotated", rejects=rejects)
    return AnnotateResult(rejects=rejects).as_json()
