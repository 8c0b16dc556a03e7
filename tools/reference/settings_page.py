"""docs/reference/settings.md: the environment variables that functions read, from `ingestion.config`."""

from enum import Enum
from typing import Any, Final

from ingestion.config import Settings
from tools.reference.markdown import code, page, table

ABOUT: Final = """\
Each function reads its settings from environment variables once, when it starts. `template.yaml` sets those without a
default and those that follow from its [parameters](parameters.md); the others keep their defaults unless you add them
to `Globals.Function.Environment`."""

MEANING: Final = {
    "database_host": "Host of the stack's own database, to which functions connect with a token",
    "database_user": "Role that the function connects as",
    "database_secret_arn": "Instead of these two: secret with the address and the login of an existing database",
    "functions_user": "Migrate only: role of all other functions, which connect with a token",
    "functions_secret_arn": "Migrate only: secret with the login of all other functions to an existing database",
    "uploads_bucket": "Bucket that files are uploaded to",
    "work_bucket": "Bucket for manifests, for parts of error files, and for the key that signs session cookies",
    "state_machine_arn": "Dispatch only: state machine that imports a batch",
    "monitor_function_name": "Dispatch only: function that verifies batches",
    "outbox_function_name": "Dispatch only: function that returns the messages that are due",
    "unknown_users": "`reject` rejects a row whose people are not known; `create` creates them",
    "authentication": "Whose tokens the API accepts; with `none` it answers only its own machine",
    "issuer": "Issuer at which people sign in",
    "command_line_client_id": "Client id of `kintell login`",
    "dashboard_client_id": "Client id of the dashboard",
    "scopes": "Scopes requested at sign-in",
    "audience": "Audience that a token must have",
    "rights_claim": "Claim of a token that lists rights",
    "chunk_bytes": "Size at which a chunk ends, in bytes",
    "rows_per_shard": "Rows in a shard; a batch with more rows gets more shards",
    "max_file_bytes": "Size of the largest file that is accepted, in bytes, unpacked",
    "presigned_seconds": "How long a presigned link is valid",
    "multipart_from_bytes": "Size above which a file is uploaded in parts, in bytes, at most 5 GiB",
    "part_link_seconds": "How long the links of parts are valid, unless the credentials that signed them expire first",
    "error_file_days": "Days after which an error file is deleted",
    "failed_upload_days": "Days after which the original of a failed or refused upload is deleted",
    "cold_storage_days": "Days after which an original is moved to cold storage",
    "archive_days": "Days after which a completed batch is archived and its original deleted",
    "stuck_hours": "Hours after which the nightly retention run ends a batch that is stuck",
}


def render() -> str:
    """The whole page. KeyError if a setting has no description here."""
    rows = (
        [code(name.upper()), "required" if field.is_required() else _default(field.default), MEANING[name]]
        for name, field in Settings.model_fields.items()
    )
    return page("Settings", ABOUT, table(["Variable", "Default", "Meaning"], rows))


def _default(value: Any) -> str:
    text = value.value if isinstance(value, Enum) else f"{value:,}" if isinstance(value, int) else str(value)
    return code(text) if text else "empty"
