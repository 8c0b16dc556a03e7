"""Start the import workflow; the only importer of the Step Functions client."""

from functools import cache
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from ingestion.contracts import ImportInput, UndoInput
from ingestion.errors import Unavailable


@cache
def _client() -> Any:
    return boto3.client("stepfunctions")


def start_import(state_machine_arn: str, name: str, given: ImportInput | UndoInput) -> None:
    """Start an import or an undo; a second start with the same name does nothing. Raises Unavailable."""
    try:
        _client().start_execution(
            stateMachineArn=state_machine_arn, name=name, input=given.model_dump_json(by_alias=True)
        )
    except ClientError as failed:
        if failed.response.get("Error", {}).get("Code") != "ExecutionAlreadyExists":
            raise Unavailable("The import could not be started.") from failed
    except BotoCoreError as failed:
        raise Unavailable("The import could not be started.") from failed
