"""A dry run ends with a plan of each row, and leaves nothing else that anybody could see."""

import json
from typing import Any

import pytest

from ingestion.database.connection import Connection
from tests.api.api_calls import call, walk
from tests.conftest import FUNCTIONS
from tests.stages.conftest import Pipeline

KEY = "incoming/mentors_ukraine/mentors-ukraine-2024-q4/sessions.csv"
OTHER_KEY = "incoming/mentors_ukraine/mentors-ukraine-2025-q1/sessions.csv"
ROSTER = "incoming/kintell_users/users.csv"
COLUMNS = ("session_id", "participant_email", "mentor_email", "scheduled_at", "duration_minutes", "feedback_text")
PEOPLE = ("oksana@example.org", "ivan@example.org", "kari@acme.com")
BOOKKEEPING = {"uploads", "ingestion_batches", "chunks", "audit_logs", "outbox", "batch_overlaps"}
"""Tables that say that a dry run took place, and what its file is like; all others are as they were."""


def row(number: int, minutes: str = "60", feedback: str = "", who: str = PEOPLE[0]) -> str:
    return f"MS-{number},{who},kari@acme.com,2024-11-05,{minutes},{feedback}"


def file_of(*rows: str) -> bytes:
    return "\n".join((",".join(COLUMNS), *rows, "")).encode()


def checksums(db: Connection) -> dict[str, str]:
    """A hash of the rows of each table of the schema."""
    tables = [
        name
        for (name,) in db.run(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
        )
    ]
    return {
        name: db.run(f"SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM {name} t")[0][0]
        for name in sorted(tables)
        if name not in BOOKKEEPING
    }


def get(path: str, **query: Any) -> Any:
    return call("GET", path, query)


def changes(batch: dict[str, Any], **query: Any) -> list[dict[str, Any]]:
    return walk(get, f"/v1/import/batches/{batch['id']}/changes", **query)


