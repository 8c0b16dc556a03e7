"""Every question that is asked of a large table has an index that serves it: none is read from end to end."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest

from ingestion.database.connection import Connection, connect
from ingestion.database.publishing import merge_sql, undo_plan, undo_sql
from ingestion.database.publishing.targets import SESSIONS
from ingestion.database.queries import batch_record, health, instance_overview, lineage, lists
from ingestion.database.queries.lists import BatchFilter, NewestFirst
from ingestion.database.tables import expiry, new_batches, old_uploads
from ingestion.records import SESSION
from local.postgres import Database
from tests.conftest import secret_of
from tests.db.world import LANGUAGE, MENTORS

LARGE = {"kintell_sessions", "kintell_session_versions", "uploads", "ingestion_batches", "audit_logs"}

SEED = """
    INSERT INTO program_instances (program_type, slug, name)
    SELECT :program_type, 'run-' || n, 'Run ' || n FROM generate_series(1, 40) n;

    INSERT INTO users (email, role)
    SELECT 'person' || n || '@example.org', CASE WHEN n % 4 = 0 THEN 'volunteer' ELSE 'participant' END
      FROM generate_series(1, 4000) n;

    INSERT INTO uploads (state, bucket, key, version_id, file_name, refusal_code, created_at)
    SELECT CASE WHEN n % 10 = 0 THEN 'refused' WHEN n % 999 = 1 THEN 'waiting' ELSE 'accepted' END,
           'uploads', 'incoming/' || n, 'v' || n, n || '.csv',
           CASE WHEN n % 10 = 0 THEN 'not_csv' END, timestamptz '2024-01-01' + n * interval '10 minutes'
      FROM generate_series(1, 20000) n;

    INSERT INTO ingestion_batches (upload_id, program_type, program_instance_id, parent_batch_id, file_name, file_hash,
           file_size_bytes, status, format, csv_metadata, total_rows, inserted_rows, failure_reason, error_file_key,
           created_at, completed_at)
    SELECT u.id, :program_type, i.id, NULL, u.file_name, encode(sha256(u.key::bytea), 'hex'), 1,
           CASE WHEN i.id % 20 = 0 THEN 'failed' ELSE 'completed' END, '{}', '{}', 2, 2,
           CASE WHEN i.id % 20 = 0 THEN 'x' END, CASE WHEN i.id % 10 = 0 THEN 'errors/' || u.key END,
           u.created_at, u.created_at + interval '1 minute'
      FROM (SELECT *, row_number() OVER (ORDER BY created_at) AS n FROM uploads WHERE state = 'accepted') u
      JOIN program_instances i ON i.slug = 'run-' || (u.n % 40 + 1);

    UPDATE ingestion_batches b SET parent_batch_id = p.id
      FROM (SELECT id, row_number() OVER (ORDER BY created_at) AS n FROM ingestion_batches) b2
      JOIN (SELECT id, row_number() OVER (ORDER BY created_at) AS n FROM ingestion_batches) p ON p.n = b2.n - 1
     WHERE b.id = b2.id AND b2.n % 20 = 0;

    CREATE TEMPORARY VIEW numbered AS
    SELECT id, program_instance_id, row_number() OVER (ORDER BY created_at) AS k FROM ingestion_batches;

    INSERT INTO kintell_sessions (id, participant_id, volunteer_id, scheduled_at, batch_id, row_number, line, version,
           program_instance_id, program_type, external_session_id)
    SELECT first_session_id(o.id) + n, n % 3000 + 1, n % 1000 + 1,
           timestamptz '2024-01-01' + n * interval '1 minute', b.id, n, n + 1, CASE WHEN b.id = o.id THEN 1 ELSE 2 END,
           b.program_instance_id, :program_type, 'S-' || n
      FROM generate_series(1, 40000) n
      JOIN numbered b ON b.k = n % 400 + 1
      JOIN numbered o ON o.k = n % 400 + 1 + CASE WHEN n % 3 = 0 THEN 0 ELSE 400 END;

    INSERT INTO kintell_session_versions (session_id, version, program_instance_id, scheduled_at, batch_id, row_number,
           line, replaced_by_batch, replaced_by_row)
    SELECT s.id, 1, s.program_instance_id, s.scheduled_at, b.id, s.row_number, s.line, s.batch_id, s.row_number
      FROM kintell_sessions s
      JOIN ingestion_batches b ON b.number = s.id >> 30
     WHERE s.version = 2;

    INSERT INTO audit_logs (actor, action, resource_type, resource_id, batch_id)
    SELECT 'kintell-ingest', action, 'batch', b.id, b.id
      FROM ingestion_batches b, unnest(ARRAY['import_started', 'import_completed']) action;

    INSERT INTO audit_logs (actor, action, resource_type, resource_id)
    SELECT 'operator', 'upload_received', 'upload', id FROM uploads
