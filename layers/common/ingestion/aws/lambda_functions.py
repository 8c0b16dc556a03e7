"""Other functions of the stack; the only importer of Lambda's client."""

import json
from functools import cache
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from ingestion.errors import Unavailable


@cache
def _client() -> Any:
    return boto3.client("lambda")


def invoke(name: str, payload: dict[str, Any]) -> dict[str, Any]:
    """The answer of a function of this name or ARN. Raises Unavailable, also if the function failed."""
    try:
        answer = _client().invoke(FunctionName=name, Payload=json.dumps(payload))
        body: dict[str, Any] = json.load(answer["Payload"])
    except (BotoCoreError, ClientError) as failed:
        raise Unavailable("A function could not be invoked.") from failed
    if "FunctionError" in answer:
        raise Unavailable(f"A function failed with {body.get('errorType')}.")
    return body


def start(name: str, payload: dict[str, Any]) -> None:
    """Have a function of this name or ARN run, without waiting for it. Raises Unavailable."""
    try:
        _client().invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps(payload))
    except (BotoCoreError, ClientError) as failed:
        raise Unavailable("A function could not be invoked.") from failed
