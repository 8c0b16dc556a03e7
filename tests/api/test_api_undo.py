"""Undo by API and page: what is shown, what is refused, what the result is."""

import json
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

import pytest

import undo.app
from tests.api.api_calls import CONTEXT, Call
from tests.api.full_world import BROWSER
from tests.api.world import World

REASON = "the file of another month"
FORM = {**BROWSER, "sec-fetch-site": "same-origin", "content-type": "application/x-www-form-urlencoded"}


@pytest.fixture
def batches(world: World, buckets: Any) -> tuple[UUID, UUID]:
    """An import of three sessions, and a later one that updated the second of them and added one."""
    instance = world.instance("mentors-ukraine-2024")
    people = world.user("oksana@example.org"), world.user("kari@acme.com", "volunteer")
    first = world.batch(program_instance_id=instance, inserted_rows=3, updated_rows=0, skipped_rows=0, error_rows=7)
    second = world.batch(program_instance_id=instance, inserted_rows=1, updated_rows=1, skipped_rows=1, error_rows=7)
    world.session(first, 1, instance, people)
    world.session(first, 3, instance, people)
    updated = world.session(second, 1, instance, people, (first, 2), version=2, external_session_id="MS-2")
    world.earlier(updated, 1, first, 2, instance, second)
    world.session(second, 4, instance, people, external_session_id="MS-4")
    return first, second


def path_of(batch: object) -> str:
    return f"/v1/import/batches/{batch}/undo"


def carry_out(batch: UUID, number: int = 1) -> None:
    assert undo.app.handler({"batchId": str(batch), "undo": number, "execution": "e"}, CONTEXT)["isDone"]


def test_an_undo_is_shown_then_done(get: Call, post: Call, world: World, batches: tuple[UUID, UUID]) -> None:
    first, second = batches
    assert get(path_of(first)).is_problem(404, "no_undo")
    shown = post(path_of(first), {"dryRun": True})
    kept = [{"rowNumber": 2, "externalSessionId": "MS-2", "laterBatchId": str(second)}]
    assert (shown.status, shown.body) == (
        200,
        {"removes": 2, "restores": 0, "keeps": 1, "kept": kept, "planHash": shown.body["planHash"]},
    )
    asked = post(path_of(first), {"planHash": shown.body["planHash"], "reason": REASON})
    assert (asked.status, asked.body) == (202, {"batchId": str(first)})
    found = get(path_of(first)).body
    assert (found["state"], found["reason"], found["requestedBy"], found["keptRows"]) == (
        "running",
        REASON,
        "local",
        None,
    )
    assert get(f"/v1/import/backfill/{first}/status").body["status"] == "undoing"
    assert post(path_of(first), {"dryRun": True}).is_problem(409, "not_undoable")
    carry_out(first)
    found = get(path_of(first)).body
    assert (found["state"], found["removedRows"], found["restoredRows"], found["keptRows"]) == ("completed", 2, 0, 1)
    assert found["completedAt"]
    assert found["kept"] == {"items": kept, "nextCursor": None}
    sessions = get(f"/v1/import/batches/{first}/sessions").body["items"]
    assert [(row["rowNumber"], row["externalSessionId"]) for row in sessions] == [(2, "MS-2")]
    assert [entry["action"] for entry in get(f"/v1/import/batches/{first}/audit").body["items"]] == ["import_undone"]
    record = get(f"/v1/import/batches/{first}").body
    assert (record["status"], record["undoneBy"], record["insertedRows"]) == ("undone", "local", 3)
    nodes = {node["id"]: node for node in get(f"/v1/import/batches/{first}/lineage").body["nodes"]}
    assert nodes[f"batch:{first}"]["undoneAt"] == record["undoneAt"]
    summary = get("/v1/import/summary").body
    assert (summary["batches"], summary["insertedRows"], summary["unfinishedBatches"]) == (1, 1, 0)
    assert world.count("SELECT count(*) FROM outbox WHERE message->>'event' = 'ImportUndone'") == 1


def test_the_kept_rows_come_page_by_page(get: Call, post: Call, batches: tuple[UUID, UUID]) -> None:
    first, _ = batches
    plan = post(path_of(first), {"dryRun": True}).body["planHash"]
    post(path_of(first), {"planHash": plan, "reason": REASON})
    page = get(path_of(first), limit=1).body["kept"]
    assert [row["rowNumber"] for row in page["items"]] == [2]
    assert page["nextCursor"] is None
    assert get(path_of(first), cursor="x").is_problem(422, "invalid_cursor")


def test_what_was_kept_is_undone_after_the_later_import(get: Call, post: Call, batches: tuple[UUID, UUID]) -> None:
    for batch, number in zip((*batches, batches[0]), (1, 1, 2), strict=True):
        plan = post(path_of(batch), {"dryRun": True}).body
        assert post(path_of(batch), {"planHash": plan["planHash"], "reason": REASON}).status == 202
        carry_out(batch, number)
    assert get(path_of(batches[0])).body["removedRows"] == 1
    assert post(path_of(batches[0]), {"dryRun": True}).is_problem(409, "not_undoable")


@pytest.mark.parametrize("status", ["pending", "running", "failed", "archived", "undoing"])
def test_only_a_completed_import_is_undone(post: Call, world: World, status: str) -> None:
    batch = world.batch(status=status)
    for body in ({"dryRun": True}, {"planHash": "0" * 64, "reason": REASON}):
        assert post(path_of(batch), body).is_problem(409, "not_undoable")


def test_a_dry_run_has_nothing_to_undo(post: Call, world: World) -> None:
    assert post(path_of(world.batch(dry_run=True)), {"dryRun": True}).is_problem(409, "not_undoable")


