"""An undone import has left no trace but where a later one builds on it."""

import json
from typing import Any

import pytest

import finalize.app
import retention.app
import undo.app
from api import undo_operations
from api.problems import Problem
from ingestion.database.publishing import undo_sql
from ingestion.database.tables import people
from ingestion.database.tables.undos import Request
from ingestion.errors import ProgrammeBusy
from ingestion.sign_in.actors import LOCAL
from tests.stages.conftest import CONTEXT, Pipeline
from tests.stages.test_interruptions import Run
from tests.stages.test_outcomes import KEY, PEOPLE, counts, feedbacks, file_of, line, versions
from tests.stages.undoing import ask, carry_out, contents, newest, shown, undone

ROSTER = "incoming/kintell_users/users.csv"
OF_LANGUAGE = "incoming/language_ukraine/language-ukraine-2024-11/sessions.csv"


def roster_of(*people: str) -> bytes:
    return ("Email,Name,Role when joined\n" + "".join(f"{person}\n" for person in people)).encode()


@pytest.fixture
def known(environment: pytest.MonkeyPatch, pipeline: Pipeline) -> Pipeline:
    """Known people, and ranges of a few rows."""
    environment.setenv("ROWS_PER_SHARD", "4")
    pipeline.know(*PEOPLE)
    return pipeline


def test_new_rows_go_and_changed_ones_are_as_they_were(known: Pipeline) -> None:
    known.load(KEY, file_of(line(1, "one"), line(2, "two"), line(3, "three")))
    before = contents(known)
    batch = known.load(KEY, file_of(line(1, "one"), line(2, "TWO"), line(2, "2"), line(4, "four"), line(4, "4")))
    plan = shown(known, batch["id"]).plan
    assert (plan.removes.count, plan.restores.count, plan.keeps.count) == (1, 1, 0)
    found = undone(known, batch["id"])
    assert (found["state"], found["removed_rows"], found["restored_rows"], found["kept_rows"]) == ("completed", 1, 1, 0)
    assert contents(known) == before
    batch = known.batch(batch["id"])
    assert (batch["status"], counts(batch)) == ("undone", (1, 3, 1, 0))
    assert known.db.run("SELECT merging_batch FROM programmes WHERE merging_batch IS NOT NULL") == []


def test_the_same_bytes_are_imported_again_without_force(known: Pipeline) -> None:
    body = file_of(line(1), line(2))
    batch = known.load(KEY, body)
    number = ask(known, batch["id"])
    assert known.upload(KEY, body)["refusal"] == "already_imported"
    carry_out(batch["id"], number)
    assert counts(known.load(KEY, body)) == (2, 0, 0, 0)


def test_what_a_later_import_builds_on_is_kept_until_that_is_undone(known: Pipeline) -> None:
    nothing = contents(known)
    first = known.load(KEY, file_of(line(1, "a"), line(2, "a"), line(2, "b")))
    second = known.load(KEY, file_of(line(2, "c"), line(1, "a")))
    plan = shown(known, first["id"])
    assert [tuple(kept) for kept in plan.kept] == [(3, "MS-2", second["id"])]
    assert undone(known, first["id"])["kept_rows"] == 1
    assert feedbacks(known) == {"MS-2": "c"}
    with pytest.raises(Problem, match="nothing of it is left"):
        ask(known, first["id"])
    undone(known, second["id"])
    assert feedbacks(known) == {"MS-2": "b"}
    again = undone(known, first["id"])
    assert (again["number"], again["removed_rows"], again["kept_rows"]) == (2, 1, 0)
    assert contents(known) == nothing


def test_an_import_may_be_undone_again_beside_another_of_its_file(known: Pipeline) -> None:
    body = file_of(line(1, "a"), line(2, "a"))
    first = known.load(KEY, body)
    second = known.load(KEY, file_of(line(1, "b")))
    undone(known, first["id"])
    undone(known, second["id"])
    third = known.load(KEY, body)
    assert counts(third) == (1, 0, 1, 0)
    assert undone(known, first["id"])["state"] == "completed"
    assert feedbacks(known) == {"MS-2": "a"}


def test_people_whom_an_import_created_go_with_the_last_session_of_theirs(
    environment: pytest.MonkeyPatch, known: Pipeline
) -> None:
    environment.setenv("UNKNOWN_USERS", "create")
    before = contents(known)
    first = known.load(KEY, file_of(line(1, who="new@example.org"), line(2, who="other@example.org")))
    second = known.load(KEY, file_of(line(3, who="new@example.org")))
    undone(known, first["id"])
    emails = [email for (email,) in known.db.run("SELECT email FROM users")]
    assert "new@example.org" in emails
    assert "other@example.org" not in emails
    undone(known, second["id"])
    assert contents(known) == before


