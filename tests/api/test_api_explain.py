"""Explanations by API: their shape, whose eyes they are for, and what the trail keeps of each look."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from api import verification_routes
from ingestion.csv_file.file_limits import Limits
from ingestion.csv_file.file_pass import FilePass
from ingestion.database.tables import verifications
from tests.api.api_calls import Call
from tests.api.full_world import BROWSER
from tests.api.test_api_documents import fits
from tests.api.world import REGION, UPLOADS, WORK, World

FILE = (
    b"Session ID,participant_email,mentor_email,scheduled_at,rating,feedback_text\n"
    b'MS-1,anna@example.org,ole@example.org,2024-12-01T12:00:00Z,"4,5","two\nlines"\n'
    b"\n"
    b"MS-2,anna@example.org,ole@example.org,2024-12-01T12:00:00Z,9,\n"
    b"MS-3,anna@example.org\n"
)

COUNTS = {"inserted_rows": 1, "updated_rows": 0, "skipped_rows": 0}


@pytest.fixture
def batch(world: World, buckets: Any) -> UUID:
    """A batch of the file, with one session."""
    one_pass = FilePass(Limits(), frozenset({"session_id", "participant_email"}), lambda text: None)
    one_pass.feed(FILE)
    scanned = one_pass.finish()
    buckets.put_object(Bucket=UPLOADS, Key="incoming/x.csv", Body=FILE)
    upload = world.upload(key="incoming/x.csv", version_id="null")
    batch = world.batch(
        upload_id=upload,
        format=scanned.format.model_dump(),
        rating_scale="one_to_five",
        total_rows=3,
        **COUNTS,
        error_rows=2,
    )
    for span in scanned.chunks:
        world.chunk(batch, span.number, span=span.model_dump(), first_row=span.first_row, rows=span.rows)
    return batch


@pytest.fixture
def session(world: World, batch: UUID) -> int:
    people = (world.user("anna@example.org"), world.user("ole@example.org", "volunteer"))
    return world.session(batch, 1, world.instance("run-1"), people, rating=0.875, feedback_text="two\nlines")


def field_of(body: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(field for field in body["fields"] if field["field"] == name)
    return found


def test_a_session_is_explained_field_by_field(get: Call, world: World, batch: UUID, session: int) -> None:
    body = get(f"/v1/sessions/{session}/explain").body
    assert body["session"]["externalSessionId"] == "MS-1"
    assert body["batch"]["batchId"] == str(batch)
    assert body["file"]["key"] == "incoming/x.csv"
    start = FILE.index(b'"4,5"')
    assert field_of(body, "rating") == {
        "field": "rating",
        "value": 0.875,
        "header": "rating",
        "text": "4,5",
        "cell": "E2",
        "row": 1,
        "line": 2,
        "bytes": {"from": start, "to": start + 5},
        "rule": "The rating from 0 to 1: (rating − 1) / 4, since the file rates from 1 to 5.",
    }
    assert field_of(body, "scheduled_at")["value"] == "2024-12-01T12:00:00Z" == body["session"]["scheduledAt"]
    assert field_of(body, "session_id")["header"] == "Session ID"
    assert field_of(body, "focus_area")["header"] is None
    assert world.db.run("SELECT actor, action, batch_id, details FROM audit_logs") == [
        ["local", "original_row_shown", batch, {"sessionId": str(session), "version": 1, "rowNumber": 1}]
    ]


def test_a_rejected_row_is_explained_with_its_faults(get: Call, batch: UUID) -> None:
    body = get(f"/v1/import/batches/{batch}/rows/2/explain").body
    assert (body["outcome"], body["row"]) == ("rejected", {"number": 2, "line": 5})
    assert [(fault["code"], fault["field"], fault["value"]) for fault in body["faults"]] == [("E006", "rating", "9")]
    assert (field_of(body, "rating")["cell"], field_of(body, "rating")["value"]) == ("E4", None)
    ragged = get(f"/v1/import/batches/{batch}/rows/3/explain").body
    assert (ragged["faults"][0]["code"], ragged["fields"]) == ("E010", [])
    assert ragged["cells"] == ["MS-3", "anna@example.org"]


def test_explanations_fit_the_document(get: Call, batch: UUID, session: int) -> None:
    document = get("/openapi.json").body
    for shape, path in (
        ("SessionExplanation", f"/v1/sessions/{session}/explain"),
        ("RowExplanation", f"/v1/import/batches/{batch}/rows/2/explain"),
        ("RowExplanation", f"/v1/import/batches/{batch}/rows/3/explain"),
    ):
        fits(document, document["components"]["schemas"][shape], get(path).body)


def test_a_row_that_gave_a_session_names_it(get: Call, batch: UUID, session: int) -> None:
    body = get(f"/v1/import/batches/{batch}/rows/1/explain").body
    assert (body["outcome"], body["session"]) == ("inserted", {"id": str(session), "version": 1})


def test_an_unchanged_row_names_the_version_that_has_its_content(
    get: Call, world: World, buckets: Any, batch: UUID, session: int
) -> None:
    chunk = world.db.run("SELECT span FROM chunks")[0][0]
    form = world.db.run("SELECT format FROM ingestion_batches")[0][0]
    upload = world.upload(key="incoming/x.csv", version_id="null", bucket="elsewhere")
    buckets.create_bucket(Bucket="elsewhere", CreateBucketConfiguration={"LocationConstraint": REGION})
    buckets.put_object(Bucket="elsewhere", Key="incoming/x.csv", Body=FILE)
    later = world.batch(upload_id=upload, format=form, rating_scale="one_to_five", total_rows=3, **COUNTS, error_rows=2)
    world.chunk(later, 1, span=chunk, first_row=1, rows=3)
    body = get(f"/v1/import/batches/{later}/rows/1/explain").body
    assert (body["outcome"], body["session"]) == ("unchanged", {"id": str(session), "version": 1})


def test_what_is_not_there_is_a_problem(get: Call, buckets: Any, world: World, batch: UUID, session: int) -> None:
    assert get("/v1/sessions/7/explain").is_problem(404, "no_such_session")
    assert get(f"/v1/sessions/{session}/explain", version=2).is_problem(404, "no_such_session")
    assert get(f"/v1/sessions/{session}/explain", version=0).is_problem(422, "invalid_request")
    assert get(f"/v1/import/batches/{uuid4()}/rows/1/explain").is_problem(404, "no_such_batch")
    for number in ("0", "4", "x", "9" * 30):
        assert get(f"/v1/import/batches/{batch}/rows/{number}/explain").is_problem(404, "no_such_row")
    buckets.delete_object(Bucket=UPLOADS, Key="incoming/x.csv")
    assert get(f"/v1/sessions/{session}/explain").is_problem(410, "original_gone")
    assert world.db.run("SELECT FROM audit_logs") == []


def test_a_batch_is_verified_and_what_differs_is_named(post: Call, world: World, batch: UUID, session: int) -> None:
    path = f"/v1/import/batches/{batch}/verify"
    assert post(path, {}).body == {"checkedRows": 1, "differing": []}
    world.db.run("UPDATE kintell_sessions SET rating = 0.5, feedback_text = NULL")
    assert post(path, {}).body == {
        "checkedRows": 1,
        "differing": [
            {"rowNumber": 1, "field": "rating", "stored": 0.5, "file": 0.875},
            {"rowNumber": 1, "field": "feedback_text", "stored": None, "file": "two\nlines"},
        ],
    }
    audited = world.db.run("SELECT action, batch_id, details FROM audit_logs ORDER BY id")
    assert audited == [
        ["batch_verified", batch, {"checkedRows": 1, "differingValues": 0}],
        ["batch_verified", batch, {"checkedRows": 1, "differingValues": 2}],
    ]


def test_a_stored_row_that_the_file_rejects_differs_as_a_whole(
    post: Call, world: World, batch: UUID, session: int
) -> None:
    world.db.run("UPDATE kintell_sessions SET id = id + 1, row_number = 2")
    body = post(f"/v1/import/batches/{batch}/verify", {}).body
    assert body["differing"] == [{"rowNumber": 2, "field": "row", "stored": "MS-1", "file": None}]


def test_what_cannot_be_verified_is_a_problem(
    post: Call, buckets: Any, batch: UUID, session: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/v1/import/batches/{batch}/verify"
    assert post(f"/v1/import/batches/{uuid4()}/verify", {}).is_problem(404, "no_such_batch")
    monkeypatch.setattr(verification_routes, "MOST_SECONDS", -1)
    assert post(path, {}).is_problem(409, "too_much_to_read")
    monkeypatch.undo()
    buckets.delete_object(Bucket=UPLOADS, Key="incoming/x.csv")
    assert post(path, {}).is_problem(410, "original_gone")


def test_a_long_file_is_verified_in_the_background(
    api: Call, post: Call, get: Call, see: Any, world: World, buckets: Any, batch: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/v1/import/batches/{batch}/verify"
    assert get(path).is_problem(404, "not_verified")
    monkeypatch.setattr(verification_routes, "MOST_ROWS", 2)
    answer = post(path, {})
    assert (answer.status, answer.body) == (202, {"batchId": str(batch)})
    assert post(path, {}).status == 202
    assert world.db.run("SELECT message FROM outbox") == [[{"kind": "verification", "batchId": str(batch)}]]
    assert buckets.head_object(Bucket=WORK, Key="work/wake-dispatch")
    body = get(path).body
    assert (body["state"], body["checkedRows"], body["differing"]) == ("running", None, [])
    own = {**BROWSER, "sec-fetch-site": "same-origin", "content-type": "application/x-www-form-urlencoded"}
    asked = api("POST", f"/batches/{batch}/verify", headers=own)
    assert (asked.status, asked.headers["Location"]) == (303, f"/batches/{batch}/verify")
    assert "is being read again" in see(f"/batches/{batch}/verify").text
    differing = [{"rowNumber": 1, "field": "rating", "stored": 0.5, "file": None}]
    verifications.complete(world.db, batch, 3, 2, differing)
    body = get(path).body
    assert (body["state"], body["checkedRows"], body["differing"], body["differingLeftOut"]) == (
        "completed", 3, differing, 1,
    )  # fmt: skip
    assert "0.5" in see(f"/batches/{batch}/verify", language="nb").text
    verifications.fail(world.db, batch, "original_gone")
    assert get(path).body["failureCode"] == "original_gone"
    assert "The file has been deleted" in see(f"/batches/{batch}/verify").text


@pytest.mark.parametrize(
    ("language", "rule", "same"),
    [("en", "since the file rates from 1 to 5", "every stored value"), ("nb", "siden filen vurderer", "alle lagrede")],
)
def test_the_pages_explain_and_verify(
    api: Call, see: Any, batch: UUID, session: int, language: str, rule: str, same: str
) -> None:
    page = see(f"/sessions/{session}/rows/1", language=language)
    assert rule in page.text
    assert "E2" in page.text
    path = f"/batches/{batch}/verify"
    assert path in [form["action"] for form in see(f"/batches/{batch}").all("form") if "action" in form]
    own = {**BROWSER, "sec-fetch-site": "same-origin", "accept-language": language}
    answer = api("POST", path, headers={**own, "content-type": "application/x-www-form-urlencoded"})
    assert answer.status == 200
    assert same in answer.text