def test_an_undo_that_was_not_shown_is_refused(post: Call, world: World, batches: tuple[UUID, UUID]) -> None:
    first, second = batches
    plan = post(path_of(first), {"dryRun": True}).body["planHash"]
    assert post(path_of(second), {"planHash": plan, "reason": REASON}).is_problem(409, "plan_stale")
    world.db.run("DELETE FROM kintell_sessions WHERE external_session_id = 'MS-1'")
    assert post(path_of(first), {"planHash": plan, "reason": REASON}).is_problem(409, "plan_stale")
    assert world.count("SELECT count(*) FROM undos") == 0


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"reason": REASON}, id="no plan"),
        pytest.param({"planHash": "0" * 64}, id="no reason"),
        pytest.param({"planHash": "0" * 64, "reason": " - "}, id="a reason that says nothing"),
        pytest.param({"planHash": "0" * 64, "reason": "x" * 501}, id="a long reason"),
        pytest.param({"dryRun": True, "force": True}, id="an unknown field"),
    ],
)
def test_a_request_says_what_it_wants(post: Call, world: World, body: dict[str, Any]) -> None:
    assert post(path_of(world.batch()), body).is_problem(422, "invalid_request")


def test_a_batch_that_is_not_there_cannot_be_undone(get: Call, post: Call) -> None:
    assert post(path_of(uuid4()), {"dryRun": True}).is_problem(404, "no_such_batch")
    assert get(path_of(uuid4())).is_problem(404, "no_such_batch")


def test_a_request_sent_twice_is_one_undo(api: Call, post: Call, world: World, batches: tuple[UUID, UUID]) -> None:
    first, _ = batches
    plan = post(path_of(first), {"dryRun": True}).body["planHash"]
    headers = {"content-type": "application/json", "idempotency-key": "once"}
    for _ in range(2):
        answer = api("POST", path_of(first), body=json.dumps({"planHash": plan, "reason": REASON}), headers=headers)
        assert (answer.status, answer.body) == (202, {"batchId": str(first)})
    assert world.count("SELECT count(*) FROM undos") == 1


def test_a_large_undo_is_planned_outside_the_request(
    get: Call, post: Call, monkeypatch: pytest.MonkeyPatch, batches: tuple[UUID, UUID]
) -> None:
    monkeypatch.setattr("api.undo_operations.MOST_ROWS", 2)
    first, _ = batches
    assert (post(path_of(first), {"dryRun": True}).status, get(path_of(first)).body["state"]) == (202, "planning")
    carry_out(first)
    found = get(path_of(first)).body
    assert (found["state"], found["removes"], found["restores"], found["keeps"]) == ("planned", 2, 0, 1)
    assert len(found["kept"]["items"]) == 1
    assert post(path_of(first), {"planHash": "0" * 64, "reason": REASON}).is_problem(409, "plan_stale")
    assert post(path_of(first), {"planHash": found["planHash"], "reason": REASON}).status == 202
    carry_out(first, 2)
    assert get(path_of(first)).body["state"] == "completed"


@pytest.mark.parametrize("language", ["en", "nb"])
def test_a_page_shows_the_plan_and_asks_for_a_reason(
    api: Call, see: Any, batches: tuple[UUID, UUID], emptied: None, language: str
) -> None:
    first, second = batches
    path = f"/batches/{first}/undo"
    assert path in [link["href"] for link in see(f"/batches/{first}", language=language).all("a")]
    asking = see(path, language=language)
    assert f"/batches/{second}" in [link["href"] for link in asking.all("a")]
    fields = {field["name"]: field for field in asking.all("input")}
    assert "required" in fields["reason"]
    plan = fields["planHash"]["value"]
    assert api("POST", path, body=urlencode({"planHash": plan, "reason": " "}), headers=FORM).status == 422
    answer = api("POST", path, body=urlencode({"planHash": plan, "reason": REASON}), headers=FORM)
    assert (answer.status, answer.headers["Location"]) == (303, f"/batches/{first}")
    assert f"/batches/{first}/live" in [part.get("hx-get") for part in see(f"/batches/{first}").all("div")]
    carry_out(first)
    after = see(f"/batches/{first}", language=language)
    assert path in [link["href"] for link in after.all("a")], "one row was kept"
    assert REASON in after.text
    assert see("/", language=language)


def test_a_page_has_a_large_undo_planned(
    api: Call, see: Any, monkeypatch: pytest.MonkeyPatch, batches: tuple[UUID, UUID], emptied: None
) -> None:
    for place in ("api.undo_operations.MOST_ROWS", "dashboard.undo_pages.MOST_ROWS"):
        monkeypatch.setattr(place, 2)
    first, _ = batches
    path = f"/batches/{first}/undo"
    assert f"{path}/plan" in [form["action"] for form in see(path).all("form")]
    assert api("POST", f"{path}/plan", headers=FORM).status == 303
    assert f"{path}/plan" in [part.get("hx-get") for part in see(path).all("div")]
    assert api("POST", path, body=urlencode({"reason": REASON}), headers=FORM).status == 409
    carry_out(first)
    assert [field["name"] for field in see(f"{path}/plan").all("input")] == ["planHash", "reason"]


def test_another_sites_page_undoes_nothing(api: Call, world: World, batches: tuple[UUID, UUID]) -> None:
    headers = {**FORM, "sec-fetch-site": "cross-site"}
    body = urlencode({"planHash": "x", "reason": REASON})
    answer = api("POST", f"/batches/{batches[0]}/undo", body=body, headers=headers)
    assert answer.status == 403
    assert world.count("SELECT count(*) FROM undos") == 0
