"""Programs without a key of this system, or with a key and a wrong signature."""

import time
from dataclasses import dataclass
from typing import Any

import boto3
import pg8000.native
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from local.aws import REGION
from local.processes import LOOPBACK
from tests.attacks.attack import Attack, Outcome, Target, refused, together
from tests.attacks.wire import Answer, ask

INVALID_PASSWORD = "28P01"  # noqa: S105


NO_SECRET = "of nobody"  # noqa: S105


@dataclass(frozen=True)
class Key:
    """A key with which boto3 signs."""

    id: str
    secret: str = NO_SECRET
    token: str | None = None


def client(target: Target, service: str, key: Key) -> Any:
    return boto3.client(
        service,
        endpoint_url=target.system.aws.url,
        region_name=REGION,
        config=Config(retries={"total_max_attempts": 1}, proxies={}),
        aws_access_key_id=key.id,
        aws_secret_access_key=key.secret,
        aws_session_token=key.token,
    )


def tried_with(target: Target, key: Key) -> Outcome:
    """The answers of three services to a caller with this key."""
    calls = {"s3": "list_buckets", "lambda": "list_functions", "sts": "get_caller_identity"}
    return together(**{service: called(client(target, service, key), call) for service, call in calls.items()})


def called(of_service: Any, operation: str, **parameters: Any) -> Answer:
    """The status of the answer to boto3."""
    try:
        return Answer(getattr(of_service, operation)(**parameters)["ResponseMetadata"]["HTTPStatusCode"])
    except ClientError as refusal:
        code = str(refusal.response["Error"]["Code"])
        return Answer(refusal.response["ResponseMetadata"]["HTTPStatusCode"], body=f"<Code>{code}</Code>".encode())


def root_key(target: Target) -> str:
    return target.system.aws.access_key_id


def session_without_its_token(target: Target) -> Outcome:
    """A role's key and secret are worthless without the session's token, or with another one."""
    iam = target.system.client("iam")
    trust = '{"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": "*"}]}'
    name = f"role-{time.time_ns()}"
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    given = target.system.client("sts").assume_role(RoleArn=arn, RoleSessionName="theirs")["Credentials"]
    iam.delete_role(RoleName=name)
    bare, forged = (Key(given["AccessKeyId"], given["SecretAccessKey"], token) for token in (None, NO_SECRET))
    return together(
        without_token=called(client(target, "sts", bare), "get_caller_identity"),
        other_token=called(client(target, "sts", forged), "get_caller_identity"),
    )


def other_body(target: Target) -> Outcome:
    """A signed request whose body was replaced."""
    aws = target.system.aws
    signer = Credentials(aws.access_key_id, aws.secret_access_key)
    answers = {}
    for service, method, path in (
        ("s3", "PUT", f"/{target.system.stack.work_bucket}/theirs"),
        ("sts", "POST", "/"),
    ):
        request = AWSRequest(method, aws.url + path, {"Host": f"{LOOPBACK}:{aws.port}"}, b"signed")
        if service == "s3":
            request.headers["x-amz-content-sha256"] = SigV4Auth(signer, service, REGION).payload(request)
        SigV4Auth(signer, service, REGION).add_auth(request)
        answers[service] = ask(aws.port, method, path, dict(request.headers.items()), b"theirs")
    return together(**answers)


def added_header(target: Target) -> Outcome:
    """A signed request to which x-amz-meta-force was added in transit."""
    aws = target.system.aws
    path = f"/{target.system.stack.uploads_bucket}/incoming/theirs.csv"
    request = AWSRequest("PUT", aws.url + path, {"Host": f"{LOOPBACK}:{aws.port}"}, b"x")
    signer = SigV4Auth(Credentials(aws.access_key_id, aws.secret_access_key), "s3", REGION)
    request.headers["x-amz-content-sha256"] = signer.payload(request)
    signer.add_auth(request)
    return refused(ask(aws.port, "PUT", path, {**dict(request.headers.items()), "x-amz-meta-force": "true"}, b"x"), 403)


