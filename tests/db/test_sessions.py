"""Sessions and people: unique where they must be, their content within the rules."""

from typing import Any

import pytest

from ingestion.db import Connection
from tests.db.world import CHECK, LANGUAGE, UNIQUE, add_batch, add_session, add_user, insert, refused


def test_a_session_id_is_unique_in_its_programme_only(db: Connection) -> None:
    add_session(db, external_session_id="1")
    with refused(db, UNIQUE, "one_session_per_id"):
        add_session(db, external_session_id="1")
    add_session(db, external_session_id="1", program_type=LANGUAGE)


def test_a_row_of_a_batch_gives_one_session(db: Connection) -> None:
    batch_id = add_batch(db)
    add_session(db, batch_id=batch_id, row_number=1)
    with refused(db, UNIQUE, "one_session_per_row"):
        add_session(db, batch_id=batch_id, row_number=1)


@pytest.mark.parametrize(
    ("columns", "constraint"),
    [
        ({"external_session_id": ""}, "session_id_length"),
        ({"external_session_id": "x" * 256}, "session_id_length"),
        ({"completed_at": "2024-11-05T16:59:59Z"}, "completed_after_scheduled"),
        ({"duration_minutes": 0}, "duration_in_range"),
        ({"duration_minutes": 481}, "duration_in_range"),
        ({"rating": -0.01}, "rating_in_range"),
        ({"rating": 1.01}, "rating_in_range"),
        ({"language_level": "a1"}, "cefr_level"),
    ],
)
def test_content_that_breaks_a_rule_is_refused(db: Connection, columns: dict[str, Any], constraint: str) -> None:
    with refused(db, CHECK, constraint):
        add_session(db, **columns)


def test_people_are_unique_by_email(db: Connection) -> None:
    add_user(db)
    email = db.run("SELECT email FROM users")[0][0]
    with refused(db, UNIQUE):
        insert(db, "users", email=email, role="volunteer")
    with refused(db, CHECK):
        insert(db, "users", email="b@example.org", role="advisor")
