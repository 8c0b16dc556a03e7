"""Secrets Manager: secrets by their ARN, which is all that the environment says of them."""

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from ingestion.errors import Unavailable


def read_secret(arn: str) -> str:
    """What is kept under this ARN. Raises Unavailable."""
    try:
        return str(boto3.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"])
    except (BotoCoreError, ClientError) as failed:
        raise Unavailable("A secret can't be read.") from failed
