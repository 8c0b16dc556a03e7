"""The sessions of a batch, and where a session came from."""

from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest

from tests.api.api_calls import Call, walk
from tests.api.world import NOW, World

SESSION_FIELDS = [
    "id",
    "externalSessionId",
    "programType",
    "programInstance",
    "rowNumber",
    "outcome",
    "participantEmail",
    "volunteerEmail",
    "scheduledAt",
    "completedAt",
    "durationMinutes",
    "rating",
    "feedbackText",
    "focusArea",
    "languageLevel",
    "topics",
    "metadata",
]


class History:
    """MS-1 inserted by row 1 of the first file and updated twice: by its row 3, and by row 1 of the second file.

    MS-2 inserted by row 2 of the first file and left alone.
    """

    def __init__(self, world: World) -> None:
        self.instance = world.instance("mentors-ukraine-2024")
        self.people = world.user("oksana@example.org"), world.user("kari@example.org", "volunteer")
        self.first, self.second = world.batch(), world.batch(file_name="again.csv", imported_by=None)
        self.ms1 = world.session(
            self.second,
            1,
            self.instance,
            self.people,
            inserted_by=(self.first, 1),
            version=3,
            external_session_id="MS-1",
            completed_at=NOW,
            duration_minutes=45,
            rating=0.75,
            feedback_text="Дякую",
            focus_area="career",
            topics=["cv", "intervju"],
            metadata={"room": 2},
        )
        world.earlier(self.ms1, 1, self.first, 1, self.instance, by=self.first)
        world.earlier(self.ms1, 2, self.first, 3, self.instance, by=self.second)
        self.ms2 = world.session(self.first, 2, self.instance, self.people)


@pytest.fixture
def history(world: World) -> History:
    return History(world)


def test_a_batch_has_one_session_for_each_row_that_inserted_or_updated(get: Call, history: History) -> None:
    first = walk(get, f"/v1/import/batches/{history.first}/sessions", limit=1)
    assert [(s["rowNumber"], s["externalSessionId"], s["outcome"], s["id"]) for s in first] == [
        (1, "MS-1", "inserted", str(history.ms1)),
        (2, "MS-2", "inserted", str(history.ms2)),
        (3, "MS-1", "updated", str(history.ms1)),
    ]
    assert [s["scheduledAt"] for s in first] == ["2024-11-30T12:00:00Z", "2024-12-01T12:00:00Z", "2024-11-29T12:00:00Z"]
    (second,) = get(f"/v1/import/batches/{history.second}/sessions").body["items"]
    assert list(second) == SESSION_FIELDS
    assert second == {
        "id": str(history.ms1),
        "externalSessionId": "MS-1",
        "programType": "mentors_ukraine",
        "programInstance": "mentors-ukraine-2024",
        "rowNumber": 1,
        "outcome": "updated",
        "participantEmail": "oksana@example.org",
        "volunteerEmail": "kari@example.org",
        "scheduledAt": "2024-12-01T12:00:00Z",
        "completedAt": "2024-12-01T12:00:00Z",
        "durationMinutes": 45,
        "rating": 0.75,
        "feedbackText": "Дякую",
        "focusArea": "career",
        "languageLevel": None,
        "topics": ["cv", "intervju"],
        "metadata": {"room": 2},
    }


def test_a_roster_has_no_sessions(get: Call, world: World) -> None:
    roster = world.batch(program_type="kintell_users")
    assert get(f"/v1/import/batches/{roster}/sessions").body == {"items": [], "nextCursor": None}


