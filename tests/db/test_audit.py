"""audit_logs: added to, never changed, not even by their owner."""

from typing import get_args

import pytest

from ingestion.db import Connection
from ingestion.tables import audit
from tests.db.world import CHECK, NOT_NULL, add_batch, add_upload, insert, refused

INSUFFICIENT_PRIVILEGE = "42501"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_logs SET actor = 'nobody'",
        "DELETE FROM audit_logs",
        "DELETE FROM audit_logs WHERE false",
        "TRUNCATE audit_logs",
        "INSERT INTO audit_logs (id, actor, action, resource_type, resource_id) OVERRIDING SYSTEM VALUE"
        " SELECT id, actor, action, resource_type, resource_id FROM audit_logs"
        " ON CONFLICT (id) DO UPDATE SET actor = 'nobody'",
    ],
)
def test_the_trail_is_not_changed(db: Connection, statement: str) -> None:
    audit.write(db, actor="operator@example.org", action="import_started", batch_id=add_batch(db))
    with refused(db, INSUFFICIENT_PRIVILEGE):
        db.run(statement)
    assert db.run("SELECT actor FROM audit_logs") == [["operator@example.org"]]


def test_a_line_is_about_an_upload_or_a_batch(db: Connection) -> None:
    upload_id, batch_id = add_upload(db), add_batch(db)
    audit.write(db, actor=audit.SERVICE, action="upload_received", upload_id=upload_id, details={"key": "å"})
    audit.write(db, actor=audit.SERVICE, action="import_started", batch_id=batch_id)
    assert db.run("SELECT resource_type, resource_id, batch_id, details FROM audit_logs ORDER BY id") == [
        ["upload", upload_id, None, {"key": "å"}],
        ["batch", batch_id, batch_id, {}],
    ]
    with refused(db, NOT_NULL):
        audit.write(db, actor=audit.SERVICE, action="import_started")


def test_the_table_takes_the_actions_that_the_code_knows_and_no_other(db: Connection) -> None:
    upload_id = add_upload(db)
    for action in get_args(audit.Action):
        audit.write(db, actor=audit.SERVICE, action=action, upload_id=upload_id)
    with refused(db, CHECK):
        insert(db, "audit_logs", actor="x", action="looked_at", resource_type="upload", resource_id=upload_id)
