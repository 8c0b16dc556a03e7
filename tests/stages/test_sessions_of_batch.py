"""The sessions of a batch are found by its rows, whatever later files and later rows made of them."""

from collections.abc import Sequence
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestion.database.connection import Connection
from ingestion.database.publishing import merge_sql
from ingestion.database.publishing.targets import SESSIONS
from ingestion.database.queries import batch_record, lineage
from tests.stages.conftest import Pipeline

KEY = "incoming/mentors_ukraine/mentors-ukraine-2024-q4/sessions.csv"
HEADER = "session_id,participant_email,mentor_email,scheduled_at,feedback_text\n"

FILES = st.lists(
    st.lists(st.tuples(st.integers(1, 5), st.sampled_from(["", "a", "b", "c"])), min_size=1, max_size=8),
    min_size=1,
    max_size=4,
)


def file_of(rows: Sequence[tuple[int, str]]) -> bytes:
    lines = [f"MS-{number},a@example.org,kari@acme.com,2024-11-05,{text}\n" for number, text in rows]
    return (HEADER + "".join(lines)).encode()


def by_reading_everything(db: Connection, batch_id: UUID) -> list[tuple[object, ...]]:
    """Row, session, version and content of all that the batch gave, from both tables."""
    found = db.run(
        """
        SELECT row_number, id, version, feedback_text FROM kintell_sessions WHERE batch_id = :id
         UNION ALL
        SELECT row_number, session_id, version, feedback_text FROM kintell_session_versions WHERE batch_id = :id
      ORDER BY 1
        """,
        id=batch_id,
    )
    return [tuple(row) for row in found]


def by_pages(db: Connection, batch_id: UUID, limit: int) -> list[tuple[object, ...]]:
    found: list[tuple[object, ...]] = []
    after = None
    while page := lineage.sessions_of_batch(db, batch_id, limit, after):
        found += [(row["row_number"], row["id"], row["version"], row["feedback_text"]) for row in page]
        after = page[-1]["row_number"]
    return found


def noted_people(db: Connection) -> list[tuple[int, UUID]]:
    return [tuple(row) for row in db.run("SELECT person_id, batch_id FROM batch_people")]


def people_of_batches(db: Connection) -> set[tuple[int, UUID]]:
    found = db.run(
        """
        SELECT unnest(ARRAY[participant_id, volunteer_id]), b.id
          FROM kintell_sessions s JOIN ingestion_batches b ON b.number = s.id >> 30
        """
    )
    return {tuple(row) for row in found}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=FILES, limit=st.integers(1, 4))
def test_no_session_of_a_batch_is_missed_or_listed_twice(
    pipeline: Pipeline, files: list[list[tuple[int, str]]], limit: int
) -> None:
    pipeline.know("a@example.org", "kari@acme.com")
    db = pipeline.db
    loaded = [pipeline.load(KEY, file_of(rows), force="true", force_reason="property")["id"] for rows in files]
    for batch_id in loaded:
        expected = by_reading_everything(db, batch_id)
        assert by_pages(db, batch_id, limit) == expected
        assert merge_sql.published(db, batch_id, SESSIONS) == len(expected)
        current = db.run("SELECT count(*) FROM kintell_sessions WHERE batch_id = :id", id=batch_id)[0][0]
        assert batch_record.standing(db, batch_id, SESSIONS) == current
    assert set(noted_people(db)) == people_of_batches(db)
    db.run("TRUNCATE kintell_sessions, kintell_session_versions, shards, chunks, ingestion_batches, uploads CASCADE")


def test_people_go_with_the_sessions_that_are_removed(pipeline: Pipeline) -> None:
    pipeline.know("a@example.org", "b@example.org", "kari@acme.com")
    pipeline.load(KEY, file_of([(1, "a"), (2, "b")]))
    before = noted_people(pipeline.db)
    second = pipeline.load(KEY, file_of([(1, "c"), (3, "a")]).replace(b"3,a@", b"3,b@"))
    assert len(noted_people(pipeline.db)) > len(before)
    merge_sql.remove_published(pipeline.db, second["id"], SESSIONS)
    assert sorted(noted_people(pipeline.db)) == sorted(before)
    assert set(before) == people_of_batches(pipeline.db)
