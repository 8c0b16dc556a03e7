"""A commit carries out what a dry run showed, and nothing else."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest

import retention.app
from ingestion.database.publishing import plans
from tests.api.api_calls import Answer, call
from tests.stages.conftest import CONTEXT, UPLOADS, Pipeline
from tests.stages.test_plans import KEY, MIXED, ROSTER, brief, changes, checksums, file_of, known, row

__all__ = ["known"]

JSON = {"content-type": "application/json"}
STORED = file_of(row(1, "60", "one"), row(2, "60", "two"), row(5))


def commit(batch: dict[str, Any], on_change: str = "refuse", plan_hash: str | None = None) -> Answer:
    body = {"planHash": plan_hash or batch["plan_hash"], "onChange": on_change}
    return call("POST", f"/v1/import/batches/{batch['id']}/commit", body=json.dumps(body), headers=JSON)


def carried_out(pipeline: Pipeline, batch: dict[str, Any], on_change: str = "refuse") -> dict[str, Any]:
    answer = commit(batch, on_change)
    assert answer.status == 202, answer.text
    return pipeline.run(answer.body["batchId"])


def stored(pipeline: Pipeline) -> dict[str, tuple[Any, ...]]:
    found = pipeline.db.run("SELECT external_session_id, duration_minutes, feedback_text FROM kintell_sessions")
    return {key: tuple(content) for key, *content in found}


def counts(batch: dict[str, Any]) -> dict[str, int]:
    names = ("inserted", "updated", "unchanged", "unpublished", "error")
    return {name: batch[f"{name}_rows"] for name in names if batch[f"{name}_rows"]}


def test_a_commit_imports_what_was_planned(known: Pipeline) -> None:
    known.load(KEY, STORED)
    dry_run = known.load(KEY, MIXED, dry_run="true")
    planned = changes(dry_run)
    batch = carried_out(known, dry_run)
    assert batch["status"] == "completed", batch["failure_reason"]
    assert counts(batch) == {"inserted": 1, "updated": 3, "unchanged": 1, "error": 3}
    assert batch["content_hash"] == dry_run["content_hash"]
    assert brief(changes(batch)) == [one for one in brief(planned) if one[1] != "unchanged"]
    assert stored(known)["MS-3"] == (31, "newer")
    status = call("GET", f"/v1/import/backfill/{batch['id']}/status").body
    assert (status["plannedByBatchId"], status["committedBatchId"]) == (str(dry_run["id"]), None)
    status = call("GET", f"/v1/import/backfill/{dry_run['id']}/status").body
    assert (status["plannedByBatchId"], status["committedBatchId"]) == (None, str(batch["id"]))
    assert status["planHash"] == dry_run["plan_hash"]
    # Its file is the upload's, and the batch that the upload became is still the dry run.
    upload = call("GET", f"/v1/import/uploads/{dry_run['upload_id']}").body
    assert upload["batchId"] == str(dry_run["id"])
    assert known.upload(KEY, MIXED)["refusal"] == "already_imported"


def test_a_plan_is_committed_once_however_often_it_is_asked_for(known: Pipeline) -> None:
    dry_run = known.load(KEY, MIXED, dry_run="true")
    first = commit(dry_run)
    assert first.status == 202
    again = [commit(dry_run) for _ in range(2)]
    known.run(first.body["batchId"])
    again.append(commit(dry_run, "skip"))
    assert [(answer.status, answer.body) for answer in again] == [(200, first.body)] * 3
    assert known.db.run("SELECT count(*) FROM audit_logs WHERE action = 'import_committed'") == [[1]]
    started = "SELECT count(*) FROM outbox WHERE message->>'name' = :id"
    assert known.db.run(started, id=first.body["batchId"]) == [[0]]


def test_a_commit_says_what_is_missing(known: Pipeline) -> None:
    dry_run = known.load(KEY, MIXED, dry_run="true")
    path = f"/v1/import/batches/{dry_run['id']}/commit"
    assert call("POST", path, body="{}", headers=JSON).is_problem(422, "invalid_request")
    assert commit(known.load(KEY, STORED), plan_hash="0" * 64).is_problem(409, "not_a_dry_run")
    rejected = known.load(KEY, file_of(row(4, who="nobody@example.org")), dry_run="true")
    assert commit(rejected, plan_hash="0" * 64).is_problem(409, "nothing_to_commit")
    assert commit({"id": uuid4()}, plan_hash="0" * 64).is_problem(404, "no_such_batch")
    stale = commit(dry_run, plan_hash="0" * 64)
    assert (stale.status, stale.body["code"], stale.body["sample"]) == (409, "plan_stale", [])
    known.load(KEY, MIXED)
    assert commit(dry_run, "skip").is_problem(409, "already_imported")


def test_without_its_file_a_plan_is_not_carried_out(known: Pipeline) -> None:
    dry_run = known.load(KEY, MIXED, dry_run="true")
    version = known.db.run("SELECT version_id FROM uploads WHERE id = :id", id=dry_run["upload_id"])[0][0]
    known.s3.delete_object(Bucket=UPLOADS, Key=KEY, VersionId=version)
    assert commit(dry_run).is_problem(410, "original_gone")


def test_a_plan_is_kept_as_long_as_error_files(known: Pipeline) -> None:
    dry_run = known.load(KEY, MIXED, dry_run="true")
    assert retention.app.handler({}, CONTEXT)["plans_deleted"] == 0
    known.db.run("UPDATE ingestion_batches SET completed_at = now() - interval '31 days'")
    assert retention.app.handler({}, CONTEXT)["plans_deleted"] == 1
    assert commit(dry_run).is_problem(410, "plan_expired")
    assert call("GET", f"/v1/import/batches/{dry_run['id']}/changes").is_problem(410, "plan_expired")
    assert known.db.run("SELECT count(*) FROM audit_logs WHERE action = 'plan_deleted'") == [[1]]


def has_its_file(known: Pipeline, dry_run: dict[str, Any]) -> bool:
    sql = "SELECT key, version_id, deleted_at FROM uploads WHERE id = :id"
    ((key, version_id, deleted_at),) = known.db.run(sql, id=dry_run["upload_id"])
    listed = known.s3.list_object_versions(Bucket=UPLOADS, Prefix=KEY).get("Versions", [])
    is_there = version_id in [version["VersionId"] for version in listed]
    assert is_there == (deleted_at is None) == (key == KEY)
    return is_there


def age(known: Pipeline, batch_id: Any, days: int) -> None:
    sql = "UPDATE ingestion_batches SET completed_at = now() - make_interval(days => :days) WHERE id = :id"
    known.db.run(sql, days=days, id=batch_id)


def test_a_file_goes_with_the_last_of_its_batches(known: Pipeline) -> None:
    dry_run = known.load(KEY, MIXED, dry_run="true")
    batch = carried_out(known, dry_run)
    age(known, dry_run["id"], 400)
    retention.app.handler({}, CONTEXT)
    assert (known.batch(dry_run["id"])["status"], has_its_file(known, dry_run)) == ("archived", True)
    assert commit(dry_run).body["batchId"] == str(batch["id"])
    age(known, batch["id"], 400)
    retention.app.handler({}, CONTEXT)
    assert (known.batch(batch["id"])["status"], has_its_file(known, dry_run)) == ("archived", False)


def test_a_commit_that_failed_leaves_the_file_to_its_dry_run(known: Pipeline) -> None:
    known.load(KEY, STORED)
    dry_run = known.load(KEY, MIXED, dry_run="true")
    answer = commit(dry_run)
    known.load(KEY, file_of(row(2, "50", "two")))
    failed = known.run(answer.body["batchId"])
    age(known, failed["id"], 100)
    retention.app.handler({}, CONTEXT)
    assert known.batch(failed["id"])["archived_at"] is not None
    assert has_its_file(known, dry_run)
    assert carried_out(known, dry_run, "skip")["status"] == "completed"


CHANGED = pytest.mark.parametrize(
    ("between", "changed"),
    [
        pytest.param([file_of(row(2, "50", "two"))], {2, 7}, id="updated"),
        pytest.param([file_of(row(2, "50", "two")), file_of(row(2, "60", "two"))], {2, 7}, id="changed back"),
        pytest.param([file_of(row(3, "1"))], {3, 4}, id="inserted"),
        pytest.param([file_of(row(1, "60", "eins"))], {1}, id="no longer unchanged"),
    ],
)


@CHANGED
def test_a_commit_is_refused_if_what_it_builds_on_has_changed(
    known: Pipeline, between: list[bytes], changed: set[int]
) -> None:
    known.load(KEY, STORED)
    dry_run = known.load(KEY, MIXED, dry_run="true")
    for body in between:
        known.load(KEY, body)
    before = checksums(known.db)
    answer = commit(dry_run)
    assert (answer.status, answer.body["code"], answer.body["changedRows"]) == (409, "plan_stale", len(changed))
    assert {one["rowNumber"] for one in answer.body["sample"]} == changed
    assert checksums(known.db) == before


@CHANGED
def test_skip_leaves_changed_rows_out_and_lists_them(known: Pipeline, between: list[bytes], changed: set[int]) -> None:
    known.load(KEY, STORED)
    dry_run = known.load(KEY, MIXED, dry_run="true")
    for body in between:
        known.load(KEY, body)
    before = stored(known)
    batch = carried_out(known, dry_run, "skip")
    assert batch["status"] == "completed"
    assert counts(batch)["unpublished"] == len(changed)
    left_out = changes(batch, outcome="left_out", limit=1)
    assert {one["rowNumber"] for one in left_out} == changed
    planned = {one["rowNumber"]: one for one in changes(dry_run)}
    assert [one["fields"] for one in left_out] == [planned[one["rowNumber"]]["fields"] for one in left_out]
    assert sorted(changes(batch), key=lambda one: one["rowNumber"]) == changes(batch)
    touched = {one["externalSessionId"] for one in left_out}
    assert {key: value for key, value in stored(known).items() if key in touched} == {
        key: value for key, value in before.items() if key in touched
    }


@pytest.mark.parametrize("on_change", ["refuse", "skip"])
def test_what_changes_after_the_request_is_found_under_the_right_to_merge(known: Pipeline, on_change: str) -> None:
    known.load(KEY, STORED)
    dry_run = known.load(KEY, MIXED, dry_run="true")
    answer = commit(dry_run, on_change)
    known.load(KEY, file_of(row(2, "50", "two"), row(3, "1")))
    before = stored(known)
    batch = known.run(answer.body["batchId"])
    if on_change == "refuse":
        assert (batch["status"], batch["failure_code"]) == ("failed", "plan_stale")
        assert batch["failure_reason"].startswith("plan_stale: 4 of the planned rows")
        assert stored(known) == before
        # It can be asked for once more, without the rows that changed.
        batch = carried_out(known, dry_run, "skip")
    assert batch["status"] == "completed"
    assert counts(batch) == {"unchanged": 1, "unpublished": 4, "error": 3}
    assert stored(known) == before


def test_rows_that_the_plan_rejected_stay_rejected(known: Pipeline) -> None:
    known.load(KEY, STORED)
    dry_run = known.load(KEY, MIXED, dry_run="true")
    known.know("nobody@example.org")
    batch = carried_out(known, dry_run)
    assert batch["status"] == "completed"
    assert batch["error_summary"] == dry_run["error_summary"]
    columns = known.error_file(batch).replace(str(batch["id"]).encode(), b"")
    assert columns == known.error_file(dry_run).replace(str(dry_run["id"]).encode(), b"")


@pytest.mark.parametrize("on_change", ["refuse", "skip"])
def test_a_person_who_is_gone_makes_a_plan_stale(known: Pipeline, on_change: str) -> None:
    known.know("gone@example.org")
    dry_run = known.load(KEY, file_of(row(1), row(2, who="gone@example.org")), dry_run="true")
    known.db.run("DELETE FROM users WHERE email = 'gone@example.org'")
    if on_change == "refuse":
        assert commit(dry_run).body["changedRows"] == 1
        return
    batch = carried_out(known, dry_run, "skip")
    assert (batch["status"], counts(batch)) == ("completed", {"inserted": 1, "error": 1})


def test_other_rules_make_a_plan_stale(known: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    dry_run = known.load(KEY, MIXED, dry_run="true")
    monkeypatch.setattr("ingestion.plan_hash.rules_version", lambda: "others")
    answer = commit(dry_run, "skip")
    assert (answer.status, answer.body["code"]) == (409, "plan_stale")


def test_people_whom_a_commit_creates_are_those_of_the_plan(known: Pipeline, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("UNKNOWN_USERS", "create")
    dry_run = known.load(KEY, file_of(row(1, who="new@example.org"), row(2)), dry_run="true")
    assert changes(dry_run)[0]["fields"][0] == {
        "field": "participant_email",
        "before": None,
        "after": "new@example.org",
    }
    batch = carried_out(known, dry_run)
    assert (batch["status"], counts(batch)) == ("completed", {"inserted": 2})


def test_a_roster_is_committed(known: Pipeline) -> None:
    body = b"Email,Name,Verification_status,Role when joined\nnew@example.org,New,new,learner\n"
    dry_run = known.load(ROSTER, body, dry_run="true")
    batch = carried_out(known, dry_run)
    assert (batch["status"], counts(batch)) == ("completed", {"inserted": 1})


def test_a_commit_that_is_repeated_step_by_step_comes_out_once(known: Pipeline) -> None:
    known.load(KEY, STORED)
    dry_run = known.load(KEY, MIXED, dry_run="true")
    answer = commit(dry_run, "skip")
    known.load(KEY, file_of(row(2, "50", "two")))
    batch_id = answer.body["batchId"]
    known.run(batch_id, "one")
    batch = known.run(batch_id, "two")
    assert counts(batch) == {"inserted": 1, "updated": 1, "unchanged": 1, "unpublished": 2, "error": 3}
    assert known.db.run("SELECT FROM pg_class WHERE relname ~ '^(rows|changes|changed)_'") == []


def test_ten_requests_at_once_give_one_batch(known: Pipeline) -> None:
    dry_run = known.load(KEY, MIXED, dry_run="true")
    from api.commits import Wanted
    from api.commits import commit as commit_once
    from ingestion.database.connection import another
    from ingestion.sign_in.actors import LOCAL

    wanted = Wanted(dry_run["id"], dry_run["plan_hash"], leaves_out_changed=False)
    connections = [another(known.db) for _ in range(10)]
    with ThreadPoolExecutor(max_workers=10) as pool:
        found = list(pool.map(lambda db: commit_once(db, wanted, LOCAL), connections))
    for connection in connections:
        connection.close()
    assert len({one.batch_id for one in found}) == 1
    assert [one.is_new for one in found].count(True) == 1
    assert plans.exists(known.db, dry_run["id"])
