"""revoked_cookies: what was signed out of stays so for as long as it could be shown."""

import time
from uuid import uuid4

from ingestion.database.connection import Connection
from ingestion.database.tables import revoked_cookies


def test_a_session_cookie_is_revoked_once_it_is_and_no_other(db: Connection) -> None:
    mine, theirs = uuid4(), uuid4()
    assert not revoked_cookies.is_revoked(db, mine)
    for _ in range(2):
        revoked_cookies.revoke(db, mine, int(time.time()) + 60)
    assert revoked_cookies.is_revoked(db, mine)
    assert not revoked_cookies.is_revoked(db, theirs)


def test_it_is_forgotten_when_it_could_not_be_shown_any_more(db: Connection) -> None:
    over, alive = uuid4(), uuid4()
    revoked_cookies.revoke(db, over, int(time.time()) - 2 * 24 * 60 * 60)
    revoked_cookies.revoke(db, alive, int(time.time()) - 60)
    assert revoked_cookies.forget_expired(db) == 1
    assert revoked_cookies.is_revoked(db, alive)
    assert revoked_cookies.forget_expired(db) == 0
