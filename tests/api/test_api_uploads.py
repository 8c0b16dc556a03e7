"""Links to upload with, and the outcome of uploads."""

from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import uuid4

import boto3
import pytest
import requests

from ingestion.errors import RefusalCode
from ingestion.uploads.upload_links import UploadLink
from ingestion.uploads.upload_options import UploadOptions
from tests.api.api_calls import Call
from tests.api.world import NOW, REGION, UPLOADS, World

PATH = "/v1/import/uploads"


def key_of(url: str) -> str:
    return unquote(urlsplit(url).path).removeprefix(f"/{UPLOADS}/")


def test_a_link_takes_the_file_and_its_options(post: Call, world: World) -> None:
    parent = world.batch()
    body: dict[str, Any] = {
        "fileName": "Møter 2024.csv.gz",
        "programType": "MFU",
        "programInstance": "mentors-ukraine-2024-q4",
        "sizeBytes": 4,
        "force": True,
        "forceReason": "Повторний імпорт, 100% sikkert på nytt",
        "parentBatchId": str(parent),
        "dryRun": True,
        "maxErrorPercent": 12.5,
    }

    answer = post(PATH, body, claims={"sub": "42"})

    assert answer.status == 201
    assert answer.body.keys() == {"uploadId", "method", "url", "headers", "expiresAt"}
    assert answer.body["expiresAt"].endswith("Z")
    key = "incoming/mentors_ukraine/mentors-ukraine-2024-q4/Møter 2024.csv.gz"
    assert key_of(answer.body["url"]) == key
    signed = parse_qs(urlsplit(answer.body["url"]).query)["X-Amz-SignedHeaders"][0].split(";")
    assert {name for name in answer.body["headers"] if name.startswith("x-amz-meta-")} <= set(signed)
    assert "content-length" in signed

    boto3.client("s3").create_bucket(Bucket=UPLOADS, CreateBucketConfiguration={"LocationConstraint": REGION})
    sent = requests.request(
        answer.body["method"], answer.body["url"], headers=answer.body["headers"], data=b"data", timeout=5
    )
    assert sent.status_code == 200
    stored = boto3.client("s3").head_object(Bucket=UPLOADS, Key=key)["Metadata"]
    options = UploadOptions(
        force=True,
        force_reason=body["forceReason"],
        program_instance="mentors-ukraine-2024-q4",
        parent_batch=parent,
        dry_run=True,
        max_error_percent=12.5,
    )
    link = UploadLink.from_metadata(stored)
    assert UploadOptions.from_metadata(stored) == options
    assert link
    assert str(link.upload_id) == answer.body["uploadId"]
    # Where intake takes them from; the token is not kept.
    ((kept, token_hash),) = world.db.run("SELECT options, link_token_hash FROM uploads WHERE version_id IS NULL")
    assert UploadOptions.from_stored(kept) == options
    assert (kept["programType"], token_hash) == ("mentors_ukraine", link.token_hash)
    assert link.token not in f"{kept}{token_hash}"


def test_the_upload_is_on_record_before_its_file_arrives(get: Call, post: Call, world: World) -> None:
    upload = post(PATH, {"fileName": "mentors.csv", "sizeBytes": 9}, claims={"sub": "42"}).body["uploadId"]

    assert get(f"{PATH}/{upload}").body == {"uploadId": upload, "state": "waiting"}
    assert get(PATH, state="waiting").body["items"] == [
        {
            "uploadId": upload,
            "fileName": "mentors.csv",
            "key": "incoming/mentors.csv",
            "versionId": None,
            "sizeBytes": 9,
            "state": "waiting",
            "uploadedBy": "42",
            "receivedAt": None,
        }
    ]
    stored = world.db.run("SELECT options FROM uploads")[0][0]
    assert stored == {"programType": None}


