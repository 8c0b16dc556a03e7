"""The import workflow; the only importer of Step Functions' client."""

import json
from functools import cache
from typing import Any
from uuid import UUID

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from ingestion.errors import Unavailable


@cache
def _client() -> Any:
    return boto3.client("stepfunctions")


def start_import(state_machine_arn: str, name: str, batch_id: UUID, chunk_count: int, manifest_key: str) -> None:
    """Start an import of the batch; starting twice by one name is one start. Raises Unavailable."""
    given = {"batchId": str(batch_id), "chunks": chunk_count, "manifestKey": manifest_key}
    try:
        _client().start_execution(stateMachineArn=state_machine_arn, name=name, input=json.dumps(given))
    except ClientError as failed:
        if failed.response.get("Error", {}).get("Code") != "ExecutionAlreadyExists":
            raise Unavailable("The import could not be started.") from failed
    except BotoCoreError as failed:
        raise Unavailable("The import could not be started.") from failed