def test_a_session_leads_to_its_row_and_file_and_to_what_it_was_before(get: Call, history: History) -> None:
    body = get(f"/v1/sessions/{history.ms1}/lineage").body

    assert list(body) == ["session", "batch", "row", "file", "importedBy", "importedAt", "earlierVersions"]
    assert body["session"]["version"] == 3
    assert body["session"]["focusArea"] == "career"
    assert body["batch"]["batchId"] == str(history.second)
    assert body["row"] == {"number": 1, "line": 2}
    assert body["file"].keys() == {"name", "key", "versionId", "sha256"}
    assert body["file"]["name"] == "again.csv"
    assert (body["importedBy"], body["importedAt"]) == (None, "2024-12-01T12:00:02Z")
    earlier = body["earlierVersions"]
    assert [(v["session"]["version"], v["row"]["number"], v["batch"]["batchId"]) for v in earlier] == [
        (2, 3, str(history.first)),
        (1, 1, str(history.first)),
    ]
    assert all(v.keys() == {"session", "batch", "row", "file", "replacedAt"} for v in earlier)
    assert {v["session"]["participantEmail"] for v in earlier} == {"oksana@example.org"}


@pytest.mark.parametrize("programme", ["mentors_ukraine", "mfu", "Mentors-Ukraine"])
@pytest.mark.parametrize(
    "external_id",
    ["MS-1", "a/b", "a:b", "100%", "%2F", "x y+z", "Ґ№1", "a?b#c", "😀", 'q"uote', "x/lineage", "\n", "12"],
)
def test_a_session_is_found_by_its_programme_and_any_id(
    get: Call, world: World, history: History, programme: str, external_id: str
) -> None:
    ours = (
        world.session(history.first, 9, history.instance, history.people, external_session_id=external_id)
        if external_id != "MS-1"
        else history.ms1
    )
    asked_for = f"{programme}:{external_id}"

    # API Gateway decodes the path, all but the percent sign; a path that is still encoded means the same.
    for sent in (asked_for.replace("%", "%25"), quote(asked_for, safe="")):
        body = get(f"/v1/sessions/{sent}/lineage").body
        assert body["session"]["id"] == str(ours)
        assert body["session"]["externalSessionId"] == external_id


@pytest.mark.parametrize(
    "session_id", ["99", "9" * 18, "9" * 19, "9" * 40, "٣", "mentors_ukraine:MS-9", "mars:MS-1", "MS-1", "lfu:MS-1"]
)
def test_a_session_that_is_not_there(get: Call, history: History, session_id: str) -> None:
    answer = get(f"/v1/sessions/{session_id}/lineage")
    assert answer.is_problem(404, "no_such_session")
    assert session_id in answer.body["detail"]


def graph(get: Call, batch: UUID) -> tuple[dict[str, Any], set[tuple[str, str, str]]]:
    body = get(f"/v1/import/batches/{batch}/lineage").body
    assert all({"id", "type", "label"} <= node.keys() for node in body["nodes"])
    nodes = {node["id"]: node for node in body["nodes"]}
    edges = {(edge["from"], edge["to"], edge["type"]) for edge in body["edges"]}
    assert len(nodes) == len(body["nodes"])
    assert {end for edge in edges for end in edge[:2]} == nodes.keys()
    return nodes, edges


def test_the_graph_of_a_batch_has_its_file_its_sessions_its_instance_and_its_kin(get: Call, world: World) -> None:
    instance = world.instance("mentors-ukraine-2024")
    people = world.user("oksana@example.org"), world.user("kari@example.org", "volunteer")
    parent = world.batch()
    batch = world.batch(parent_batch_id=parent, program_instance_id=instance)
    child = world.batch(parent_batch_id=batch, status="running")
    world.batch(parent_batch_id=parent)
    world.session(batch, 1, instance, people)

    nodes, edges = graph(get, batch)

    me = f"batch:{batch}"
    (file,) = (node for node in nodes.values() if node["type"] == "file")
    assert edges == {
        (file["id"], me, "importedAs"),
        (me, f"sessions:{batch}", "wrote"),
        (me, "programInstance:mentors-ukraine-2024", "belongsTo"),
        (f"batch:{parent}", me, "correctedBy"),
        (me, f"batch:{child}", "correctedBy"),
    }
    sessions = nodes[f"sessions:{batch}"]
    assert (sessions["inserted"], sessions["updated"], sessions["count"], sessions["current"]) == (6, 1, 7, 1)
    assert nodes[f"batch:{child}"]["status"] == "running"


