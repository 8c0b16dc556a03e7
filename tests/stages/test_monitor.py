"""The scheduled check: a sound system is silent, and every kind of damage to what batches came to is found."""

import json
from typing import Any
from uuid import uuid4

import pytest

import monitor.app
from ingestion.contracts import Event, EventToSend
from ingestion.database.connection import Connection
from ingestion.database.tables import outbox
from tests.stages.conftest import CONTEXT, Pipeline
from tests.stages.test_interruptions import Run, file_of

FOLDER = "incoming/mentors_ukraine/mentors-ukraine-2024-q4"
ROSTER = b"Email,Role when joined\noksana@example.org,learner\nkari@acme.com,mentor\nivan@example.org,learner\n"
GROWN = ROSTER.replace(b"joined\n", b"joined,Linkedin_URL\n").replace(b"learner\n", b"learner,https://example.org/x\n")


def unsound() -> float:
    """How many Monitor finds, an hour after it has looked before."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("monitor.recount.REST_MINUTES", 0)
        found: dict[str, float] = monitor.app.handler({}, CONTEXT)
    return found["unsoundBatches"]


@pytest.fixture
def lived(environment: pytest.MonkeyPatch, small_chunks: None, pipeline: Pipeline) -> Pipeline:
    """A system that has seen something of everything: people and sessions, inserted and updated; rejected rows; a dry
    run, an import that broke and one that was archived."""
    environment.setenv("ROWS_PER_SHARD", "4")
    pipeline.load("incoming/kintell_users/one.csv", ROSTER)
    pipeline.load("incoming/kintell_users/two.csv", GROWN.replace(b"mentor\n", b"mentor,\n"))
    archived = pipeline.load(f"{FOLDER}/archived.csv", file_of(1, 5))
    pipeline.db.run("UPDATE ingestion_batches SET status = 'archived' WHERE id = :id", id=archived["id"])
    pipeline.load(f"{FOLDER}/first.csv", file_of(4, 12, "first"))
    second = file_of(6, 20, "second") + file_of(7, 7, "again").split(b"\n", 1)[1]
    pipeline.load(f"{FOLDER}/second.csv", second + b"MS-8,ivan@example.org,kari@acme.com,2024-11-05,\nMS-9,,,,\n")
    pipeline.load(f"{FOLDER}/dry.csv", file_of(1, 30, "dry"), dry_run="true")
    broken = Run(pipeline, file_of(1, 25, "broken"))
    broken.stage()
    broken.merge(broken.reconcile()["shards"][0])
    broken.finalize(error="States.Timeout")
    return pipeline


def test_a_sound_system_is_silent(lived: Pipeline, caplog: pytest.LogCaptureFixture) -> None:
    caplog.clear()
    found = monitor.app.handler({}, CONTEXT)
    assert found == {"oldestRunningBatchSeconds": 0, "stuckBatches": 0, "unsoundBatches": 0, "differingBatches": 0}
    assert caplog.records == []
    assert lived.db.run("SELECT count(*) FROM ingestion_batches WHERE checked_at IS NULL") == [[0]]


OF_SECOND = "(SELECT id FROM ingestion_batches WHERE file_name = 'second.csv')"
OF_BROKEN = "(SELECT id FROM ingestion_batches WHERE status = 'failed')"
DAMAGES: list[Any] = [
    pytest.param("DELETE FROM kintell_sessions WHERE external_session_id = 'MS-20'", "sessions_differ", id="lost"),
    pytest.param(
        f"DELETE FROM kintell_session_versions WHERE batch_id = {OF_SECOND}", "sessions_differ", id="a version lost"
    ),
    pytest.param(
        f"UPDATE kintell_sessions SET batch_id = {OF_SECOND}, row_number = 999 WHERE external_session_id = 'MS-1'",
        "sessions_differ",
        id="of another batch",
    ),
    pytest.param(
        f"UPDATE kintell_sessions SET batch_id = {OF_BROKEN}, row_number = 999, version = 2 "
        "WHERE external_session_id = 'MS-20'",
        "still_published",
        id="rows of a failed batch",
    ),
    pytest.param(
        f"UPDATE chunks SET rows = rows + 1, rejected_rows = rejected_rows + 1 "
        f"WHERE number = 1 AND batch_id = {OF_SECOND}",
        "ledger_differs",
        id="ledger",
    ),
    pytest.param(
        f"DELETE FROM chunks WHERE number = 1 AND batch_id = {OF_SECOND}", "ledger_differs", id="a chunk lost"
    ),
    pytest.param(
        f"UPDATE ingestion_batches SET inserted_rows = inserted_rows - 1, skipped_rows = skipped_rows + 1 "
        f"WHERE id = {OF_SECOND}",
        "ledger_differs",
        id="the batch's own counts",
    ),
    pytest.param("DELETE FROM users WHERE email = 'ivan@example.org'", "sessions_differ", id="a person lost"),
]


@pytest.mark.parametrize(("damage", "finding"), DAMAGES)
def test_damage_is_found_and_said_until_it_is_mended(
    lived: Pipeline, damage: str, finding: str, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    assert unsound() == 0
    caplog.clear()
    lived.db.run("BEGIN")
    damage_only(lived.db, damage)
    lived.db.run("COMMIT")
    for _ in range(2):
        capsys.readouterr()
        found = unsound()
        assert f'"UnsoundBatches":[{float(found)}]' in capsys.readouterr().out
        assert lived.db.run("SELECT count(*) FROM ingestion_batches WHERE finding IS NOT NULL") == [[found]]
        assert [finding] in lived.db.run("SELECT finding FROM ingestion_batches")
    assert "the counts of a batch do not hold" in caplog.messages


def damage_only(db: Connection, damage: str) -> None:
    """Past whatever guards the tables."""
    db.run("SET LOCAL session_replication_role = replica")
    db.run(damage)


def test_a_finding_goes_once_the_damage_is_mended(lived: Pipeline) -> None:
    lived.db.run("CREATE TABLE kept AS SELECT * FROM kintell_session_versions")
    lived.db.run("DELETE FROM kintell_session_versions")
    assert unsound() >= 1
    lived.db.run("INSERT INTO kintell_session_versions SELECT * FROM kept")
    assert unsound() == 0
    assert lived.db.run("SELECT count(*) FROM ingestion_batches WHERE finding IS NOT NULL") == [[0]]


def test_a_message_that_nobody_sends_grows_old(pipeline: Pipeline, capsys: pytest.CaptureFixture[str]) -> None:
    """Dispatch is outside, so only the outbox shows that it does not come."""

    def measured() -> float:
        capsys.readouterr()
        monitor.app.handler({}, CONTEXT)
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "OldestMessageSeconds" in line]
        (seconds,) = lines[0]["OldestMessageSeconds"]
        return float(seconds)

    pipeline.db.run("DELETE FROM outbox")
    assert measured() == 0
    body = EventToSend(event=Event.UPLOAD_REFUSED, detail={"uploadId": str(uuid4()), "refusal": "empty_file"})
    outbox.add(pipeline.db, uuid4(), body)
    pipeline.db.run("UPDATE outbox SET written_at = now() - interval '20 minutes'")
    assert outbox.claim(pipeline.db), "somebody took it, and died"
    assert 1200 <= measured() < 1260
