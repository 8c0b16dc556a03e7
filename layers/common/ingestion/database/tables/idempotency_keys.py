"""idempotency_keys: requests that their callers may repeat, and how they were answered, for 24 hours."""

from typing import NamedTuple

from ingestion.database.connection import Connection, rows

KEPT_HOURS = 24
ABANDONED_SECONDS = 60
"""A request that is not answered by then never will be: twice the time that API Gateway waits for a function."""


class Request(NamedTuple):
    """One request, as it is told apart from others. `caller` and `body_hash` are SHA-256, in hexadecimal."""

    caller: str
    route: str
    key: str
    body_hash: str


class Earlier(NamedTuple):
    """The request that has used the key before; without an answer it is still being answered."""

    body_hash: str
    status: int | None
    answer: str | None


def claim(db: Connection, request: Request) -> Earlier | None:
    """Take the key for this request: None if it was free, expired or abandoned, otherwise the request that has it."""
    taken = db.run(
        """
        INSERT INTO idempotency_keys AS k (caller, route, key, body_hash)
        VALUES (:caller, :route, :key, :body_hash)
            ON CONFLICT (caller, route, key) DO UPDATE
           SET body_hash = excluded.body_hash, claimed_at = now(), status = NULL, answer = NULL
         WHERE k.claimed_at < now() - make_interval(hours => :hours)
            OR k.status IS NULL AND k.body_hash = excluded.body_hash
           AND k.claimed_at < now() - make_interval(secs => :abandoned)
     RETURNING true
        """,
        **request._asdict(),
        hours=KEPT_HOURS,
        abandoned=ABANDONED_SECONDS,
    )
    if taken:
        return None
    found = rows(
        db,
        """
        SELECT body_hash, status, answer FROM idempotency_keys
         WHERE caller = :caller AND route = :route AND key = :key
        """,
        caller=request.caller,
        route=request.route,
        key=request.key,
    )
    # It may have been released between the two statements: then its caller may try again.
    return Earlier(**found[0]) if found else Earlier(request.body_hash, None, None)


def answered(db: Connection, request: Request, status: int, answer: str) -> None:
    """Keep the answer for whoever repeats the request."""
    db.run(
        """
        UPDATE idempotency_keys SET status = :status, answer = :answer
         WHERE caller = :caller AND route = :route AND key = :key AND body_hash = :body_hash
        """,
        **request._asdict(),
        status=status,
        answer=answer,
    )


def release(db: Connection, request: Request) -> None:
    """Give the key back, of a request that could not be answered."""
    db.run(
        """
        DELETE FROM idempotency_keys
         WHERE caller = :caller AND route = :route AND key = :key AND status IS NULL
        """,
        caller=request.caller,
        route=request.route,
        key=request.key,
    )


def forget_expired(db: Connection) -> int:
    """Forget the requests that nobody may repeat any more; how many they were."""
    gone = db.run(
        "DELETE FROM idempotency_keys WHERE claimed_at < now() - make_interval(hours => :hours) RETURNING 1",
        hours=KEPT_HOURS,
    )
    return len(gone)