def test_somebody_whom_a_roster_named_since_stays(environment: pytest.MonkeyPatch, known: Pipeline) -> None:
    environment.setenv("UNKNOWN_USERS", "create")
    before = contents(known)
    sessions = known.load(KEY, file_of(line(1, who="new@example.org")))
    roster = known.load(ROSTER, roster_of("new@example.org,New,learner"))
    assert counts(roster) == (0, 1, 0, 0)
    undone(known, sessions["id"])
    assert known.db.run("SELECT name FROM users WHERE email = 'new@example.org'") == [["New"]]
    undone(known, roster["id"])
    assert contents(known) == before


def test_a_roster_is_undone_but_for_people_with_sessions(known: Pipeline) -> None:
    before = contents(known)
    rows = ("oksana@example.org,Oksana,learner", "a@example.org,A,tutor", "b@example.org,B,learner")
    roster = known.load(ROSTER, roster_of(*rows))
    sessions = known.load(KEY, file_of(line(1, who="b@example.org")))
    plan = shown(known, roster["id"])
    assert [tuple(kept) for kept in plan.kept] == [(3, "b@example.org", sessions["id"])]
    found = undone(known, roster["id"])
    assert (found["removed_rows"], found["restored_rows"], found["kept_rows"]) == (1, 1, 1)
    undone(known, sessions["id"])
    assert undone(known, roster["id"])["removed_rows"] == 1
    assert contents(known) == before