def brief(found: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Row, outcome, and the fields that differ."""
    return [
        (one["rowNumber"], one["outcome"], {f["field"]: (f["before"], f["after"]) for f in one["fields"]})
        for one in found
    ]


@pytest.fixture
def known(environment: pytest.MonkeyPatch, pipeline: Pipeline) -> Pipeline:
    environment.setenv("AUTHENTICATION", "none")
    environment.setenv("CHUNK_BYTES", "300")
    environment.setenv("ROWS_PER_SHARD", "4")
    pipeline.know(*PEOPLE)
    return pipeline


MIXED = file_of(
    row(1, "60", "one"),  # unchanged
    row(2, "45", "two"),  # updated
    row(3, "30", "new"),
    row(3, "31", "newer"),
    row(4, "30", who="nobody@example.org"),
    row(5, "30", who="ivan@example.org"),  # belongs to others
    row(2, "45", "zwei"),
    row(6, "five"),
)


def test_a_plan_has_the_outcome_of_each_row_and_its_fields_before_and_after(known: Pipeline) -> None:
    known.load(KEY, file_of(row(1, "60", "one"), row(2, "60", "two"), row(5)))
    batch = known.load(KEY, MIXED, dry_run="true")
    assert batch["status"] == "completed"
    assert len(batch["plan_hash"]) == 64
    people = {"participant_email": (None, "oksana@example.org"), "mentor_email": (None, "kari@acme.com")}
    assert brief(changes(batch, limit=3)) == [
        (1, "unchanged", {}),
        (2, "updated", {"duration_minutes": (60, 45)}),
        (
            *(3, "inserted"),
            {
                **people,
                "scheduled_at": (None, "2024-11-05T00:00:00Z"),
                "duration_minutes": (None, 30),
                "feedback_text": (None, "new"),
            },
        ),
        (4, "updated", {"duration_minutes": (30, 31), "feedback_text": ("new", "newer")}),
        (5, "rejected", {}),
        (6, "rejected", {}),
        (7, "updated", {"feedback_text": ("two", "zwei")}),
        (8, "rejected", {}),
    ]


@pytest.mark.parametrize("outcome", ["inserted", "updated", "unchanged", "rejected"])
def test_a_plan_is_listed_by_outcome_as_many_rows_as_the_batch_counts(known: Pipeline, outcome: str) -> None:
    known.load(KEY, file_of(row(1, "60", "one"), row(2, "60", "two"), row(5)))
    batch = known.load(KEY, MIXED, dry_run="true")
    counted = {"rejected": batch["error_rows"], "unchanged": batch["skipped_rows"]}
    found = changes(batch, outcome=outcome, limit=1)
    assert {one["outcome"] for one in found} == {outcome}
    assert len(found) == counted.get(outcome, batch.get(f"{outcome}_rows"))


def test_what_an_import_did_is_listed_as_it_was_planned(known: Pipeline) -> None:
    known.load(KEY, file_of(row(1, "60", "one"), row(2, "60", "two"), row(5)))
    planned = changes(known.load(KEY, MIXED, dry_run="true"))
    batch = known.load(KEY, MIXED)
    did = changes(batch, limit=2)
    # Nothing is kept of unchanged rows, and new sessions have an id by now.
    assert brief(did) == [one for one in brief(planned) if one[1] != "unchanged"]
    assert all(one["sessionId"] for one in did if one["outcome"] != "rejected")
    for outcome in ("inserted", "updated", "rejected"):
        assert changes(batch, outcome=outcome) == [one for one in did if one["outcome"] == outcome]


def test_a_roster_is_planned_likewise(known: Pipeline) -> None:
    def roster(*rows: str) -> bytes:
        return "\n".join(("Email,Name,Verification_status,Role when joined", *rows, "")).encode()

    known.load(ROSTER, roster("oksana@example.org,Oksana,new,learner", "new@example.org,New,new,learner"))
    body = roster(
        "new@example.org,Newer,verified,mentor", "other@example.org,Other,new,mentor", "no address,X,new,learner"
    )
    batch = known.load(ROSTER, body, dry_run="true")
    # The first name and the first role win.
    assert brief(changes(batch)) == [
        (1, "updated", {"verification_status": ("new", "verified")}),
        (
            *(2, "inserted"),
            {"name": (None, "Other"), "verification_status": (None, "new"), "role_when_joined": (None, "volunteer")},
        ),
        (3, "rejected", {}),
    ]
    assert brief(changes(known.load(ROSTER, body))) == brief(changes(batch))


@pytest.mark.parametrize("unknown_users", ["reject", "create"])
@pytest.mark.parametrize("body", [MIXED, file_of(row(9, who="nobody@example.org"))], ids=["mixed", "all rejected"])
def test_a_dry_run_changes_nothing_that_anybody_could_see(
    known: Pipeline, environment: pytest.MonkeyPatch, unknown_users: str, body: bytes
) -> None:
    known.load(KEY, file_of(row(1, "60", "one"), row(2, "60", "two"), row(5)))
    environment.setenv("UNKNOWN_USERS", unknown_users)
    before = checksums(known.db)
    known.load(KEY, body, dry_run="true")
    known.load(OTHER_KEY, body + b"\n", dry_run="true")
    assert checksums(known.db) == before


def test_a_dry_run_needs_no_right_to_write_what_anybody_sees(known: Pipeline) -> None:
    known.load(KEY, file_of(row(1, "60", "one"), row(2, "60", "two"), row(5)))
    seen = "kintell_sessions, kintell_session_versions, users, user_versions, program_instances"
    known.db.run(f"REVOKE INSERT, UPDATE, DELETE ON {seen} FROM {FUNCTIONS}")
    assert known.load(KEY, MIXED, dry_run="true")["status"] == "completed"


def test_the_instance_of_a_dry_run_is_created_by_its_commit(known: Pipeline) -> None:
    dry_run = known.load(OTHER_KEY, file_of(row(1)), dry_run="true")
    status = get(f"/v1/import/backfill/{dry_run['id']}/status").body
    assert (status["programInstance"], dry_run["program_instance_id"]) == ("mentors-ukraine-2025-q1", None)
    assert get("/v1/program-instances").body["items"] == []
    body = json.dumps({"planHash": dry_run["plan_hash"]})
    headers = {"content-type": "application/json"}
    answer = call("POST", f"/v1/import/batches/{dry_run['id']}/commit", body=body, headers=headers)
    assert known.run(answer.body["batchId"])["status"] == "completed"
    assert [one["slug"] for one in get("/v1/program-instances").body["items"]] == ["mentors-ukraine-2025-q1"]
    status = get(f"/v1/import/backfill/{answer.body['batchId']}/status").body
    assert status["programInstance"] == "mentors-ukraine-2025-q1"


def test_the_hash_says_what_is_planned(known: Pipeline) -> None:
    known.load(KEY, file_of(row(1, "60", "one")))
    hashes = [known.load(KEY, MIXED, dry_run="true")["plan_hash"] for _ in range(2)]
    known.load(KEY, file_of(row(1, "60", "eins")))
    hashes += [known.load(KEY, body, dry_run="true")["plan_hash"] for body in (MIXED, MIXED + b"\n")]
    known.load(KEY, file_of(row(1, "60", "one")) + b"\n")
    # As in the beginning, but by another row.
    hashes.append(known.load(KEY, MIXED, dry_run="true")["plan_hash"])
    assert hashes[0] == hashes[1]
    assert len(set(hashes)) == 4


def test_a_dry_run_of_rows_that_are_all_rejected_has_no_plan(known: Pipeline) -> None:
    batch = known.load(KEY, file_of(row(4, who="nobody@example.org")), dry_run="true")
    assert (batch["status"], batch["plan_hash"]) == ("failed", None)
    assert known.db.run("SELECT FROM pg_class WHERE relname ~ '^plan_'") == []
    assert [one["outcome"] for one in changes(batch)] == ["rejected"]
