"""Sessions and people: unique where they must be, their content within the rules."""

from typing import Any

import pytest

from ingestion.csv_file.text_scan import MOST_ROWS
from ingestion.database.connection import Connection
from tests.db.world import (
    CHECK,
    FOREIGN_KEY,
    LANGUAGE,
    UNIQUE,
    add_batch,
    add_session,
    add_user,
    insert,
    refused,
    session_id,
)


def test_a_session_id_is_unique_in_its_programme_only(db: Connection) -> None:
    add_session(db, external_session_id="1")
    with refused(db, UNIQUE, "one_session_per_id"):
        add_session(db, external_session_id="1")
    add_session(db, external_session_id="1", program_type=LANGUAGE)


def test_a_row_of_a_batch_gives_one_session(db: Connection) -> None:
    batch_id = add_batch(db)
    first_id = db.run("SELECT first_session_id(:id)", id=batch_id)[0][0]
    add_session(db, batch_id=batch_id, row_number=1, id=first_id + 1)
    with refused(db, UNIQUE, "kintell_sessions_pkey"):
        add_session(db, batch_id=batch_id, row_number=1, id=first_id + 1)
    updated, another = (session_id(db, add_batch(db), 1) for _ in range(2))
    add_session(db, id=updated, batch_id=batch_id, row_number=2, version=2)
    with refused(db, UNIQUE, "one_session_per_later_row"):
        add_session(db, id=another, batch_id=batch_id, row_number=2, version=2)


@pytest.mark.parametrize("column", ["id", "row_number", "batch_id"])
def test_a_session_in_its_first_version_has_the_id_of_its_row(db: Connection, column: str) -> None:
    batch_id = add_batch(db)
    first_id = db.run("SELECT first_session_id(:id)", id=batch_id)[0][0]
    given: dict[str, Any] = {"batch_id": batch_id, "row_number": 7, "id": first_id + 7}
    inserted = add_session(db, **given)
    other: dict[str, Any] = {"id": first_id + 8, "row_number": 8, "batch_id": add_batch(db)}
    with refused(db, FOREIGN_KEY):
        add_session(db, **{**given, "id": first_id + 9, "row_number": 9, column: other[column]})
    with refused(db, FOREIGN_KEY):
        db.run(f"UPDATE kintell_sessions SET {column} = :other WHERE id = :id", other=other[column], id=inserted)


def test_the_ids_of_batches_do_not_meet(db: Connection) -> None:
    one, two = add_batch(db), add_batch(db)
    found = db.run(
        """
        SELECT first_session_id(id), last_session_id(id) FROM ingestion_batches
         WHERE id IN (:one, :two) ORDER BY number
        """,
        one=one,
        two=two,
    )
    (first, last), (next_first, next_last) = found
    assert first < last < next_first < next_last < 2**53
    assert last - first == MOST_ROWS


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


def test_a_new_column_leaves_the_sessions_of_a_person_as_they_were(db: Connection) -> None:
    ann = add_user(db)
    session = add_session(db, batch_id=add_batch(db), participant_id=ann)
    db.run("ALTER TABLE kintell_sessions ADD COLUMN mood text")
    assert db.run("SELECT id FROM sessions_of_person(:id)", id=ann) == [[session]]


def test_the_sessions_of_a_person_are_those_that_name_them(db: Connection) -> None:
    batch_id, other_batch = add_batch(db), add_batch(db)
    first_id = db.run("SELECT first_session_id(:id)", id=batch_id)[0][0]
    ann, bo = add_user(db), add_user(db)
    far = {"row_number": 900_000, "id": first_id + 900_000}
    named = [
        add_session(db, batch_id=batch_id, row_number=1, id=first_id + 1, participant_id=ann, volunteer_id=bo),
        add_session(db, batch_id=batch_id, participant_id=bo, volunteer_id=ann, **far),
        add_session(db, batch_id=other_batch, participant_id=ann),
    ]
    add_session(db, batch_id=batch_id, row_number=2, id=first_id + 2, participant_id=bo)

    def sessions_of(person: int) -> list[int]:
        return [row[0] for row in db.run("SELECT id FROM sessions_of_person(:id) ORDER BY id", id=person)]

    assert sessions_of(ann) == sorted(named)
    assert len(sessions_of(bo)) == 3
    db.run("UPDATE kintell_sessions SET participant_id = :bo WHERE id = :id", bo=bo, id=named[2])
    assert (sessions_of(ann), len(sessions_of(bo))) == (named[:2], 4)
    db.run("DELETE FROM kintell_sessions WHERE id <> :id", id=first_id + 2)
    assert (sessions_of(ann), sessions_of(bo)) == ([], [first_id + 2])
    db.run("DELETE FROM users WHERE id = :id", id=ann)
    with refused(db, FOREIGN_KEY):
        db.run("DELETE FROM users WHERE id = :id", id=bo)
