"""audit_logs: added to, never changed, not even by their owner."""

from typing import get_args

import pytest

from ingestion.database.connection import Connection
from ingestion.database.tables import audit
from ingestion.sign_in.actors import Actor, ActorKind
from tests.db.world import CHECK, NOT_NULL, add_batch, add_upload, insert, refused

INSUFFICIENT_PRIVILEGE = "42501"
OPERATOR = Actor(kind=ActorKind.PERSON, name="operator@example.org", issuer="https://id.example.org", subject="6b0e")


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
    audit.write(db, actor=OPERATOR, action="import_started", batch_id=add_batch(db))
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


@pytest.mark.parametrize(
    ("actor", "stored"),
    [
        pytest.param(OPERATOR, ["operator@example.org", "person", OPERATOR.issuer, "6b0e"], id="a person"),
        pytest.param(Actor.of_principal("AWS:x"), ["AWS:x", "aws", None, None], id="an AWS principal"),
        pytest.param(audit.SERVICE, ["kintell-ingest", "system", None, None], id="the system"),
    ],
)
def test_a_line_says_who_it_was_and_of_what_kind(db: Connection, actor: Actor, stored: list[str | None]) -> None:
    audit.write(db, actor=actor, action="import_started", batch_id=add_batch(db))
    assert db.run("SELECT actor, actor_kind, actor_issuer, actor_subject FROM audit_logs") == [stored]


@pytest.mark.parametrize(
    "columns",
    [
        pytest.param({"actor": "x", "actor_kind": "somebody"}, id="no such kind"),
        pytest.param({"actor": "x", "actor_kind": "person"}, id="a person without a subject"),
        pytest.param({"actor": "x", "actor_kind": "program"}, id="a program without one"),
        pytest.param({"actor": "x", "actor_kind": "system"}, id="the system by another name"),
        pytest.param({"actor": "kintell-ingest", "actor_kind": "system", "actor_subject": "x"}, id="… or as somebody"),
    ],
)
def test_kind_and_name_go_together(db: Connection, columns: dict[str, str]) -> None:
    with refused(db, CHECK):
        insert(db, "audit_logs", action="import_started", resource_type="batch", resource_id=add_batch(db), **columns)
