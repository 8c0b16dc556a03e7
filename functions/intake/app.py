"""Intake: receives files that arrive in the uploads bucket."""

from typing import Any
from urllib.parse import unquote_plus

from aws_lambda_powertools.utilities.typing import LambdaContext

from ingestion.config import settings
from ingestion.contracts import Messages
from ingestion.database.connection import connection
from ingestion.database.tables import outbox
from ingestion.database.tables.uploads import Arrival
from ingestion.telemetry import logger, metrics
from intake.intake_upload import intake_upload


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Turn each object version of an S3 event into a batch or a refusal.

    Return the decisions and the messages that follow from them; Lambda passes both to Dispatch, the destination.
    """
    decisions = [
        intake_upload(_arrival(record), connection(settings()), settings()) for record in event.get("Records", [])
    ]
    messages = outbox.find_about(connection(settings()), [decision.upload_id for decision in decisions])
    return {
        "uploads": [decision.model_dump(mode="json") for decision in decisions],
        **Messages(messages=messages).as_json(),
    }


def _arrival(record: dict[str, Any]) -> Arrival:
    found = record["s3"]["object"]
    return Arrival(
        bucket=record["s3"]["bucket"]["name"],
        # S3's own notifications URL-encode keys. A key with a NUL can't be stored, so its object can't be found either:
        # the upload is refused, and the list shows it.
        key=unquote_plus(found["key"]).replace("\0", "\ufffd"),
        version_id=found.get("versionId") or "null",
        size_bytes=found.get("size", 0),
        principal=record.get("userIdentity", {}).get("principalId", "unknown"),
    )
