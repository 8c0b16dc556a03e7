"""Send events to other systems on the account's default event bus; the only importer of the EventBridge client.

Each event is sent at least once; its id identifies repeats. It says nothing about a person: with the id, those with the
right to read more get it from the HTTP API.
"""

import json
from functools import cache
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from ingestion.contracts import Event
from ingestion.errors import Unavailable

SOURCE = "kintell.ingest"


@cache
def _client() -> Any:
    return boto3.client("events")


def send(event: Event, detail: dict[str, str | None]) -> None:
    """Send an event to whoever has a rule for it. Raises Unavailable."""
    entry = {"Source": SOURCE, "DetailType": event.value, "Detail": json.dumps(detail)}
    try:
        answer = _client().put_events(Entries=[entry])
    except (BotoCoreError, ClientError) as failed:
        raise Unavailable("The event could not be sent to other systems.") from failed
    if answer["FailedEntryCount"]:
        raise Unavailable("The event could not be sent to other systems.")
