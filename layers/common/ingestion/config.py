"""The environment, read once. Handlers pass the values down; nothing below them reads `os.environ`."""

import os
from enum import StrEnum
from functools import cache

from pydantic import BaseModel, ConfigDict, Field, ValidationError

MEBIBYTE = 1024 * 1024

_WHO_SETS_THEM = "The template sets them; docs/sam-local.md says how to run a function by hand."


class UnknownUsers(StrEnum):
    """What to do with a row whose participant or volunteer is unknown."""

    REJECT = "reject"
    CREATE = "create"


class WrongSettings(Exception):
    """A variable that the template sets is missing, or has a value that it can't have."""


class Authentication(StrEnum):
    """Whose tokens the HTTP API accepts; with none, it answers only its own machine."""

    COGNITO = "cognito"
    OIDC = "oidc"
    NONE = "none"


class Retention(BaseModel):
    """How long things are kept, in days.

    Texts that mention it read it from here (see `limits`), and `make reference` writes it into the lifecycles of S3.
    """

    model_config = ConfigDict(frozen=True)

    error_file_days: int = 30
    failed_upload_days: int = 90
    cold_storage_days: int = 90
    archive_days: int = 365


class Settings(Retention):
    """What the template sets for a function, and sizes that were measured (docs/decisions)."""

    # The stack's own database: its host and the role to connect as, with an IAM token that the function signs itself.
    database_host: str = ""
    database_user: str = ""
    # For an existing database, instead of these two: a secret with address, login and password.
    database_secret_arn: str = ""
    # Read only by Migrate, which connects as the schema owner: the role or the secret of the other functions.
    functions_user: str = ""
    functions_secret_arn: str = ""
    uploads_bucket: str
    work_bucket: str
    # Read only by Dispatch, which works outside the network.
    state_machine_arn: str = ""
    outbox_function_name: str = ""
    monitor_function_name: str = ""
    unknown_users: UnknownUsers = UnknownUsers.REJECT
    # If it is left out by mistake, the API stays closed.
    authentication: Authentication = Authentication.COGNITO
    # Sign-in: who issues tokens, the clients of the command line and of the dashboard, the scopes to ask for, and the
    # audience that the API accepts.
    issuer: str = ""
    command_line_client_id: str = ""
    dashboard_client_id: str = ""
    scopes: str = "openid email"
    audience: str = ""
    # The claim that grants rights; the default is that of the stack's own user pool.
    rights_claim: str = "cognito:groups"

    chunk_bytes: int = Field(default=4 * MEBIBYTE, ge=1)
    rows_per_shard: int = Field(default=250_000, ge=1)
    max_file_bytes: int = Field(default=100 * 1024 * MEBIBYTE, ge=1)

    presigned_seconds: int = 15 * 60
    # Above this size a file is sent in parts. S3 takes no more than 5 GiB in one request.
    multipart_from_bytes: int = Field(default=5_000_000_000, ge=0, le=5 * 1024 * MEBIBYTE)
    # A link ends with the credentials that signed it, so on AWS it may last for less.
    part_link_seconds: int = Field(default=6 * 60 * 60, ge=1)
    stuck_hours: int = 24

    def must_name_a_database(self) -> None:
        """Raise WrongSettings if there is neither a host nor a secret: an empty host would be this machine."""
        if not (self.database_host or self.database_secret_arn):
            raise WrongSettings(f"DATABASE_HOST or DATABASE_SECRET_ARN must be set. {_WHO_SETS_THEM}")


@cache
def settings() -> Settings:
    """Return the settings of this process. Raises WrongSettings, which names what is missing or wrong."""
    try:
        return Settings.model_validate(_given(Settings))
    except ValidationError as failed:
        named = ", ".join(sorted({str(error["loc"][0]).upper() for error in failed.errors()}))
        raise WrongSettings(f"These variables are missing or wrong: {named}. {_WHO_SETS_THEM}") from None


@cache
def retention() -> Retention:
    """Return how long things are kept, even without the other settings, as when the docs are generated."""
    return Retention.model_validate(_given(Retention))


def _given(shape: type[BaseModel]) -> dict[str, str]:
    return {name: os.environ[name.upper()] for name in shape.model_fields if os.environ.get(name.upper())}
