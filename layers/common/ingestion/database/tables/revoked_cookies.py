"""revoked_cookies: session cookies of browsers that have signed out, until they would have expired anyway."""

from uuid import UUID

from ingestion.database.connection import Connection


def revoke(db: Connection, cookie_id: UUID, expires_at: int) -> None:
    """Revoke a session cookie; *expires_at* is in seconds since 1970."""
    db.run(
        """
        INSERT INTO revoked_cookies (id, expires_at) VALUES (:id, to_timestamp(:expires_at))
            ON CONFLICT (id) DO NOTHING
        """,
        id=cookie_id,
        expires_at=expires_at,
    )


def is_revoked(db: Connection, cookie_id: UUID) -> bool:
    """Whether the cookie's holder has signed out."""
    return bool(db.run("SELECT FROM revoked_cookies WHERE id = :id", id=cookie_id))


def forget_expired(db: Connection) -> int:
    """Delete expired ones and return how many, a day late so that differing clocks don't matter."""
    gone = db.run("DELETE FROM revoked_cookies WHERE expires_at < now() - interval '1 day' RETURNING id")
    return len(gone)
