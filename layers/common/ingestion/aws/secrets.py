"""Read secrets from Secrets Manager by their ARN; the environment holds nothing else of them."""

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from ingestion.errors import Unavailable


def read_secret(arn: str) -> str:
    """Return the secret with this ARN. Raises Unavailable."""
    try:
        return str(boto3.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"])
    except (BotoCoreError, ClientError) as failed:
        raise Unavailable("Secrets Manager did not return a secret.") from failed
