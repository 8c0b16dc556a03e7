"""Uploads in parts: a link for each part, one that completes the upload, and new ones for who goes on later."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
import requests

from ingestion import config
from ingestion.aws import multipart_links, s3
from ingestion.uploads.upload_links import UploadLink
from ingestion.uploads.upload_options import UploadOptions
from ingestion.uploads.upload_parts import MOST_BYTES, MOST_PARTS
from tests.api.api_calls import Answer, Call
from tests.api.world import NOW, UPLOADS, World

PATH = "/v1/import/uploads"
PART = 5 * 1024 * 1024
BODY = bytes(range(256)) * (2 * PART // 256) + b"the end"
KARI, OLE = {"sub": "42"}, {"sub": "43"}
LAMBDA_ANSWER_BYTES = 6 * 1024 * 1024

Set = Callable[..., None]


@pytest.fixture
def sets(api: Call, monkeypatch: pytest.MonkeyPatch) -> Set:
    """Gives the function other settings."""

    def sets(**settings: int) -> None:
        for name, value in settings.items():
            monkeypatch.setenv(name.upper(), str(value))
        config.settings.cache_clear()

    return sets


@pytest.fixture
def large(sets: Set, post: Call, buckets: Any) -> Callable[..., Answer]:
    """Announces BODY, which is above the limit."""
    sets(multipart_from_bytes=PART, max_file_bytes=100_000_000)

    def announce(**more: Any) -> Answer:
        body = {"fileName": "mentors.csv", "programType": "mfu", "sizeBytes": len(BODY), **more}
        return post(PATH, body, claims=KARI)

    return announce


def part_of(number: int) -> bytes:
    return BODY[(number - 1) * PART : number * PART]


def send(part: dict[str, Any]) -> str:
    """The ETag of a part that is sent."""
    sent = requests.put(part["url"], data=part_of(part["number"]), timeout=10)
    assert sent.status_code == 200, sent.text
    return sent.headers["ETag"]


def complete(url: str, etags: dict[int, str]) -> None:
    parts = "".join(
        f"<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>" for number, etag in sorted(etags.items())
    )
    body = f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>"
    done = requests.post(url, data=body, timeout=10)
    assert done.status_code == 200, done.text


def go_on(post: Call, upload_id: str, claims: dict[str, str] = KARI) -> Answer:
    return post(f"{PATH}/{upload_id}/parts", {}, claims=claims)


def test_a_large_file_gets_a_link_for_each_part_and_its_options_travel(
    large: Callable[..., Answer], world: World, buckets: Any
) -> None:
    answer = large(dryRun=True, timeZone="Europe/Oslo")
    assert answer.status == 201
    assert answer.body.keys() == {"uploadId", "parts", "partBytes", "completeUrl", "expiresAt"}
    assert answer.body["partBytes"] == PART
    assert [part["number"] for part in answer.body["parts"]] == [1, 2, 3]
    for part in answer.body["parts"]:
        assert part.keys() == {"number", "url"}
        assert "content-length" in parse_qs(urlsplit(part["url"]).query)["X-Amz-SignedHeaders"][0].split(";")

    complete(answer.body["completeUrl"], {part["number"]: send(part) for part in answer.body["parts"]})
    stored = buckets.get_object(Bucket=UPLOADS, Key="incoming/mentors_ukraine/mentors.csv")
    assert stored["Body"].read() == BODY
    link = UploadLink.from_metadata(stored["Metadata"])
    assert link
    assert str(link.upload_id) == answer.body["uploadId"]
    assert UploadOptions.from_metadata(stored["Metadata"]) == UploadOptions(dry_run=True, time_zone="Europe/Oslo")
    ((token_hash,),) = world.db.run("SELECT link_token_hash FROM uploads")
    assert token_hash == link.token_hash
    assert link.token not in answer.text, "whoever has the links could speak in the uploader's name elsewhere"


@pytest.mark.parametrize(("size_bytes", "parts"), [(None, 0), (5_000_000_000, 0), (5_000_000_001, 100)])
def test_files_above_5_gb_are_sent_in_parts(
    sets: Set, post: Call, buckets: Any, size_bytes: int | None, parts: int
) -> None:
    sets(max_file_bytes=10_000_000_000)
    answer = post(PATH, {"fileName": "mentors.csv", "sizeBytes": size_bytes})
    assert answer.status == 201
    assert len(answer.body.get("parts", [])) == parts


def test_an_upload_goes_on_with_the_parts_that_are_missing(
    large: Callable[..., Answer], post: Call, buckets: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(multipart_links, "LISTED_AT_ONCE", 1)
    first = large().body
    etags = {part["number"]: send(part) for part in (first["parts"][0], first["parts"][2])}

    answer = go_on(post, first["uploadId"])
    assert answer.status == 200
    assert answer.body.keys() == first.keys() | {"sentParts"}
    assert [part["number"] for part in answer.body["parts"]] == [2]
    assert answer.body["sentParts"] == [{"number": number, "etag": etag} for number, etag in sorted(etags.items())]
    assert (answer.body["uploadId"], answer.body["partBytes"]) == (first["uploadId"], PART)

    sent = {part["number"]: part["etag"] for part in answer.body["sentParts"]}
    complete(answer.body["completeUrl"], {**sent, 2: send(answer.body["parts"][0])})
    assert buckets.get_object(Bucket=UPLOADS, Key="incoming/mentors_ukraine/mentors.csv")["Body"].read() == BODY


def test_a_part_of_another_size_is_to_be_sent_again(large: Callable[..., Answer], post: Call) -> None:
    """S3 checks the signed length; whatever else wrote the part, its file is not the announced one."""
    first = large().body
    requests.put(first["parts"][1]["url"], data=b"short", timeout=10).raise_for_status()
    answer = go_on(post, first["uploadId"])
    assert [part["number"] for part in answer.body["parts"]] == [1, 2, 3]
    assert answer.body["sentParts"] == []


@pytest.mark.parametrize(
    "upload",
    [
        pytest.param(lambda large: large().body["uploadId"], id="somebody else's"),
        pytest.param(lambda _: uuid4(), id="one that does not exist"),
        pytest.param(lambda _: "1", id="no id"),
    ],
)
def test_only_who_began_an_upload_may_continue_it(
    large: Callable[..., Answer], post: Call, upload: Callable[[Any], object]
) -> None:
    assert go_on(post, str(upload(large)), OLE).is_problem(404, "no_such_upload")


def test_an_upload_of_the_same_name_by_another_issuer_is_somebody_elses(
    large: Callable[..., Answer], post: Call, world: World
) -> None:
    upload_id = large().body["uploadId"]
    world.db.run("UPDATE uploads SET uploader_issuer = 'https://other.example.org'")
    assert go_on(post, upload_id).is_problem(404, "no_such_upload")


def _in_one(large: Callable[..., Answer]) -> str:
    return str(large(sizeBytes=7).body["uploadId"])


def _completed(large: Callable[..., Answer]) -> str:
    body = large().body
    complete(body["completeUrl"], {part["number"]: send(part) for part in body["parts"]})
    return str(body["uploadId"])


@pytest.mark.parametrize("upload", [_in_one, _completed], ids=["sent in one request", "completed"])
def test_what_awaits_no_part_is_not_continued(
    large: Callable[..., Answer], post: Call, upload: Callable[[Any], str]
) -> None:
    assert go_on(post, upload(large)).is_problem(409, "upload_not_resumable")


def test_an_upload_that_arrived_is_not_continued(large: Callable[..., Answer], post: Call, world: World) -> None:
    upload_id = large().body["uploadId"]
    world.db.run("UPDATE uploads SET version_id = 'v1', received_at = :now", now=NOW)
    assert go_on(post, upload_id).is_problem(409, "upload_not_resumable")


def test_the_longest_answer_is_one_that_a_function_may_give(
    sets: Set, post: Call, buckets: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The largest file, under the longest name that a key takes, signed with a role's long token."""
    sets(max_file_bytes=MOST_BYTES * 2)
    monkeypatch.setattr(
        multipart_links, "presign", lambda *given: f"{s3.presign(*given)}&X-Amz-Security-Token={'A' * 1500}"
    )
    answer = post(PATH, {"fileName": "😀" * 251 + ".csv", "sizeBytes": MOST_BYTES})
    assert answer.status == 201, answer.text[:1000]
    assert len(answer.body["parts"]) == MOST_PARTS
    assert 5_000_000 < len(answer.text.encode()) < LAMBDA_ANSWER_BYTES
    too_large = post(PATH, {"fileName": "a.csv", "sizeBytes": MOST_BYTES + 1})
    assert too_large.is_problem(422, "too_large")