@pytest.mark.parametrize(
    ("values", "kind", "count"),
    [
        pytest.param({"program_type": "kintell_users"}, "people", 7, id="a roster"),
        pytest.param({"dry_run": True}, "sessions", 0, id="a dry run"),
        pytest.param({"status": "pending"}, "sessions", 0, id="not started"),
    ],
)
def test_the_graph_counts_what_was_written(
    get: Call, world: World, values: dict[str, Any], kind: str, count: int
) -> None:
    batch = world.batch(**values)
    nodes, _ = graph(get, batch)
    assert nodes[f"{kind}:{batch}"]["count"] == count


def test_the_earlier_versions_of_a_session_come_a_page_at_a_time(get: Call, world: World, history: History) -> None:
    given: dict[str, Any] = {"inserted_by": (history.first, 101), "version": 501, "external_session_id": "MS-7"}
    often = world.session(history.second, 7, history.instance, history.people, **given)
    for version in range(1, 501):
        world.earlier(often, version, history.first, 100 + version, history.instance, by=history.first)
    world.db.run("UPDATE kintell_session_versions SET feedback_text = repeat('ї', 15000) WHERE version > 300")
    path, seen, cursor, pages = f"/v1/sessions/{often}/lineage", list[int](), None, list[int]()
    while True:
        answer = get(path, limit=200, **({"cursor": cursor} if cursor else {}))
        assert len(answer.text.encode()) < 5_000_000
        assert answer.body["session"]["version"] == 501
        seen += [version["session"]["version"] for version in answer.body["earlierVersions"]]
        pages.append(len(answer.body["earlierVersions"]))
        cursor = answer.body.get("nextCursor")
        if cursor is None:
            break
    assert seen == list(range(500, 0, -1))
    assert pages[0] < 200, "what does not fit is on the next page"
    assert len(get(path).body["earlierVersions"]) == 50
    assert get(path, limit=201).is_problem(422, "invalid_request")
    other = get(f"/v1/import/batches/{history.first}/sessions", limit=1).body["nextCursor"]
    assert get(path, cursor=other).is_problem(422, "invalid_cursor")
    assert "nextCursor" not in get(f"/v1/sessions/{history.ms1}/lineage").body


def test_the_sessions_of_a_person_are_found_by_an_address_that_stands_in_no_url(
    post: Call, world: World, history: History
) -> None:
    path = "/v1/sessions/search"
    body = post(path, {"email": " OKSANA@example.org "}).body
    assert [session["externalSessionId"] for session in body["items"]] == ["MS-1", "MS-2"]
    assert {session["participantEmail"] for session in body["items"]} == {"oksana@example.org"}
    assert body["nextCursor"] is None
    first = post(path, {"email": "kari@example.org", "limit": 1}).body
    second = post(path, {"email": "kari@example.org", "limit": 1, "cursor": first["nextCursor"]}).body
    assert [page["items"][0]["externalSessionId"] for page in (first, second)] == ["MS-1", "MS-2"]
    person = UUID(int=history.people[0])
    trail = world.db.run("SELECT action, resource_type, resource_id, details FROM audit_logs ORDER BY id LIMIT 1")
    assert trail == [["person_looked_up", "person", person, {"sessions": 2}]]
    assert "oksana" not in str(world.db.run("SELECT to_jsonb(a)::text FROM audit_logs a"))


def test_a_search_that_finds_nobody_is_no_look_at_anybody(post: Call, world: World, history: History) -> None:
    path = "/v1/sessions/search"
    assert post(path, {"email": "nobody@example.org"}).body == {"items": [], "nextCursor": None}
    for body in ({"email": "nobody"}, {"email": ""}, {}, {"email": "a@example.org", "limit": 201}, {"email": None}):
        assert post(path, body).is_problem(422, "invalid_request")
    assert post(path, {"email": "oksana@example.org", "cursor": "x"}).is_problem(422, "invalid_cursor")
    assert world.db.run("SELECT count(*) FROM audit_logs") == [[0]]