"""


@dataclass(frozen=True)
class Asked:
    """What a question may be about: one of each, out of the middle."""

    batch_id: UUID
    upload_id: UUID
    file_hash: str
    slug: str
    session_id: int
    person_id: int
    at: Any


class Planned:
    """A connection that remembers which tables the statements it ran would read from end to end."""

    def __init__(self, db: Connection) -> None:
        self._db = db
        self.read_whole: set[str] = set()
        self.found = 0

    @property
    def columns(self) -> Any:
        """The columns of the last result."""
        return self._db.columns

    def run(self, sql: str, **given: Any) -> list[list[Any]]:
        """Look at the plan, then run the statement."""
        plan = self._db.run(f"EXPLAIN (FORMAT JSON) {sql}", **given)[0][0][0]["Plan"]
        self.read_whole |= set(_read_whole(plan))
        result = self._db.run(sql, **given)
        self.found += len(result)
        return result


def _read_whole(node: dict[str, Any]) -> Iterator[str]:
    if node["Node Type"] == "Seq Scan":
        yield node["Relation Name"]
    for inner in node.get("Plans", []):
        yield from _read_whole(inner)


@pytest.fixture(scope="module")
def seeded(module_database: Database) -> Iterator[Connection]:
    """A database of some ten thousands of rows, analysed."""
    db = connect(secret_of(module_database))
    for statement in SEED.split(";\n\n"):
        db.run(statement, **({"program_type": MENTORS} if ":program_type" in statement else {}))
    db.run("ANALYZE")
    yield db
    db.close()


@pytest.fixture(scope="module")
def asked(seeded: Connection) -> Asked:
    """One of each, with sessions, versions, a parent and an audit trail."""
    found = seeded.run(
        """
        SELECT b.id, b.upload_id, b.file_hash, i.slug, s.id, s.participant_id, b.created_at
          FROM kintell_sessions s
          JOIN ingestion_batches b ON b.id = s.batch_id
          JOIN program_instances i ON i.id = b.program_instance_id
         WHERE b.parent_batch_id IS NOT NULL AND s.volunteer_id = s.participant_id AND s.version = 2
      ORDER BY s.id LIMIT 1
        """
    )
    return Asked(*found[0])


def sql(statement: str) -> Callable[[Any, Asked], object]:
    """A question that no function asks, or that another person's function does."""

    def ask(db: Any, asked: Asked) -> object:
        given = {name: getattr(asked, name) for name in Asked.__annotations__ if f":{name}" in statement}
        return db.run(statement, **given)

    return ask


def days_since(day: str) -> int:
    """Days until now: what ended before *day* is due, which is not much of what was seeded."""
    return (datetime.now(UTC).date() - date.fromisoformat(day)).days


