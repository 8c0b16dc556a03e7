"""How long the oldest import has been waiting, which an alarm looks at, and how long an import took."""

import pytest

from ingestion.database.connection import Connection
from ingestion.database.queries import health
from ingestion.database.tables import batch_states
from tests.db.world import add_batch

HOUR = 3600


def age(db: Connection, batch: object, column: str) -> None:
    db.run(f"UPDATE ingestion_batches SET {column} = now() - interval '2 hours' WHERE id = :id", id=batch)


@pytest.mark.parametrize(
    ("status", "column", "hours"),
    [
        pytest.param("completed", "created_at", 0, id="all have ended"),
        pytest.param("pending", "created_at", 2, id="one was never started"),
        pytest.param("running", "started_at", 2, id="one is running"),
    ],
)
def test_the_oldest_that_has_not_ended_counts(db: Connection, status: str, column: str, hours: int) -> None:
    age(db, add_batch(db, status), column)
    add_batch(db, "pending")
    assert health.oldest_unfinished_seconds(db) == pytest.approx(hours * HOUR, abs=60)


def test_a_batch_that_is_tried_again_has_waited_since_then(db: Connection) -> None:
    batch = add_batch(db, "failed")
    age(db, batch, "started_at")
    assert batch_states.start_over(db, batch, "again")
    assert health.oldest_unfinished_seconds(db) == pytest.approx(0, abs=60)


def test_an_import_took_from_its_start_to_its_end(db: Connection) -> None:
    batch = add_batch(db, "completed")
    age(db, batch, "started_at")
    db.run("UPDATE ingestion_batches SET completed_at = now() WHERE id = :id", id=batch)
    assert batch_states.seconds(db, batch) == pytest.approx(2 * HOUR, abs=60)
