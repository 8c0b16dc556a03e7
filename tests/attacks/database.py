"""Somebody who speaks to the database as the functions do, and would rewrite what has happened."""

import json
import time
from typing import Any
from uuid import uuid4

import pg8000.native

from local.deploy import DATABASE_ENTRY
from tests.attacks.attack import Attack, Outcome, Target
from tests.attacks.uploads import decided, put

PATIENCE_SECONDS = 60
NOT_ALLOWED, BROKEN_RULE = "42501", "23514"

REWRITES = {
    "a batch's counts": (
        "UPDATE ingestion_batches SET inserted_rows = 0, skipped_rows = 1 WHERE id = :id",
        BROKEN_RULE,
    ),
    "its end": ("UPDATE ingestion_batches SET completed_at = '2020-01-01' WHERE id = :id", BROKEN_RULE),
    "its uploader": ("UPDATE ingestion_batches SET imported_by = 'kari@example.org' WHERE id = :id", BROKEN_RULE),
    "its status": (
        "UPDATE ingestion_batches SET status = 'failed', failure_reason = 'x' WHERE id = :id",
        BROKEN_RULE,
    ),
    "the batch": ("DELETE FROM ingestion_batches WHERE id = :id", NOT_ALLOWED),
    "what it corrects": ("UPDATE ingestion_batches SET compares_rejects = true WHERE id = :id", BROKEN_RULE),
    "the trail": ("UPDATE audit_logs SET actor = 'kari@example.org' WHERE batch_id = :id", NOT_ALLOWED),
    "less of it": ("DELETE FROM audit_logs WHERE batch_id = :id", NOT_ALLOWED),
    "an older line": (
        "INSERT INTO audit_logs (at, actor, action, resource_type, resource_id)"
        " VALUES ('2020-01-01', 'x', 'import_started', 'batch', :id)",
        NOT_ALLOWED,
    ),
    "a table in front": ("CREATE TEMP TABLE users (id bigint)", NOT_ALLOWED),
    "a function": ("CREATE FUNCTION public.theirs() RETURNS int LANGUAGE sql RETURN 1", NOT_ALLOWED),
    "no guards": ("ALTER TABLE ingestion_batches DISABLE TRIGGER ALL", NOT_ALLOWED),
}
"""What is tried, and the SQLSTATE of the refusal."""


def as_the_functions(target: Target) -> Any:
    """A connection with the login of the functions."""
    secret = target.system.client("secretsmanager").get_secret_value(SecretId=DATABASE_ENTRY)
    login = json.loads(secret["SecretString"])
    return pg8000.native.Connection(
        login["username"],
        host=login["host"],
        port=login["port"],
        database=login["dbname"],
        password=login["password"],
    )


def an_import(target: Target, db: Any) -> str:
    """The id of an import that has completed."""
    version = put(target, target.system.client("s3"), f"incoming/kintell_users/{uuid4()}.csv")
    batch_id = str(decided(target, version)["batchId"])
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if db.run("SELECT FROM ingestion_batches WHERE id = :id AND status = 'completed'", id=batch_id):
            return batch_id
        time.sleep(0.2)
    raise AssertionError(f"batch {batch_id} did not complete in {PATIENCE_SECONDS} s")


def rewritten_past(target: Target) -> Outcome:
    """Each of `REWRITES`, of an import that has completed."""
    db = as_the_functions(target)
    try:
        batch_id = an_import(target, db)
        said = {name: rewritten(db, statement, batch_id) for name, (statement, _) in REWRITES.items()}
    finally:
        db.close()
    got_through = [name for name, (_, state) in REWRITES.items() if said[name] != state]
    text = ", ".join(f"{name} {said[name]}" for name in got_through) or f"{len(REWRITES)} statements refused"
    return Outcome(text, not got_through)


def rewritten(db: Any, statement: str, batch_id: str) -> str:
    """The SQLSTATE of the refusal, or that there was none."""
    db.run("BEGIN")
    try:
        db.run(statement, **({"id": batch_id} if ":id" in statement else {}))
    except pg8000.native.DatabaseError as refusal:
        return str(refusal.args[0]["C"])
    finally:
        db.run("ROLLBACK")
    return "got through"


ATTACKS = (Attack("the past rewritten with the functions' login to the database", rewritten_past),)