@pytest.mark.parametrize(
    ("options", "key"),
    [
        pytest.param({}, "incoming/x.TXT", id="nothing said"),
        pytest.param({"programType": "users"}, "incoming/kintell_users/x.TXT", id="a programme's alias"),
        pytest.param(
            {"programType": "lfu", "programInstance": "spring-run"},
            "incoming/language_ukraine/spring-run/x.TXT",
            id="programme and instance",
        ),
        pytest.param(
            {"programInstance": "mentors-ukraine-2024"},
            "incoming/mentors_ukraine/mentors-ukraine-2024/x.TXT",
            id="an instance whose slug names the programme",
        ),
        pytest.param(
            {"programInstance": "autumn-run"},
            "incoming/language_ukraine/autumn-run/x.TXT",
            id="an instance that is there",
        ),
        pytest.param({"programInstance": "who-knows"}, "incoming/x.TXT", id="an instance of some programme"),
    ],
)
def test_the_key_says_what_is_known(post: Call, world: World, options: dict[str, str], key: str) -> None:
    world.instance("autumn-run", "language_ukraine")
    answer = post(PATH, {"fileName": "x.TXT", **options})
    assert answer.status == 201, answer.text
    assert key_of(answer.body["url"]) == key
    assert answer.body["headers"].get("x-amz-meta-program-instance") == options.get("programInstance")


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        pytest.param({"fileName": ""}, "invalid_request", "fileName", id="no name"),
        pytest.param({"fileName": None}, "invalid_request", "fileName", id="null name"),
        pytest.param({"fileName": "a/b.csv"}, "invalid_request", "fileName", id="a slash"),
        pytest.param({"fileName": "a\\b.csv"}, "invalid_request", "fileName", id="a backslash"),
        pytest.param({"fileName": "a\nb.csv"}, "invalid_request", "fileName", id="a control character"),
        pytest.param({"fileName": "a\ud800.csv"}, "invalid_request", "fileName", id="half a character"),
        pytest.param({"fileName": "a" * 252 + ".csv"}, "invalid_request", "fileName", id="256 characters"),
        pytest.param(
            {"fileName": "😀" * 251 + ".csv", "programType": "mfu"},
            "invalid_option",
            None,
            id="a key of too many bytes",
        ),
        pytest.param({"fileName": "a.xls"}, "not_csv", None, id="another suffix"),
        pytest.param({"fileName": "a.csv.zip"}, "not_csv", None, id="zip"),
        pytest.param({"sizeBytes": 1_000_001}, "too_large", None, id="too large"),
        pytest.param({"sizeBytes": -1}, "invalid_request", "sizeBytes", id="negative size"),
        pytest.param({"programType": "mars"}, "unknown_program", None, id="unknown programme"),
        pytest.param({"programType": ""}, "invalid_request", "programType", id="empty programme"),
        pytest.param({"programInstance": "Not A Slug"}, "unknown_program_instance", None, id="no slug"),
        pytest.param(
            {"programType": "mentors_ukraine", "programInstance": "language-ukraine-2024"},
            "unknown_program_instance",
            None,
            id="a slug of another programme",
        ),
        pytest.param(
            {"programType": "mentors_ukraine", "programInstance": "autumn-run"},
            "unknown_program_instance",
            None,
            id="an instance of another programme",
        ),
        pytest.param(
            {"programType": "users", "programInstance": "kintell-users-2024"},
            "unknown_program_instance",
            None,
            id="a roster has no instances",
        ),
        pytest.param({"force": True}, "invalid_option", None, id="force without a reason"),
        pytest.param({"force": True, "forceReason": "  "}, "invalid_option", None, id="force with a blank reason"),
        pytest.param({"force": "perhaps"}, "invalid_request", "force", id="no boolean"),
        pytest.param({"forceReason": "a\0b"}, "invalid_request", "forceReason", id="NUL"),
        pytest.param(
            {"force": True, "forceReason": "ї" * 400}, "invalid_option", None, id="a reason longer than metadata"
        ),
        pytest.param({"parentBatchId": str(uuid4())}, "no_such_parent_batch", None, id="no such parent"),
        pytest.param({"parentBatchId": "1"}, "invalid_request", "parentBatchId", id="no id"),
        pytest.param({"maxErrorPercent": 100.5}, "invalid_request", "maxErrorPercent", id="more than all"),
        pytest.param({"maxErrorPercent": "NaN"}, "invalid_request", "maxErrorPercent", id="no number"),
        pytest.param({"forced": True}, "invalid_request", "forced", id="an option that there isn't"),
    ],
)
def test_what_would_be_refused_is_not_signed(
    post: Call, world: World, changes: dict[str, Any], code: str, field: str | None
) -> None:
    world.instance("autumn-run", "language_ukraine")
    answer = post(PATH, {"fileName": "x.csv", **changes})
    assert answer.is_problem(422, code)
    if field:
        assert [error["field"] for error in answer.body["errors"]] == [field]
    assert world.count("SELECT count(*) FROM uploads") == 0


