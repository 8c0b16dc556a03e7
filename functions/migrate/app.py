"""Migrate: CloudFormation calls this at each deploy that changes the schema; a failed migration fails the deploy."""

import json
import urllib.request
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from ingestion.aws.secrets import read_secret
from ingestion.config import Settings, settings
from ingestion.database.roles import Login, let_in
from ingestion.database.schema import is_empty, migrate
from ingestion.errors import Unavailable
from ingestion.telemetry import logger
from migrate.wait_for_database import connection_in_time

_EMPTY = (
    "This deploy would replace the stack's database by an empty one. To keep the data, make a snapshot of the old"
    " database and pass it as DatabaseSnapshot (docs/runbook.md, Another database). To begin with an empty database,"
    " delete the stack, which leaves a snapshot, and deploy again."
)


class WouldStartEmpty(Exception):
    """The deploy would replace the stack's database by an empty one."""


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Migrate on create and update, and do nothing on delete. Answers CloudFormation if it called."""
    status, reason, applied = "SUCCESS", "", list[str]()
    try:
        if event.get("RequestType") != "Delete":
            applied = _migrate(event)
            logger.info("schema is up to date", applied=applied)
    except Exception as failed:
        logger.exception("migration failed")
        if "ResponseURL" not in event:
            raise
        status, reason = "FAILED", _reason(failed)
    if "ResponseURL" in event:
        _answer(event, status, reason or f"see log stream {context.log_stream_name}")
    return {"status": status, "applied": applied}


def _migrate(event: dict[str, Any]) -> list[str]:
    """Apply the migrations, then the grants that the newest schema needs; returns the versions applied."""
    db = connection_in_time(settings())
    if _is_another_database(event) and is_empty(db):
        raise WouldStartEmpty(_EMPTY)
    applied = migrate(db)
    functions = _functions_login(settings())
    if functions is None:
        logger.warning("the functions connect as the owner of the schema")
    else:
        let_in(db, functions)
    return applied


def _is_another_database(event: dict[str, Any]) -> bool:
    """Whether the stack had a database before this deploy, and it was not this one."""
    before, now = event.get("OldResourceProperties"), event.get("ResourceProperties", {})
    return before is not None and any(before.get(name) != now.get(name) for name in ("Database", "Secret"))


def _functions_login(settings: Settings) -> Login | None:
    """As whom the other functions connect; None if as this one."""
    if settings.functions_secret_arn:
        return Login.model_validate_json(read_secret(settings.functions_secret_arn))
    return Login(username=settings.functions_user) if settings.functions_user else None


def _reason(failed: Exception) -> str:
    said = f"{type(failed).__name__}: {failed}"
    # Whoever deploys must see why the database is out of reach: its name, address, certificate or password.
    return f"{said} ({failed.__cause__})" if isinstance(failed, Unavailable) and failed.__cause__ else said


def _answer(event: dict[str, Any], status: str, reason: str) -> None:
    body = {
        "Status": status,
        "Reason": reason[:1000],
        "PhysicalResourceId": event.get("PhysicalResourceId", "kintell-schema"),
        **{name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")},
    }
    answer = urllib.request.Request(
        event["ResponseURL"], data=json.dumps(body).encode(), method="PUT", headers={"Content-Type": ""}
    )
    urllib.request.urlopen(answer, timeout=30).close()
