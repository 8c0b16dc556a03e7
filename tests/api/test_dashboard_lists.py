"""The timeline, lineage and programmes: what is listed, drawn and summed up."""

import re
from datetime import timedelta
from typing import Any

import pytest

from dashboard.reader_language import texts
from tests.api.api_calls import Call
from tests.api.full_world import everything
from tests.api.html import Html
from tests.api.world import NOW, World


def entries(page: Html) -> list[str]:
    """Ids of the uploads that a list shows."""
    return [link["id"].removeprefix("entry-") for link in page.all("a") if link.get("class") == "file"]


@pytest.mark.parametrize("query", [{}, {"programme": "mentors_ukraine"}, {"show": "completed"}])
def test_pages_of_the_timeline_hold_every_import_once(see: Any, world: World, query: dict[str, str]) -> None:
    uploads = []
    for n in range(120):
        at = NOW + timedelta(microseconds=n // 7)
        upload = world.upload(created_at=at)
        uploads.append(str(upload))
        world.batch(upload_id=upload, created_at=at)
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = see("/", **query, **cursor)
        seen += entries(page)
        older = [link["href"] for link in page.all("a") if link.get("rel") == "next"]
        if not older:
            break
        cursor = {"cursor": older[0].rpartition("cursor=")[2]}
    assert sorted(seen) == sorted(uploads)


def test_the_filters_of_the_timeline(see: Any, world: World) -> None:
    failed = world.upload()
    world.batch(upload_id=failed, status="failed", program_instance_id=world.instance("run-1"))
    world.batch(program_type="kintell_users")
    refused = world.upload(state="refused", refusal_code="empty_file", refusal_message="The file has no rows.")
    assert len(entries(see("/"))) == 3
    assert entries(see("/", show="failed")) == [str(failed)]
    assert entries(see("/", show="refused")) == [str(refused)]
    assert entries(see("/", programme="mfu")) == [str(failed)]
    assert entries(see("/", instance="run-1", show="failed", programme="mentors_ukraine")) == [str(failed)]
    assert entries(see("/", instance="run-2")) == []
    assert texts("en")["filter.no_programme"] in see("/", show="refused", programme="mfu").text


@pytest.mark.parametrize(
    ("until", "shown"), [("2024-12-02", 3), ("2024-12-01", 2), ("2024-11-30", 0), ("9999-12-31", 3), ("yesterday", 3)]
)
def test_the_list_begins_at_a_day(see: Any, world: World, until: str, shown: int) -> None:
    for at in (NOW, NOW + timedelta(hours=11, minutes=59), NOW + timedelta(hours=12)):
        world.batch(upload_id=world.upload(created_at=at), created_at=at)
    assert len(entries(see("/", until=until))) == shown
    assert len(entries(see("/", until=until, programme="mentors_ukraine"))) == shown


def test_the_list_asks_again_only_while_something_runs(see: Any, world: World) -> None:
    world.batch()
    assert "hx-get" not in see("/").all("div")[1]
    world.batch(status="running")
    (request,) = [element["hx-get"] for element in see("/", show="running").all("div") if "hx-get" in element]
    assert request == "/imports/list?show=running"


# Lineage and programmes -----------------------------------------------------------------------------------------------


def test_what_changed_between_versions_is_marked(see: Any, world: World) -> None:
    page = see(everything(world)["session"])
    marked = [cell for cell in page.all("td") if cell.get("class") == "changed"]
    # Scheduled, rating, feedback, focus, topics and metadata of the later version; nothing of the earlier.
    assert len(marked) == 6
    assert "row 1, line 2" in page.text
    assert "row 3, line 4" in page.text


def test_a_session_with_many_versions_shows_some_at_a_time_and_marks_changes_across_pages(
    see: Any, world: World
) -> None:
    instance, batch = world.instance("mentors-ukraine-2024"), world.batch()
    people = world.user("oksana@example.org"), world.user("kari@example.org", "volunteer")
    session = world.session(batch, 9, instance, people, inserted_by=(batch, 101), version=46)
    for version in range(1, 46):
        world.earlier(session, version, batch, 100 + version, instance, by=batch)
    query: dict[str, str] = {}
    for columns in (21, 20, 5):
        page = see(f"/sessions/{session}", **query)
        # Each was scheduled on another day; only the very first replaced nothing.
        marked = [cell for cell in page.all("td") if cell.get("class") == "changed"]
        assert len(marked) == columns - (columns == 5)
        older = [link["href"] for link in page.all("a") if link.get("rel") == "next"]
        query = {"cursor": older[0].partition("cursor=")[2]} if older else {}
    assert not query


@pytest.mark.parametrize("named", ["{id}", "mentors_ukraine:{external}", "mfu:{external}"])
def test_a_session_is_found_by_any_of_its_names(api: Call, world: World, named: str) -> None:
    path = everything(world, "a/b ø")["session"]
    asked_for = named.format(id=path.rpartition("/")[2], external="MS a/b ø")
    answer = api("GET", "/lineage", {"id": asked_for})
    assert (answer.status, answer.headers["Location"]) == (303, path)


def test_the_graph_has_a_box_for_each_node_and_a_list_that_says_the_same(see: Any, world: World) -> None:
    page = see(everything(world)["graph"])
    kinds = [box["class"].removeprefix("node is-") for box in page.all("rect") if "node" in box.get("class", "")]
    assert sorted(kinds) == ["batch", "batch", "file", "programInstance", "sessions"]
    assert sum(path.get("class") == "line" for path in page.all("path")) == 4


def test_the_list_beside_the_graph_says_who_corrects_whom(see: Any, world: World) -> None:
    first = world.batch(file_name="first.csv")
    second = world.batch(file_name="second.csv", parent_batch_id=first)
    world.batch(file_name="third.csv", parent_batch_id=second)
    text = see(f"/batches/{second}/lineage").text.partition("As a list")[2]
    assert re.search(r"Corrects\s+first\.csv", text)
    assert re.search(r"Import\s+second\.csv", text)
    assert re.search(r"Corrected by\s+third\.csv", text)


def test_a_batch_with_many_corrections_is_still_a_picture(see: Any, world: World) -> None:
    parent = world.batch()
    for _ in range(15):
        world.batch(parent_batch_id=parent)
    page = see(f"/batches/{parent}/lineage")
    assert sum("is-batch" in box.get("class", "") for box in page.all("rect")) < 12
    assert sum(link["href"].startswith("/batches/") for link in page.all("a")) > 20


def test_a_programme_adds_up_to_its_files(see: Any, world: World) -> None:
    instance = world.instance("run-1")
    people = (world.user("a@example.org"), world.user("v@example.org", "volunteer"))
    batch = world.batch(
        program_instance_id=instance, total_rows=3, inserted_rows=3, updated_rows=0, skipped_rows=0, error_rows=0
    )
    world.batch(program_instance_id=instance, dry_run=True)
    for row in (1, 2):
        world.session(batch, row, instance, people, scheduled_at=NOW - timedelta(days=70 * row))
    assert "This instance has 2 sessions, while its files added 3" in see("/programmes/run-1/sessions").text
    world.session(batch, 3, instance, people)
    page = see("/programmes/run-1/sessions")
    assert "The numbers add up: the instance has 3 sessions" in page.text
    drawn = [bar for bar in page.all("rect") if bar["class"] == "bar-of-chart"]
    assert len(drawn) == 3
    # A year has names, the months in which nothing happened too.
    assert sum(text.get("class") == "label" for text in page.all("text")) == 12 + 1
    assert "Dec 2024: 1 session" in page.text
    assert "3" in see("/programmes/run-1").text


def test_every_session_of_a_programme_stands_in_one_of_its_files(see: Any, world: World) -> None:
    instance, other = world.instance("run-1"), world.instance("run-2")
    people = (world.user("a@example.org"), world.user("v@example.org", "volunteer"))
    row = 0
    for number in range(12):
        batch = world.batch(program_instance_id=instance, file_name=f"file {number:02}.csv")
        for _ in range(1 + number):
            row += 1
            world.session(batch, row, instance, people)
    world.session(batch, row + 1, other, people)
    page = see("/programmes/run-1/sessions")
    # 1 + 2 + … + 12, those of the two smallest files together.
    assert re.findall(r"file (\d\d)\.csv.*?(\d+)\n", page.text, re.DOTALL)[0] == ("11", "12")
    assert re.search(r"2 other files\s*3\s", page.text)
    assert re.search(r"Total\s*78\s", page.text)
    assert "file 01.csv" not in page.text


def test_the_bar_of_good_skipped_and_bad_rows(see: Any, world: World) -> None:
    world.batch(total_rows=100_000, inserted_rows=79_999, updated_rows=0, skipped_rows=20_000, error_rows=1)
    bars = {bar["class"]: (bar["width"], bar.get("x", "0")) for bar in see("/").all("rect")}
    assert bars == {"empty": ("100", "0"), "good": ("79.0", "0"), "same": ("20.0", "79.0"), "bad": ("1.0", "99.0")}