@pytest.mark.parametrize("named", [{"programType": "lfu"}, {"programInstance": "language-ukraine-2024-11"}])
def test_a_parent_of_another_programme_is_none(post: Call, world: World, named: dict[str, str]) -> None:
    parent = world.batch()
    answer = post(PATH, {"fileName": "x.csv", "parentBatchId": str(parent), **named})
    assert answer.is_problem(422, "no_such_parent_batch")
    assert "mentors_ukraine" not in answer.body["detail"], "who may only upload would learn what the batch is"
    assert world.count("SELECT count(*) FROM uploads WHERE state = 'waiting'") == 0


def test_an_accepted_upload_names_its_batch(get: Call, world: World) -> None:
    upload = world.upload()
    batch = world.batch(upload_id=upload)
    assert get(f"{PATH}/{upload}").body == {"uploadId": str(upload), "state": "accepted", "batchId": str(batch)}


def test_a_refused_upload_says_why_and_names_the_batch_that_was_first(get: Call, world: World) -> None:
    first = world.batch()
    again, empty = RefusalCode.ALREADY_IMPORTED.about, RefusalCode.EMPTY_FILE.about
    refused = {"state": "refused", "refusal_code": "already_imported", "refusal_message": "Imported before."}
    upload = world.upload(**refused, refusal_batch_id=first, received_at=NOW, claimed_by="kari@example.org")
    other = world.upload(state="refused", refusal_code="empty_file", refusal_message="It is empty.")

    refusal = {"code": "already_imported", "message": "Imported before.", "batchId": str(first)}
    refusal |= {"title": again.title.en, "advice": again.advice.en}
    assert get(f"{PATH}/{upload}").body == {"uploadId": str(upload), "state": "refused", "refusal": refusal}
    assert get(f"{PATH}/{other}").body["refusal"] == {
        "code": "empty_file",
        "message": "It is empty.",
        "title": empty.title.en,
        "advice": empty.advice.en,
    }
    listed = {item["uploadId"]: item for item in get(PATH, state="refused").body["items"]}
    assert listed.keys() == {str(upload), str(other)}
    assert listed[str(upload)]["refusal"] == refusal
    assert listed[str(upload)]["claimedBy"] == "kari@example.org"
    assert listed[str(upload)]["receivedAt"] == "2024-12-01T12:00:00Z"


def test_an_upload_that_is_not_there(get: Call) -> None:
    assert get(f"{PATH}/{uuid4()}").is_problem(404, "no_such_upload")
    assert get(f"{PATH}/first").is_problem(404, "no_such_upload")
    assert get(PATH, state="lost").is_problem(422, "invalid_request")
    assert get(PATH, cursor="x").is_problem(422, "invalid_cursor")


def test_order_and_zone_of_the_dates_travel_signed(post: Call) -> None:
    answer = post(PATH, {"fileName": "x.csv", "dateOrder": "day-first", "timeZone": "Europe/Oslo"})
    assert answer.status == 201
    headers = {name.lower(): value for name, value in answer.body["headers"].items()}
    assert (headers["x-amz-meta-date-order"], headers["x-amz-meta-time-zone"]) == ("day-first", "Europe/Oslo")


@pytest.mark.parametrize("options", [{"dateOrder": "dmy"}, {"timeZone": "Oslo"}, {"timeZone": "../etc/passwd"}])
def test_an_order_or_a_zone_that_is_none_is_refused_before_anything_is_sent(
    post: Call, options: dict[str, str]
) -> None:
    assert post(PATH, {"fileName": "x.csv", **options}).status == 422
