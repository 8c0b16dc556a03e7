"""Lists and totals: pages, the indexes that serve them, sums."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from ingestion.database.queries import lineage, lists
from tests.api.api_calls import Call, walk
from tests.api.world import NOW, World


def many_batches(world: World, count: int) -> list[str]:
    """Batches of which five share each timestamp; their ids newest first."""
    made = [
        (NOW + timedelta(microseconds=n // 5), world.batch(created_at=NOW + timedelta(microseconds=n // 5)))
        for n in range(count)
    ]
    return [str(batch) for _, batch in sorted(made, reverse=True)]


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 12, 200])
def test_pages_hold_every_batch_once_however_many_share_a_timestamp(get: Call, world: World, limit: int) -> None:
    newest_first = many_batches(world, 12)
    assert [item["batchId"] for item in walk(get, "/v1/import/batches", limit=limit)] == newest_first


@pytest.mark.parametrize("limit", [1, 4, 7])
def test_filtered_pages_hold_every_batch_that_passes_once(get: Call, world: World, limit: int) -> None:
    instance = world.instance("mentors-ukraine-2024")
    expected = [
        str(world.batch(status=("completed", "failed")[n % 2], program_instance_id=instance)) for n in range(10)
    ][1::2]
    path = "/v1/program-instances/mentors-ukraine-2024/batches"
    found = [item["batchId"] for item in walk(get, path, limit=limit) if item["status"] == "failed"]
    query = {"status": "failed", "programType": "mfu", "programInstance": "mentors-ukraine-2024"}
    assert found == [item["batchId"] for item in walk(get, "/v1/import/batches", limit=limit, **query)]
    assert sorted(found) == sorted(expected)


def test_what_arrives_while_somebody_reads_moves_nothing(get: Call, world: World) -> None:
    newest_first = many_batches(world, 9)
    seen: list[str] = []
    cursor: dict[str, str] = {}
    for _ in range(5):
        page = get("/v1/import/batches", limit=2, **cursor).body
        seen += [item["batchId"] for item in page["items"]]
        world.batch(created_at=NOW + timedelta(days=1))
        if page["nextCursor"]:
            cursor = {"cursor": page["nextCursor"]}
    assert seen == newest_first
    assert page["nextCursor"] is None


def test_pages_of_uploads_and_instances(get: Call, world: World) -> None:
    uploads = sorted(str(world.upload(state="waiting")) for _ in range(7))
    assert [item["uploadId"] for item in walk(get, "/v1/import/uploads", limit=3)] == uploads[::-1]
    slugs = [f"run-{n}" for n in range(7)]
    for slug in slugs:
        world.instance(slug)
    assert [item["slug"] for item in walk(get, "/v1/program-instances", limit=3)] == slugs[::-1]


def test_pages_of_sessions_follow_the_rows(get: Call, world: World) -> None:
    instance = world.instance("mentors-ukraine-2024")
    people = world.user("oksana@example.org"), world.user("kari@example.org", "volunteer")
    batch, later = world.batch(), world.batch()
    for row in (5, 3, 11, 2, 7):
        world.session(batch, row, instance, people)
    for row in (4, 10, 1):
        given: dict[str, Any] = {"inserted_by": (batch, row), "external_session_id": f"L-{row}", "version": 2}
        taken_over = world.session(later, row, instance, people, **given)
        world.earlier(taken_over, 1, batch, row, instance, by=later)
    for limit in (1, 2, 3, 8):
        found = walk(get, f"/v1/import/batches/{batch}/sessions", limit=limit)
        assert [item["rowNumber"] for item in found] == [1, 2, 3, 4, 5, 7, 10, 11]


def test_a_cursor_is_good_for_lists_of_its_kind_only(get: Call, world: World) -> None:
    instance = world.instance("mentors-ukraine-2024")
    people = world.user("oksana@example.org"), world.user("kari@example.org", "volunteer")
    batch = world.batch()
    for row in (1, 2):
        world.session(batch, row, instance, people)
    of_rows = get(f"/v1/import/batches/{batch}/sessions", limit=1).body["nextCursor"]
    assert get("/v1/program-instances", cursor=of_rows).is_problem(422, "invalid_cursor")
    assert get("/v1/import/uploads", cursor=of_rows).is_problem(422, "invalid_cursor")


def test_a_page_holds_fifty_unless_told_otherwise(get: Call, world: World) -> None:
    for _ in range(51):
        world.upload(state="waiting")
    page = get("/v1/import/uploads").body
    assert len(page["items"]) == 50
    assert len(get("/v1/import/uploads", cursor=page["nextCursor"]).body["items"]) == 1


PLANS: dict[str, tuple[str, dict[str, Any], str]] = {
    "batches": (lists.BATCHES, {}, "batches_newest_first"),
    "batches in a state": (lists.BATCHES, {"status": "failed"}, "batches_by_status"),
    "batches of a programme": (lists.BATCHES, {"program_type": "kintell_users"}, "batches_of_programme"),
    "batches of an instance": (lists.BATCHES, {"slug": "run-1"}, "batches_of_instance"),
    "uploads": (lists.UPLOADS, {}, "uploads_newest_first"),
    "uploads in a state": (lists.UPLOADS, {"state": "refused"}, "uploads_by_state"),
}


@pytest.mark.parametrize("name", PLANS)
def test_a_page_deep_in_a_list_is_found_by_an_index(world: World, name: str) -> None:
    sql, given, index = PLANS[name]
    place = {"limit": 51, "at": NOW, "id": uuid4()}
    if sql is lists.BATCHES:
        place = {"status": None, "program_type": None, "slug": None, **place, **given}
    else:
        place = {"state": None, **place, **given}
    plan = explain(world, sql, place)
    assert any(f"using {index} " in line for line in plan), plan
    conditions = [line for line in plan if "ROW(" in line]
    assert conditions
    assert all(line.startswith("Index Cond") for line in conditions), plan
    assert not any("IS NULL" in line for line in plan), plan


def test_sessions_deep_in_a_batch_are_found_by_an_index(world: World) -> None:
    plan = explain(world, lineage.SESSIONS_OF_BATCH, {"batch_id": uuid4(), "limit": 51, "after": 100_000})
    for index in ("kintell_sessions_pkey", "one_session_per_later_row", "later_session_versions_of_batch"):
        assert any(index in line for line in plan), plan
    assert any("session_versions_of_batch" in line for line in plan), plan


def explain(world: World, sql: str, given: dict[str, Any]) -> list[str]:
    """The plan as of a large table, which these are not."""
    world.db.run("BEGIN")
    for switch in ("enable_seqscan", "enable_bitmapscan", "enable_sort"):
        world.db.run(f"SET LOCAL {switch} = off")
    plan = [row[0].strip().removeprefix("-> ").strip() for row in world.db.run(f"EXPLAIN {sql}", **given)]
    world.db.run("ROLLBACK")
    return plan


# Instances ------------------------------------------------------------------------------------------------------------


def test_program_instances(get: Call, world: World) -> None:
    world.instance("language-ukraine-2024-11", "language_ukraine")
    (instance,) = get("/v1/program-instances").body["items"]
    assert instance.keys() == {
        "id", "slug", "name", "programType", "startsOn", "endsOn", "owner", "createdAt",
    }  # fmt: skip
    assert (instance["slug"], instance["programType"]) == ("language-ukraine-2024-11", "language_ukraine")


@pytest.mark.parametrize("slug", ["never-heard-of", "å b", "x%25y"])
def test_an_instance_that_is_not_there(get: Call, slug: str) -> None:
    assert get(f"/v1/program-instances/{slug}/batches").is_problem(404, "no_such_program_instance")


# Totals ---------------------------------------------------------------------------------------------------------------

SUMS = ("batches", "totalRows", "successRows", "errorRows", "skippedRows", "insertedRows", "updatedRows")


def sums(get: Call, **query: str) -> tuple[int, ...]:
    body = get("/v1/import/summary", **query).body
    assert body["totalRows"] == body["successRows"] + body["errorRows"] + body["skippedRows"]
    return tuple(body[name] for name in SUMS)


def test_totals_are_of_finished_batches_that_were_no_dry_runs(get: Call, world: World) -> None:
    world.batch()
    world.batch(status="archived")
    world.batch(status="failed", inserted_rows=0, updated_rows=0, skipped_rows=0, error_rows=10)
    world.batch(status="running")
    world.batch(dry_run=True)
    body = get("/v1/import/summary").body
    assert sums(get) == (3, 30, 14, 14, 2, 12, 2)
    assert (body["failedBatches"], body["unfinishedBatches"], body["dryRuns"]) == (1, 1, 1)


def test_there_are_totals_of_nothing(get: Call) -> None:
    assert sums(get) == (0,) * 7


@pytest.mark.parametrize(
    ("query", "batches"),
    [
        pytest.param({"from": "2024-12-01"}, 2, id="from a date: with its first moment"),
        pytest.param({"from": "2024-12-01T12:00:00Z"}, 1, id="from a time: with that moment"),
        pytest.param({"to": "2024-12-01"}, 2, id="to a date: with all of it"),
        pytest.param({"to": "2024-12-01T12:00:00Z"}, 1, id="to a time: without that moment"),
        pytest.param({"from": "2024-12-01", "to": "2024-12-01"}, 2, id="one day"),
        pytest.param({"from": "2024-12-01T13:00:00+01:00"}, 1, id="with an offset"),
        pytest.param({"from": "2024-12-01T12:00:00"}, 1, id="without an offset: UTC"),
        pytest.param({"from": "2025-01-01", "to": "2024-01-01"}, 0, id="the wrong way round"),
        pytest.param({"programType": "language-ukraine"}, 1, id="of a programme"),
        pytest.param({"programType": "users"}, 0, id="of a programme without batches"),
    ],
)
def test_totals_of_a_time_or_a_programme(get: Call, world: World, query: dict[str, str], batches: int) -> None:
    world.batch(created_at=NOW)
    world.batch(created_at=NOW.replace(hour=0), program_type="language_ukraine")
    assert sums(get, **query)[0] == batches


@pytest.mark.parametrize("name", ["from", "to"])
@pytest.mark.parametrize("text", ["", "2024", "yesterday", "13.11.2024", "9999-12-31", "0001-01-01", "1700000000"])
def test_a_time_that_is_none(get: Call, name: str, text: str) -> None:
    answer = get("/v1/import/summary", **{name: text})
    assert answer.is_problem(422, "invalid_request")
    assert answer.body["errors"][0]["field"] == name


def test_totals_of_an_unknown_programme(get: Call) -> None:
    assert get("/v1/import/summary", programType="mars").is_problem(422, "unknown_program")


def test_a_page_ends_early_before_it_is_more_than_a_function_may_answer(
    get: Call, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.cursors.MAX_PAGE_BYTES", 30_000)
    instance = world.instance("mentors-ukraine-2024")
    people = world.user("oksana@example.org"), world.user("kari@example.org", "volunteer")
    batch = world.batch()
    for row in range(1, 8):
        world.session(batch, row, instance, people, feedback_text="ї" * 5_000 * (row % 4))
    path = f"/v1/import/batches/{batch}/sessions"
    assert 1 <= len(get(path).body["items"]) < 7
    assert [item["rowNumber"] for item in walk(get, path)] == [1, 2, 3, 4, 5, 6, 7]