def link(target: Target, operation: str = "put_object", seconds: int = 60) -> str:
    """Path and query of a link to an object in the uploads bucket."""
    url: str = target.system.client("s3").generate_presigned_url(
        operation,
        Params={"Bucket": target.system.stack.uploads_bucket, "Key": "incoming/linked.txt"},
        ExpiresIn=seconds,
    )
    return url.removeprefix(target.system.aws.url)


def tampered_links(target: Target) -> Outcome:
    good, port = link(target), target.system.aws.port
    return together(
        other_key=ask(port, "PUT", good.replace("linked", "theirs"), {}, b"x"),
        other_method=ask(port, "DELETE", good),
        other_lifetime=ask(port, "PUT", good.replace("Expires=60", "Expires=604800"), {}, b"x"),
        added_option=ask(port, "PUT", f"{good}&x-amz-meta-force=true", {}, b"x"),
        added_header=ask(port, "PUT", good, {"x-amz-meta-force": "true"}, b"x"),
        second_key=ask(port, "PUT", f"{good}&x-amz-credential=test", {}, b"x"),
        other_signature=ask(port, "PUT", good[:-4] + "0000", {}, b"x"),
        other_host=ask(port, "PUT", good, {"Host": f"localhost:{port}"}, b"x"),
    )


def expired_link(target: Target) -> Outcome:
    short = link(target, seconds=1)
    time.sleep(2.1)
    return refused(ask(target.system.aws.port, "PUT", short, {}, b"x"), 403)


def without_key(target: Target) -> Outcome:
    port, bucket = target.system.aws.port, target.system.stack.uploads_bucket
    function = "/2015-03-31/functions/kintell/invocations"
    return together(
        buckets=ask(port, "GET", "/"),
        objects=ask(port, "GET", f"/{bucket}?list-type=2"),
        object=ask(port, "GET", f"/{bucket}/incoming/linked.txt"),
        invocation=ask(port, "POST", function, {}, b"{}"),
        secrets=ask(port, "POST", "/", {"X-Amz-Target": "secretsmanager.ListSecrets"}, b"{}"),
        role_credentials=ask(port, "GET", "/latest/meta-data/iam/security-credentials/"),
        old_signature=ask(port, "GET", "/", {"Authorization": f"AWS {root_key(target)}:AAAA"}),
        form_with_policy=ask(port, "POST", f"/{bucket}", {"Content-Type": "multipart/form-data; boundary=x"}, b"--x--"),
    )


def database_without_password(target: Target) -> Outcome:
    """As the owner, as the functions and as postgres."""
    database = target.system.database
    said = []
    for user in (database.username, f"{database.dbname}_functions", "postgres"):
        try:
            pg8000.native.Connection(
                user, host=database.host, port=database.port, database=database.dbname, password=NO_SECRET
            ).close()
            said.append("let in")
        except pg8000.native.DatabaseError as refusal:
            said.append(str(refusal.args[0]["C"]))
    return Outcome(", ".join(said), set(said) == {INVALID_PASSWORD})


ATTACKS = (
    Attack("the key test, which emulators take for root", lambda target: tried_with(target, Key("test", "test"))),
    Attack("an account number as a key", lambda target: tried_with(target, Key("000000000000"))),
    Attack("a key that nobody has", lambda target: tried_with(target, Key("AKIAIOSFODNN7EXAMPLE"))),
    Attack("root's key without its secret", lambda target: tried_with(target, Key(root_key(target)))),
    Attack("root's key with a token", lambda target: tried_with(target, Key(root_key(target), token=NO_SECRET))),
    Attack("a role's key without the session's token", session_without_its_token),
    Attack("another body with the same signature", other_body),
    Attack("a header added to a signed request", added_header),
    Attack("a link that was tampered with", tampered_links),
    Attack("a link that has expired", expired_link),
    Attack("no key at all", without_key),
    Attack("the database with a wrong password", database_without_password),
)
