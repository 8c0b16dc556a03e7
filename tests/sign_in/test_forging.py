"""The deployed system against somebody who may write to the bucket, and to nothing else: they speak for themselves."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tests.sign_in.closed_system import AUDIENCE
from tests.sign_in.conftest import Closed

KARI = "kari@example.org"
NAME, KEY = "mentors-ukraine-2024-05.csv", "incoming/mentors-ukraine-2024-05.csv"
BODY = b"session_id,participant_email,mentor_email,scheduled_at\nMS-5,anna@example.org,ole@example.org,2024-05-05\n"
PATIENCE_SECONDS = 60


@pytest.fixture(scope="module")
def eve(closed: Closed) -> Iterator[Any]:
    """S3 as a user finds it who has s3:PutObject and nothing else."""
    iam, bucket = closed.system.client("iam"), closed.system.stack.uploads_bucket
    iam.create_user(UserName="eve")
    allowed = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/incoming/*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    iam.put_user_policy(UserName="eve", PolicyName="uploads", PolicyDocument=document)
    key = iam.create_access_key(UserName="eve")["AccessKey"]
    yield closed.system.aws.client("s3", key["AccessKeyId"], key["SecretAccessKey"])
    iam.delete_access_key(UserName="eve", AccessKeyId=key["AccessKeyId"])
    iam.delete_user_policy(UserName="eve", PolicyName="uploads")
    iam.delete_user(UserName="eve")


def ask(closed: Closed, path: str, body: dict[str, Any] | None = None) -> Any:
    """As Kari, by token."""
    headers = {
        "Authorization": f"Bearer {closed.issuer.token(KARI, AUDIENCE)}",
        "Content-Type": "application/json",
    }
    data = json.dumps(body).encode() if body is not None else None
    with urllib.request.urlopen(urllib.request.Request(closed.url + path, data, headers), timeout=30) as answer:
        return json.load(answer)


def decided(closed: Closed, version_id: str) -> dict[str, Any]:
    """The upload of an object version, once it is decided on."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        for upload in ask(closed, "/v1/import/uploads?limit=200")["items"]:
            if upload["versionId"] == version_id and upload["state"] != "waiting":
                return dict(upload)
        time.sleep(0.1)
    raise AssertionError(f"version {version_id} was not decided on")


def sent(link: dict[str, Any]) -> str:
    """The link is used; the object's version."""
    request = urllib.request.Request(link["url"], BODY, link["headers"], method=link["method"])
    with urllib.request.urlopen(request, timeout=30) as answer:
        return str(answer.headers["x-amz-version-id"])


def test_nobody_imports_in_the_name_of_who_got_a_link(closed: Closed, eve: Any) -> None:
    bucket = closed.system.stack.uploads_bucket
    link = ask(closed, "/v1/import/uploads", {"fileName": NAME, "programInstance": "mentors-ukraine-2024-05"})
    asked = {"force": "true", "force-reason": "because", "imported-by": KARI, "upload-id": link["uploadId"]}
    key = urllib.request.url2pathname(link["url"].partition("?")[0].partition(f"/{bucket}/")[2])
    for token in ({}, {"upload-token": "guessed"}):
        forged = decided(
            closed, eve.put_object(Bucket=bucket, Key=key, Body=BODY, Metadata={**asked, **token})["VersionId"]
        )
        assert (forged["state"], forged["refusal"]["code"]) == ("refused", "invalid_option")
        assert (forged["uploadedBy"], forged["claimedBy"]) == ("AWS:eve", KARI)
        assert forged["uploadId"] != link["uploadId"]
    assert ask(closed, f"/v1/import/uploads/{link['uploadId']}")["state"] == "waiting"

    mine = decided(closed, sent(link))
    assert (mine["uploadId"], mine["state"], mine["uploadedBy"]) == (link["uploadId"], "accepted", KARI)
    trail = ask(closed, f"/v1/import/batches/{mine['batchId']}/audit")["items"]
    received = next(entry for entry in trail if entry["action"] == "upload_received")
    assert (received["actor"], received["actorKind"]) == (KARI, "person")
    assert (received["actorIssuer"], received["actorSubject"]) == (closed.issuer.url, f"subject-of-{KARI}")
    # Whom S3 names is the function that signed the link.
    assert "Api" in received["details"]["principal"]


def test_a_link_that_is_used_again_brings_nothing(closed: Closed, eve: Any) -> None:
    link = ask(closed, "/v1/import/uploads", {"fileName": NAME, "programInstance": "mentors-ukraine-2024-06"})
    first, second = decided(closed, sent(link)), decided(closed, sent(link))
    assert first["uploadId"] == link["uploadId"]
    assert (second["state"], second["refusal"]["code"]) == ("refused", "invalid_option")
    assert second["uploadedBy"] != KARI


def test_nothing_can_be_added_to_what_a_link_signed(closed: Closed, eve: Any) -> None:
    link = ask(closed, "/v1/import/uploads", {"fileName": NAME, "programInstance": "mentors-ukraine-2024-07"})
    with pytest.raises(urllib.error.HTTPError) as refused:
        sent({**link, "headers": {**link["headers"], "x-amz-meta-force": "true"}})
    assert refused.value.code == 403
