"""A batch is verified against its file: by whoever asks, and a few each day by Monitor."""

from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import ANY
from uuid import UUID

import pytest

import monitor.app
from ingestion.database.tables import verifications
from ingestion.verification import Verified, verify
from tests.stages.conftest import CONTEXT, WORK, Pipeline

ROSTER = (
    "Email,Name,Linkedin_URL,Verification_status,Role when joined,grant_access,Joined_kg_at\n"
    'a@example.org,Åse,,verified,mentor,yes,"Dec 14, 2025"\n'
    'b@example.org,,,verified,learner,yes,"Dec 15, 2025"\n'
    'c@example.org,Ivan,,verified,learner,no,"Dec 16, 2025"\n'
)
GROWN = (
    ROSTER.replace("b@example.org,,", "b@example.org,Olena,")
    .replace("Ivan,,verified", "Johan,https://example.org/ivan,verified")
    .replace("mentor,yes", "learner,no")
)


def verified(pipeline: Pipeline, batch: dict[str, Any]) -> Verified:
    return verify(pipeline.db, UUID(str(batch["id"])), WORK, datetime.now(UTC) + timedelta(minutes=1))


def test_a_roster_is_verified_and_what_was_planted_is_found(pipeline: Pipeline) -> None:
    first = pipeline.load("incoming/kintell_users/one.csv", ROSTER.encode())
    second = pipeline.load("incoming/kintell_users/two.csv", GROWN.encode())
    assert verified(pipeline, first) == Verified(3, 0, [])
    assert verified(pipeline, second) == Verified(3, 0, [])
    pipeline.db.run("UPDATE users SET grant_access = 'yes' WHERE email = 'a@example.org'")
    pipeline.db.run("UPDATE user_versions SET verification_status = 'x' WHERE row_number = 2")
    found = [verified(pipeline, batch).differing for batch in (first, second)]
    assert [[(each.row_number, each.field and each.field.name, each.stored) for each in some] for some in found] == [
        [(2, "verification_status", "x")],
        [(1, "grant_access", "yes")],
    ]


KEY = "incoming/mentors_ukraine/mentors-ukraine-2026-q1/{}.csv"
ROWS = "session_id,participant_email,mentor_email,scheduled_at,rating\n" + "".join(
    f"MS-{n},a@example.org,b@example.org,2026-02-03,{n}\n" for n in range(1, 4)
)


@pytest.fixture
def imported(pipeline: Pipeline) -> dict[str, Any]:
    """A batch of three sessions."""
    pipeline.know("a@example.org", "b@example.org")
    return pipeline.load(KEY.format("first"), ROWS.encode())


def look(**event: Any) -> float:
    """How many batches Monitor finds to differ from their files."""
    found: dict[str, float] = monitor.app.handler(event, CONTEXT)
    return found["differingBatches"]


def damage(pipeline: Pipeline, rating: str) -> None:
    pipeline.db.run("UPDATE kintell_sessions SET rating = CAST(:rating AS numeric) WHERE row_number = 2", rating=rating)


def test_monitor_verifies_what_was_asked_for_and_keeps_what_differs_for_a_day(
    pipeline: Pipeline, imported: dict[str, Any]
) -> None:
    batch_id = imported["id"]
    damage(pipeline, "0.9")
    assert verifications.request(pipeline.db, batch_id)
    assert not verifications.request(pipeline.db, batch_id)
    assert look(kind="verification", batchId=str(batch_id)) == 1
    found = verifications.find(pipeline.db, batch_id)
    assert found is not None
    assert (found["state"], found["checked_rows"], found["differing_values"]) == ("completed", 3, 1)
    assert found["differing"] == [{"rowNumber": 2, "field": "rating", "stored": 0.9, "file": 0.25}]
    pipeline.db.run("UPDATE verifications SET completed_at = completed_at - interval '25 hours'")
    assert look() == 1
    assert verifications.find(pipeline.db, batch_id) == {**found, "differing": [], "completed_at": ANY}


def test_monitor_verifies_some_batches_each_day_and_finds_what_was_planted(
    pipeline: Pipeline, imported: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    pipeline.load(
        KEY.format("dry"), (ROWS + "MS-9,a@example.org,b@example.org,2026-02-03,1\n").encode(), dry_run="true"
    )
    assert look() == 0
    assert pipeline.db.run("SELECT batch_id, state, checked_rows FROM verifications") == [
        [imported["id"], "completed", 3]
    ]
    damage(pipeline, "0.9")
    # Once a day is enough for one batch.
    assert look() == 0
    pipeline.db.run("UPDATE verifications SET requested_at = now() - interval '25 hours'")
    assert look() == 1
    assert pipeline.db.run("SELECT differing FROM verifications") == [[[]]]
    assert "0.9" not in caplog.text
    damage(pipeline, "0.25")
    pipeline.db.run("UPDATE verifications SET requested_at = now() - interval '25 hours'")
    assert look() == 0


def test_no_more_than_the_sample_is_read_in_a_day(
    pipeline: Pipeline, imported: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.verify_batches.SAMPLE_A_DAY", 1)
    pipeline.load(KEY.format("second"), ROWS.replace("MS-", "MS-1").encode())
    for _ in range(3):
        look()
    assert pipeline.db.run("SELECT count(*) FROM verifications") == [[1]]


def test_a_file_that_is_gone_is_no_alarm(pipeline: Pipeline, imported: dict[str, Any]) -> None:
    pipeline.db.run("UPDATE uploads SET key = 'incoming/gone.csv'")
    assert look() == 0
    assert pipeline.db.run("SELECT state, failure_code FROM verifications") == [["failed", "original_gone"]]


def test_a_verification_that_nobody_finished_is_begun_again(pipeline: Pipeline, imported: dict[str, Any]) -> None:
    verifications.request(pipeline.db, imported["id"])
    assert verifications.claim(pipeline.db) == UUID(str(imported["id"]))
    assert verifications.claim(pipeline.db) is None
    pipeline.db.run("UPDATE verifications SET started_at = now() - interval '1 hour'")
    assert verifications.claim(pipeline.db) == UUID(str(imported["id"]))
