"""The environment, read once. Handlers pass the values down; nothing below them looks at `os.environ`."""

import os
from enum import StrEnum
from functools import cache

from pydantic import BaseModel, ConfigDict, Field

MEBIBYTE = 1024 * 1024


class UnknownUsers(StrEnum):
    """What becomes of a row whose participant or volunteer is not known by email."""

    REJECT = "reject"
    CREATE = "create"


class Authentication(StrEnum):
    """Whose tokens the HTTP API takes; with none, it answers its own machine only."""

    COGNITO = "cognito"
    OIDC = "oidc"
    NONE = "none"


class Retention(BaseModel):
    """How long things are kept, in days.

    The sentences that mention it read it here (see `limits`); `make reference` writes it into the lifecycles of S3.
    """

    model_config = ConfigDict(frozen=True)

    error_file_days: int = 30
    failed_upload_days: int = 90
    cold_storage_days: int = 90
    archive_days: int = 365


class Settings(Retention):
    """What the template tells a function, and the sizes that have proved themselves (docs/decisions)."""

    database_secret_arn: str
    # Of Migrate alone, which connects as the schema's owner: as whom the others do.
    functions_secret_arn: str = ""
    uploads_bucket: str
    work_bucket: str
    state_machine_arn: str = ""
    unknown_users: UnknownUsers = UnknownUsers.REJECT
    # Left out by mistake, the API is closed.
    authentication: Authentication = Authentication.COGNITO
    # Where people sign in: who signs tokens, whom those of the command line and of the dashboard are for, what is asked
    # of the issuer, whom the API takes tokens for; and what passes are signed with.
    issuer: str = ""
    command_line_client_id: str = ""
    dashboard_client_id: str = ""
    scopes: str = "openid email"
    audience: str = ""
    cookie_key_arn: str = ""
    # The claim that gives rights; the default is that of the stack's own user pool.
    rights_claim: str = "cognito:groups"

    chunk_bytes: int = Field(default=4 * MEBIBYTE, ge=1)
    rows_per_shard: int = Field(default=250_000, ge=1)
    max_file_bytes: int = Field(default=100 * 1024 * MEBIBYTE, ge=1)

    presigned_seconds: int = 15 * 60
    stuck_hours: int = 24


@cache
def settings() -> Settings:
    """The settings of this process. Raises pydantic's ValidationError if the template left one out."""
    return Settings.model_validate(_given(Settings))


@cache
def retention() -> Retention:
    """How long things are kept, also where there are no other settings, as where the documentation is generated."""
    return Retention.model_validate(_given(Retention))


def _given(shape: type[BaseModel]) -> dict[str, str]:
    return {name: os.environ[name.upper()] for name in shape.model_fields if os.environ.get(name.upper())}
