"""What other systems are told, on the account's default event bus; the only importer of EventBridge's client.

They are told at least once: whoever is told twice sees it by the id. There is nothing in it about a person; what else
somebody wants to know, and may, the HTTP API tells by that id.
"""

import json
from enum import StrEnum
from functools import cache
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from ingestion.errors import Unavailable

SOURCE = "kintell.ingest"


class Event(StrEnum):
    """The `detail-type` of what happened."""

    IMPORT_COMPLETED = "ImportCompleted"
    IMPORT_FAILED = "ImportFailed"
    UPLOAD_REFUSED = "UploadRefused"


@cache
def _client() -> Any:
    return boto3.client("events")


def send(event: Event, detail: dict[str, str | None]) -> None:
    """Tell whoever has a rule for it. Raises Unavailable."""
    entry = {"Source": SOURCE, "DetailType": event.value, "Detail": json.dumps(detail)}
    try:
        answer = _client().put_events(Entries=[entry])
    except (BotoCoreError, ClientError) as failed:
        raise Unavailable("Other systems could not be told.") from failed
    if answer["FailedEntryCount"]:
        raise Unavailable("Other systems could not be told.")
