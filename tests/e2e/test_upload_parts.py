"""A large file goes in parts through the deployed template: links with signatures, S3's event, the import."""

import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from local.system import LocalSystem
from tests.e2e.front_door import FrontDoor, slug
from tests.e2e.parts import parts_from

PART = 5 * 1024 * 1024
# As large as three parts, and refused soon: what is tested is the way in.
BODY = b"%PDF-1.7" + bytes(2 * PART)


@pytest.fixture
def door(system: LocalSystem, s3: Any, api_url: str) -> FrontDoor:
    """The system as its users see it."""
    return FrontDoor(s3, system.stack.uploads_bucket, api_url)


@pytest.fixture
def small_parts(system: LocalSystem) -> Iterator[None]:
    """Files above one part are sent in parts."""
    with parts_from(system, PART):
        yield


def send(url: str, body: bytes, method: str = "PUT") -> Any:
    return urllib.request.urlopen(urllib.request.Request(url, body, method=method), timeout=30)


def test_an_upload_in_parts_is_the_callers_with_their_options(
    door: FrontDoor, s3: Any, small_parts: None, system: LocalSystem
) -> None:
    wanted = {"fileName": "years.csv", "programType": "mfu", "programInstance": slug(), "sizeBytes": len(BODY)}
    links = door.post("/v1/import/uploads", {**wanted, "dryRun": True})
    assert [part["number"] for part in links["parts"]] == [1, 2, 3]
    # A link takes as many bytes as its part has.
    with pytest.raises(urllib.error.HTTPError) as refused:
        send(links["parts"][0]["url"], b"x")
    assert refused.value.code == 403
    send(links["parts"][0]["url"], BODY[:PART]).close()

    path = f"/v1/import/uploads/{links['uploadId']}"
    assert door.get(path)["state"] == "waiting"
    rest = door.post(f"{path}/parts", {})
    etags = {part["number"]: part["etag"] for part in rest["sentParts"]}
    assert (list(etags), [part["number"] for part in rest["parts"]]) == ([1], [2, 3])
    for part in rest["parts"]:
        start = (part["number"] - 1) * PART
        with send(part["url"], BODY[start : start + PART]) as answer:
            etags[part["number"]] = answer.headers["ETag"]
    parts = "".join(
        f"<Part><PartNumber>{n}</PartNumber><ETag>{etag}</ETag></Part>" for n, etag in sorted(etags.items())
    )
    body = f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>"
    send(rest["completeUrl"], body.encode(), "POST").close()

    upload = decided(door, path)
    # Refused for what it holds: the object was recognised as the upload that was announced.
    assert (upload["state"], upload["refusal"]["code"]) == ("refused", "not_csv")
    (entry,) = [
        one for one in door.get("/v1/import/uploads?limit=200")["items"] if one["uploadId"] == links["uploadId"]
    ]
    assert (entry["uploadedBy"], entry["sizeBytes"]) == ("local", len(BODY))
    assert s3.get_object(Bucket=system.stack.uploads_bucket, Key=entry["key"])["Body"].read() == BODY


def decided(door: FrontDoor, path: str) -> Any:
    deadline = time.monotonic() + 30
    while (upload := door.get(path))["state"] == "waiting":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return upload