QUESTIONS: list[Any] = [
    pytest.param(lambda db, a: lineage.sessions_of_batch(db, a.batch_id, 50, None), id="the sessions of a batch"),
    pytest.param(lambda db, a: lineage.sessions_of_batch(db, a.batch_id, 50, 300), id="the next page of them"),
    pytest.param(lambda db, a: lineage.find_record(db, MENTORS, "S-20000"), id="a session by its external id"),
    pytest.param(lambda db, a: lineage.versions_of_record(db, SESSION, a.session_id, 50, None), id="versions of one"),
    pytest.param(lambda db, a: lineage.versions_of_record(db, SESSION, a.session_id, 50, 2), id="older versions of it"),
    pytest.param(
        sql(
            """
            SELECT * FROM sessions_of_person(:person_id)
            """
        ),
        id="a person's sessions",
    ),
    pytest.param(
        sql(
            """
            SELECT * FROM sessions_of_person(:person_id) WHERE volunteer_id = :person_id
            """
        ),
        id="a volunteer's sessions",
    ),
    pytest.param(
        sql(
            """
            SELECT DISTINCT b.id, b.file_name
              FROM sessions_of_person(:person_id) s
              JOIN ingestion_batches b ON b.id = s.batch_id
            """
        ),
        id="the batches and files that hold a person",
    ),
    pytest.param(
        sql(
            """
            SELECT v.* FROM kintell_session_versions v
             WHERE v.session_id BETWEEN CAST(:session_id AS bigint) AND CAST(:session_id AS bigint) + 1000
            """
        ),
        id="the earlier versions of what a batch inserted",
    ),
    pytest.param(
        sql("SELECT * FROM kintell_session_versions WHERE replaced_by_batch = :batch_id"), id="those that it replaced"
    ),
    pytest.param(
        sql(
            """
            SELECT b.* FROM ingestion_batches b
             WHERE b.program_instance_id = (SELECT id FROM program_instances WHERE slug = :slug)
            """
        ),
        id="all batches of an instance",
    ),
    pytest.param(
        lambda db, a: lists.batches(db, NewestFirst(50), BatchFilter(slug=a.slug)), id="an instance's newest batches"
    ),
    pytest.param(lambda db, a: lists.batches(db, NewestFirst(50), BatchFilter()), id="the newest batches"),
    pytest.param(
        lambda db, a: lists.batches(db, NewestFirst(50, a.at, a.batch_id), BatchFilter(program_type=MENTORS)),
        id="a programme's batches, a later page",
    ),
    pytest.param(
        lambda db, a: lists.batches(db, NewestFirst(50), BatchFilter(status="failed")), id="the batches of a status"
    ),
    pytest.param(lambda db, a: new_batches.find_live(db, a.file_hash, MENTORS), id="the batch of a hash"),
    pytest.param(lambda db, a: batch_record.find(db, a.batch_id), id="a batch"),
    pytest.param(lambda db, a: batch_record.relatives(db, a.batch_id), id="its parent and its children"),
    pytest.param(lambda db, a: new_batches.find_of_upload(db, a.upload_id), id="the batch of an upload"),
    pytest.param(lambda db, a: batch_record.standing(db, a.batch_id, SESSIONS), id="what still stands of a batch"),
    pytest.param(lambda db, a: lists.uploads(db, NewestFirst(50), None), id="the newest uploads"),
    pytest.param(lambda db, a: lists.uploads(db, NewestFirst(50), "refused"), id="the newest uploads of a state"),
    pytest.param(lambda db, a: lists.uploads(db, NewestFirst(50), "waiting"), id="the few uploads of a rare state"),
    pytest.param(lambda db, a: lists.audit_trail(db, a.batch_id, 50, None), id="the audit trail of a batch"),
    pytest.param(sql("SELECT * FROM audit_logs WHERE resource_id = :batch_id ORDER BY id"), id="that of a resource"),
    pytest.param(lambda db, a: expiry.expired_error_files(db, 300), id="error files that are due"),
    pytest.param(lambda db, a: expiry.old_batches(db, 365), id="batches to be archived"),
    pytest.param(
        lambda db, a: old_uploads.failed(db, days_since("2024-01-10")), id="files of failed batches that are due"
    ),
    pytest.param(lambda db, a: old_uploads.lock_batch(db, a.batch_id), id="whether a correction needs a batch"),
    pytest.param(lambda db, a: health.claim_for_check(db, 60), id="batches whose counts are to be looked at"),
    pytest.param(lambda db, a: merge_sql.published(db, a.batch_id, SESSIONS), id="the rows that a batch published"),
    pytest.param(lambda db, a: health.with_finding(db), id="the batches that something is wrong with"),
    pytest.param(lambda db, a: undo_plan.plan(db, a.batch_id, SESSIONS), id="what an undo would do"),
    pytest.param(lambda db, a: undo_sql.last_row(db, a.batch_id, SESSIONS), id="the last row that can be undone"),
    pytest.param(
        lambda db, a: [undo_plan.kept(db, a.batch_id, SESSIONS, limit=50), db.run("SELECT 1")],
        id="what an undo would keep",
    ),
    pytest.param(
        lambda db, a: instance_overview.kept_of_undone(db, SESSION, 1),
        id="what was kept of an instance's undone batches",
    ),
]


@pytest.mark.parametrize("ask", QUESTIONS)
def test_no_large_table_is_read_from_end_to_end(
    seeded: Connection, asked: Asked, ask: Callable[[Any, Asked], object]
) -> None:
    planned = Planned(seeded)
    ask(planned, asked)
    assert planned.found, "a question without an answer proves nothing"
    assert not planned.read_whole & LARGE


def test_a_scan_would_be_noticed(seeded: Connection) -> None:
    planned = Planned(seeded)
    planned.run("SELECT * FROM kintell_sessions WHERE line = :line", line=5)
    assert planned.read_whole == {"kintell_sessions"}
    assert not lineage.find_record(seeded, LANGUAGE, "S-1")
