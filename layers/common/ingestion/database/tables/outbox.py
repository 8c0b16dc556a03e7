"""outbox: imports to start and events to send, which functions inside the network can't do themselves.

A message is written in the transaction of the fact that it reports, so that none is lost and none is invented. It
stays until Dispatch has sent it, and may be sent twice.
"""

from collections.abc import Sequence
from uuid import UUID

from ingestion.contracts import EventToSend, ImportToStart, Message, VerificationToRun
from ingestion.database.connection import Connection, rows
from ingestion.database.side_by_side import CHUNKS_AT_ONCE

IN_TRANSIT_SECONDS = 60
"""How long whoever claimed a message has to send it before it is due again."""
AT_ONCE = 50


def add(
    db: Connection, about: UUID, body: ImportToStart | EventToSend | VerificationToRun, *, in_transit: bool = False
) -> None:
    """Write a message about an upload or a batch; *in_transit*, if the answer of this invocation carries it out.

    Whoever starts an import writes it here, so this is where an import learns what the database takes side by side.
    """
    # Only an import has an input; to other messages nothing is added.
    db.run(
        f"""
        INSERT INTO outbox (about, message, due_at)
        VALUES (:about, jsonb_set(CAST(:message AS jsonb), '{{input,chunksAtOnce}}', to_jsonb({CHUNKS_AT_ONCE})),
                now() + make_interval(secs => :seconds))
        """,
        about=about,
        message=body.model_dump_json(by_alias=True),
        seconds=IN_TRANSIT_SECONDS if in_transit else 0,
    )


def find_about(db: Connection, about: Sequence[UUID]) -> list[Message]:
    """The messages about these uploads or batches that were not sent yet, due or not."""
    sql = "SELECT id, message AS body FROM outbox WHERE about = ANY (CAST(:about AS uuid[])) ORDER BY id"
    return [Message.model_validate(row) for row in rows(db, sql, about=list(about))]


def claim(db: Connection) -> list[Message]:
    """Some of the messages that are due, the longest due first; nobody else gets them for a while."""
    found = rows(
        db,
        """
        UPDATE outbox SET due_at = now() + make_interval(secs => :seconds)
         WHERE id IN (SELECT id FROM outbox WHERE due_at <= now() ORDER BY due_at, id LIMIT :at_once
                         FOR UPDATE SKIP LOCKED)
     RETURNING id, message AS body
        """,
        seconds=IN_TRANSIT_SECONDS,
        at_once=AT_ONCE,
    )
    return sorted((Message.model_validate(row) for row in found), key=lambda message: message.id)


def remove(db: Connection, ids: Sequence[int]) -> None:
    """Forget messages that were sent."""
    db.run("DELETE FROM outbox WHERE id = ANY (CAST(:ids AS bigint[]))", ids=list(ids))