def test_an_undo_may_stop_between_ranges_and_inside_one(known: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    known.load(KEY, file_of(*(line(n, "old") for n in range(1, 7))))
    before = contents(known)
    batch = known.load(KEY, file_of(*(line(n, "new") for n in range(1, 14))))
    number = ask(known, batch["id"])
    task = {"batchId": str(batch["id"]), "undo": number, "execution": "undoing"}
    inside, real = iter((False, True, False, True, True)), undo_sql._remove

    def dies(*given: Any) -> int:
        removed = real(*given)
        if next(inside, False):
            raise KeyboardInterrupt
        return removed

    monkeypatch.setattr(undo_sql, "_remove", dies)
    died = 0
    while True:
        try:
            assert undo.app.handler(task, CONTEXT)["isDone"]
            break
        except KeyboardInterrupt:
            died += 1
            assert known.batch(batch["id"])["status"] == "undoing"
    assert died == 3
    assert (newest(known, batch["id"])["removed_rows"], newest(known, batch["id"])["restored_rows"]) == (7, 6)
    assert contents(known) == before
    assert undo.app.handler(task, CONTEXT)["isDone"]
    assert known.db.run("SELECT count(*) FROM audit_logs WHERE action = 'import_undone'") == [[1]]


def test_one_invocation_does_not_have_to_finish(known: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("undo.undo_batch.WORK_SECONDS", 0.0)
    batch = known.load(KEY, file_of(*(line(n) for n in range(1, 10))))
    number = ask(known, batch["id"])
    task = {"batchId": str(batch["id"]), "undo": number, "execution": "undoing"}
    answers = [undo.app.handler(task, CONTEXT)["isDone"] for _ in range(4)]
    assert answers == [False, False, False, True]


def test_what_was_not_shown_is_not_undone(known: Pipeline) -> None:
    first = known.load(KEY, file_of(line(1, "a"), line(2, "a")))
    stale = shown(known, first["id"]).plan.hash
    number = ask(known, first["id"], stale)
    # Between the request and the right to merge, another batch got in.
    known.db.run("UPDATE kintell_sessions SET version = 2 WHERE external_session_id = 'MS-1'")
    carry_out(first["id"], number)
    found = newest(known, first["id"])
    assert (found["state"], found["failure_reason"].split(":")[0]) == ("failed", "plan_stale")
    assert known.batch(first["id"])["status"] == "completed"
    assert len(feedbacks(known)) == 2
    with pytest.raises(Problem, match="would not do what was shown"):
        ask(known, first["id"], stale)
    assert undone(known, first["id"])["state"] == "completed"


def test_an_undo_waits_for_a_merge_and_a_merge_for_an_undo(known: Pipeline) -> None:
    batch = known.load(KEY, file_of(line(1)))
    run = Run(known, file_of(line(1, "later"), line(2)))
    run.stage()
    shards = run.reconcile()["shards"]
    number = ask(known, batch["id"])
    task = {"batchId": str(batch["id"]), "undo": number, "execution": "undoing"}
    with pytest.raises(ProgrammeBusy):
        undo.app.handler(task, CONTEXT)
    run.merge(*shards)
    run.finalize()
    carry_out(batch["id"], number)
    assert newest(known, batch["id"])["state"] == "failed", "the merge has changed what was shown"
    known.db.run("UPDATE programmes SET merging_batch = :id", id=batch["id"])
    ask(known, batch["id"])
    other = Run(known, file_of(line(3)))
    other.stage()
    with pytest.raises(ProgrammeBusy):
        other.reconcile()


def test_an_undo_that_breaks_half_way_leaves_the_rest_to_another(
    known: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(known)
    batch = known.load(KEY, file_of(*(line(n) for n in range(1, 10))))
    real, calls = undo_sql.undo_rows, iter((False, True))

    def breaks(*given: Any) -> tuple[int, int]:
        if next(calls, False):
            raise RuntimeError("secret@example.org")
        return real(*given)

    monkeypatch.setattr("ingestion.database.publishing.undo_sql.undo_rows", breaks)
    found = undone(known, batch["id"])
    assert (found["state"], found["removed_rows"]) == ("failed", 4)
    assert found["failure_reason"] == "undo_broke: The undo broke (RuntimeError)."
    assert known.batch(batch["id"])["status"] == "undone"
    assert undone(known, batch["id"])["removed_rows"] == 5
    assert contents(known) == before


def test_an_undo_that_breaks_at_once_leaves_the_import_as_it_was(
    known: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = known.load(KEY, file_of(line(1)))
    monkeypatch.setattr("ingestion.database.publishing.undo_plan.plan", lambda *_: 1 / 0)
    number = None
    with pytest.raises(ZeroDivisionError):
        number = ask(known, batch["id"])
    assert number is None
    monkeypatch.undo()
    number = ask(known, batch["id"])
    monkeypatch.setattr("ingestion.database.publishing.undo_sql.undo_rows", lambda *_: 1 / 0)
    carry_out(batch["id"], number)
    assert known.batch(batch["id"])["status"] == "completed"
    assert len(feedbacks(known)) == 1


def test_an_older_execution_does_not_fail_an_undo(known: Pipeline) -> None:
    batch = known.load(KEY, file_of(*(line(n) for n in range(1, 10))))
    number = ask(known, batch["id"])
    known.db.run("UPDATE undos SET execution = 'newer'")
    error = {"Error": "States.Timeout", "Cause": "{}"}
    finalize.app.handler({"batchId": str(batch["id"]), "undo": number, "execution": "older", "error": error}, CONTEXT)
    assert newest(known, batch["id"])["state"] == "running"


def test_a_large_plan_is_made_by_the_workflow(known: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(undo_operations, "MOST_ROWS", 1)
    batch = known.load(KEY, file_of(line(1), line(2)))
    request = Request(actor=LOCAL)
    for _ in range(2):
        assert undo_operations.plan_undo(known.db, batch["id"], request) is None
    messages = known.db.run(
        "SELECT message->'input'->'undo' FROM outbox WHERE message->>'kind' = 'import' AND about = :id", id=batch["id"]
    )
    assert messages == [[1]]
    carry_out(batch["id"], 1)
    found = newest(known, batch["id"])
    assert (found["state"], found["removes"], found["keeps"]) == ("planned", 2, 0)
    assert known.batch(batch["id"])["status"] == "completed"
    carry_out(batch["id"], ask(known, batch["id"], found["plan_hash"]))
    assert newest(known, batch["id"])["state"] == "completed"


def test_a_person_is_not_removed_while_somebody_writes_sessions(
    environment: pytest.MonkeyPatch, known: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people, "LOCK_SECONDS", 0.1)
    environment.setenv("UNKNOWN_USERS", "create")
    batch = known.load(KEY, file_of(line(1, who="new@example.org")))
    number = ask(known, batch["id"])
    known.db.run("BEGIN")
    known.db.run("LOCK TABLE kintell_sessions IN ROW EXCLUSIVE MODE")
    carry_out(batch["id"], number)
    known.db.run("ROLLBACK")
    assert newest(known, batch["id"])["failure_reason"].startswith("undo_broke: The undo broke (Unavailable)")
    assert versions(known) == []


def test_retention_goes_on_with_a_stuck_undo_and_deletes_the_file_of_an_undone_import(known: Pipeline) -> None:
    batch = known.load(KEY, file_of(line(1)))
    number = ask(known, batch["id"])
    known.db.run("UPDATE undos SET updated_at = now() - interval '25 hours'")
    known.db.run("DELETE FROM outbox")
    assert retention.app.handler({}, CONTEXT)["undos_started_over"] == 1
    assert known.db.run("SELECT message->'input'->'undo' FROM outbox") == [[number]]
    carry_out(batch["id"], number)
    assert retention.app.handler({}, CONTEXT)["undone_uploads_deleted"] == 0
    known.db.run("UPDATE ingestion_batches SET completed_at = now() - interval '366 days'")
    assert retention.app.handler({}, CONTEXT)["undone_uploads_deleted"] == 1
    assert newest(known, batch["id"])["reason"] is None
    assert known.batch(batch["id"])["file_name"] == "(deleted)"
    with pytest.raises(Problem, match="only a completed import"):
        ask(known, batch["id"])


def test_an_execution_that_was_aborted_ends_its_undo(known: Pipeline) -> None:
    batch = known.load(KEY, file_of(line(1)))
    number = ask(known, batch["id"])
    given = json.dumps({"batchId": str(batch["id"]), "undo": number})
    detail = {"executionArn": "e", "status": "ABORTED", "input": given}
    assert finalize.app.handler({"detail": detail}, CONTEXT)["status"] == "completed"
    assert newest(known, batch["id"])["failure_reason"] == "undo_broke: The undo broke (ABORTED)."
