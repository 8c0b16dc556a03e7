"""Which batches are looked at, and when: a few in each run, each in its turn; and which of them do not get on."""

from typing import Any

import pytest

from ingestion.database.connection import Connection
from ingestion.database.queries import health
from ingestion.database.tables import batch_states, programmes
from tests.db.world import LANGUAGE, MENTORS, add_batch, insert


@pytest.fixture(autouse=True)
def alone(db: Connection) -> None:
    """No batch but the test's own."""
    assert not health.claim_for_check(db, 0)


def test_every_batch_that_has_ended_has_its_turn(db: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "AT_ONCE", 2)
    ended = {add_batch(db, status) for status in ("completed", "failed", "archived", "completed", "completed")}
    add_batch(db, "running")
    turns = [health.claim_for_check(db, 0) for _ in range(5)]
    assert [len(turn) for turn in turns] == [2] * 5
    assert {batch for turn in turns[:3] for batch in turn} == ended
    assert {batch for turn in turns[2:] for batch in turn} == ended


def test_no_more_rows_are_counted_in_a_run_than_it_has_time_for(
    db: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "ROWS_AT_ONCE", 25)
    for _ in range(5):
        add_batch(db, "completed")
    large = add_batch(db, "completed", total_rows=1000, inserted_rows=1000)
    turns = [health.claim_for_check(db, 0) for _ in range(6)]
    assert {len(turn) for turn in turns} <= {1, 2, 3}
    assert any(large in turn for turn in turns)


def test_a_batch_rests_between_two_looks(db: Connection) -> None:
    batch = add_batch(db, "completed")
    assert health.claim_for_check(db, 60) == [batch]
    assert health.claim_for_check(db, 60) == []
    db.run("UPDATE ingestion_batches SET checked_at = now() - interval '61 minutes'")
    assert health.claim_for_check(db, 60) == [batch]


def test_a_batch_with_a_finding_is_looked_at_in_every_run(db: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "AT_ONCE", 1)
    for _ in range(4):
        add_batch(db, "completed")
    unsound = add_batch(db, "completed")
    health.note_finding(db, unsound, "sessions_differ")
    assert all(unsound in health.claim_for_check(db, 0) for _ in range(4))
    assert health.with_finding(db) == 1
    health.note_finding(db, unsound, None)
    assert health.with_finding(db) == 0


def test_a_batch_that_was_started_over_is_not_looked_at(db: Connection) -> None:
    batch = add_batch(db, "failed", execution="one")
    assert health.claim_for_check(db, 0) == [batch]
    batch_states.start_over(db, batch, "two")
    assert health.lock_ended(db, batch) is None


def unfinished(db: Connection, hours: float, **columns: Any) -> Any:
    """A batch that was touched so many hours ago for the last time."""
    batch = add_batch(db, columns.pop("status", "running"), **columns)
    sql = "UPDATE ingestion_batches SET updated_at = now() - make_interval(mins => :minutes) WHERE id = :id"
    db.run(sql, minutes=int(hours * 60), id=batch)
    return batch


def test_a_batch_is_stuck_when_nothing_of_it_has_moved_for_an_hour(db: Connection) -> None:
    stuck = [unfinished(db, 3), unfinished(db, 2, status="pending")]
    unfinished(db, 0.5)
    staging, merging = unfinished(db, 2), unfinished(db, 2)
    chunk = {"number": 1, "span": "{}", "first_row": 1, "rows": 10, "state": "staged", "staged_rows": 10}
    insert(db, "chunks", batch_id=staging, staged_at="now", **chunk)
    insert(db, "shards", batch_id=merging, number=0, inserted_rows=10, updated_rows=0, merged_at="now")
    assert health.stuck(db, 60) == stuck


def test_a_batch_that_waits_for_its_programme_is_stuck_only_if_that_one_is(db: Connection) -> None:
    first, waiting = unfinished(db, 2), unfinished(db, 3)
    programmes.acquire(db, MENTORS, first)
    other = unfinished(db, 3, program_type=LANGUAGE)
    assert health.stuck(db, 60) == [other]
    db.run("UPDATE programmes SET merging_since = now() - interval '2 hours' WHERE program_type = :p", p=MENTORS)
    assert set(health.stuck(db, 60)) == {first, waiting, other}
