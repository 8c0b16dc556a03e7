"""The outbox: a message is there if its fact is, stays until it is sent, and is claimed by one at a time."""

from collections.abc import Callable
from uuid import UUID, uuid4

import pytest

from ingestion.contracts import Event, EventToSend, ImportInput, ImportToStart
from ingestion.database.connection import Connection, transaction
from ingestion.database.side_by_side import CHUNKS_AT_ONCE
from ingestion.database.tables import outbox

BATCH = UUID(int=7)
EVENT = EventToSend(event=Event.IMPORT_FAILED, detail={"batchId": str(BATCH), "failure": "import_broke"})
START = ImportToStart(name=str(BATCH), input=ImportInput(batch_id=BATCH, chunks=2, manifest_key="work/m.json"))


@pytest.fixture(autouse=True)
def takes_one_chunk_at_once(db: Connection) -> None:
    """So that a message comes out as START says it."""
    db.run("ALTER ROLE CURRENT_USER CONNECTION LIMIT 20")


@pytest.mark.parametrize("body", [EVENT, START], ids=["an event", "an import"])
def test_a_message_comes_out_as_it_went_in(db: Connection, body: EventToSend | ImportToStart) -> None:
    outbox.add(db, BATCH, body)
    assert [message.body for message in outbox.claim(db)] == [body]


def test_an_import_learns_what_the_database_takes_side_by_side(db: Connection) -> None:
    db.run("ALTER ROLE CURRENT_USER CONNECTION LIMIT 40")
    outbox.add(db, BATCH, START)
    (message,) = outbox.claim(db)
    assert isinstance(message.body, ImportToStart)
    assert isinstance(message.body.input, ImportInput)
    assert [[message.body.input.chunks_at_once]] == db.run(f"SELECT {CHUNKS_AT_ONCE}") == [[2]]


def test_what_was_rolled_back_was_never_said(db: Connection) -> None:
    db.run("SAVEPOINT before")
    outbox.add(db, BATCH, EVENT)
    db.run("ROLLBACK TO before")
    assert outbox.claim(db) == []


def test_a_message_is_due_again_if_nobody_says_that_it_was_sent(db: Connection) -> None:
    outbox.add(db, BATCH, EVENT)
    assert len(outbox.claim(db)) == 1
    assert outbox.claim(db) == [], "it is on its way"
    db.run("UPDATE outbox SET due_at = due_at - interval '2 minutes'")
    (again,) = outbox.claim(db)
    outbox.remove(db, [again.id])
    db.run("UPDATE outbox SET due_at = due_at - interval '2 minutes'")
    assert outbox.claim(db) == []


def test_a_message_that_an_answer_carries_is_not_due_at_once(db: Connection) -> None:
    outbox.add(db, BATCH, START, in_transit=True)
    assert outbox.claim(db) == []
    assert [message.body for message in outbox.find_about(db, [BATCH, uuid4()])] == [START]
    assert outbox.find_about(db, [uuid4()]) == []


def test_nobody_waits_for_a_message_that_cannot_be_sent(db: Connection) -> None:
    """Those that fail again and again come behind the others."""
    for _ in range(outbox.AT_ONCE):
        outbox.add(db, BATCH, EVENT)
    stubborn = {message.id for message in outbox.claim(db)}
    db.run("UPDATE outbox SET due_at = now() - interval '1 second'")
    outbox.add(db, BATCH, START)
    db.run("UPDATE outbox SET due_at = now() - interval '5 seconds' WHERE id <> ALL (:ids)", ids=list(stubborn))
    assert START in [message.body for message in outbox.claim(db)]


def test_two_at_once_claim_different_messages(new_connection: Callable[[], Connection]) -> None:
    one, other = new_connection(), new_connection()
    for _ in range(outbox.AT_ONCE + 3):
        outbox.add(one, BATCH, EVENT)
    with transaction(one), transaction(other):
        first, second = ({message.id for message in outbox.claim(db)} for db in (one, other))
    assert (len(first), len(second), first & second) == (outbox.AT_ONCE, 3, set())
