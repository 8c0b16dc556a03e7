"""Somebody who may write to the bucket, and speaks as somebody else."""

import json
import time
from typing import Any
from uuid import uuid4

from tests.attacks.attack import READER, Attack, Outcome, Target, together
from tests.attacks.keys import Key, client
from tests.attacks.wire import ask
from tests.sign_in.closed_system import AUDIENCE

PATIENCE_SECONDS = 60
PEOPLE = "Email,Name,Role when joined\n{0}@example.org,Somebody,learner\n"


def writer(target: Target) -> Any:
    """An S3 client of a user who has s3:PutObject and nothing else."""
    iam, user = target.system.client("iam"), f"writer-{uuid4()}"
    bucket = target.system.stack.uploads_bucket
    grant = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    iam.create_user(UserName=user)
    policy = json.dumps({"Version": "2012-10-17", "Statement": [grant]})
    iam.put_user_policy(UserName=user, PolicyName="writes", PolicyDocument=policy)
    key = iam.create_access_key(UserName=user)["AccessKey"]
    return client(target, "s3", Key(key["AccessKeyId"], key["SecretAccessKey"]))


def announced(target: Target) -> tuple[str, str]:
    """Id and key of an upload that was announced but not sent."""
    headers = {"Content-Type": "application/json", **target.token_of("imports.write")}
    body = {"fileName": f"{uuid4()}.csv", "programType": "kintell_users", "sizeBytes": 100}
    answer = ask(target.system.aws.api_port, "POST", "/v1/import/uploads", headers, json.dumps(body).encode())
    assert answer.status == 201, answer.body
    path = answer.json["url"].partition("?")[0]
    return answer.json["uploadId"], path.partition(f"/{target.system.stack.uploads_bucket}/")[2]


def upload(target: Target, upload_id: str) -> dict[str, Any]:
    answer = ask(target.system.aws.api_port, "GET", f"/v1/import/uploads/{upload_id}", target.token_of("imports.read"))
    return dict(answer.json)


def decided(target: Target, version_id: str) -> dict[str, Any]:
    """The upload of an object version, once Intake has decided on it."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        path = "/v1/import/uploads?limit=200"
        for each in ask(target.system.aws.api_port, "GET", path, target.token_of("imports.read")).json["items"]:
            if each["versionId"] == version_id and each["state"] != "waiting":
                return dict(each)
        time.sleep(0.2)
    raise AssertionError(f"version {version_id} was not decided on in {PATIENCE_SECONDS} s")


def put(target: Target, s3: Any, key: str, **metadata: str) -> str:
    """Upload a roster of one unknown person; returns the object version."""
    version: str = s3.put_object(
        Bucket=target.system.stack.uploads_bucket,
        Key=key,
        Body=PEOPLE.format(uuid4().hex).encode(),
        Metadata={name.replace("_", "-"): value for name, value in metadata.items()},
    )["VersionId"]
    return version


def forged_announcement(target: Target) -> Outcome:
    """Metadata that name somebody else's announced upload, under another key and under the announced one."""
    s3, taken = writer(target), []
    for is_same_place in (False, True):
        upload_id, key = announced(target)
        place = key if is_same_place else f"incoming/kintell_users/{uuid4()}.csv"
        forged = decided(
            target, put(target, s3, place, upload_id=upload_id, force="true", force_reason="x", imported_by="kari")
        )
        if forged["uploadId"] == upload_id or upload(target, upload_id)["state"] != "waiting":
            taken.append("at the announced place" if is_same_place else "elsewhere")
    return Outcome(f"taken for announced {' and '.join(taken)}" if taken else "an upload of its own", not taken)


def forged_name(target: Target) -> Outcome:
    """Metadata that claim an uploader: S3 knows better, and the audit trail keeps what S3 says too."""
    version = put(target, writer(target), f"incoming/kintell_users/{uuid4()}.csv", imported_by="kari@example.org")
    batch = decided(target, version)["batchId"]
    answer = ask(
        target.system.aws.api_port, "GET", f"/v1/import/batches/{batch}/audit", target.token_of("imports.read")
    )
    is_kept = b"user:writer-" in answer.body or b"user/writer-" in answer.body or b"writer-" in answer.body
    return Outcome("the trail has S3's principal" if is_kept else "the trail has the claimed name alone", is_kept)


def option_unheeded(target: Target) -> Outcome:
    """A dry run under a name that is nearly the option's: the file must not be imported."""
    key = f"incoming/kintell_users/{uuid4()}.csv"
    outcome = decided(target, put(target, writer(target), key, **{"x-amz-meta-dry-run": "true"}))
    return Outcome(outcome["state"], outcome["state"] == "refused")


def name_too_long(target: Target) -> Outcome:
    """A caller whose name the audit trail can't hold gets no link: their upload could never be decided on."""
    assert target.issuer
    body = json.dumps({"fileName": f"{uuid4()}.csv", "programType": "kintell_users"}).encode()
    said = {"groups": ["imports.write"], "email_verified": False}
    answers = {}
    for what, subject in {"long": "".join(str(uuid4()) for _ in range(100)), "unseen": "kari\u200b"}.items():
        token = target.issuer.token(READER, AUDIENCE, sub=subject, **said)
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        answers[what] = ask(target.system.aws.api_port, "POST", "/v1/import/uploads", headers, body)
    return together(**answers)


ATTACKS = (
    Attack("an upload under another's announcement", forged_announcement),
    Attack("an upload under another's name", forged_name),
    Attack("an option under a misspelled name", option_unheeded),
    Attack("an upload by a caller whose name can't be stored", name_too_long, needs_sign_in=True),
)
