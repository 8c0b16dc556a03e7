"""With the roles of the deployed functions: what one may not do is refused, whatever its code asks for."""

import io
import json
import zipfile
from collections.abc import Callable, Iterator

import pytest

from local.deploy import STACK
from local.system import LocalSystem

PROBE = """
import boto3, urllib.error, urllib.request
from botocore.exceptions import ClientError

def handler(event, _context):
    s3 = boto3.client("s3")
    where = {"Bucket": event["bucket"], "Key": event["key"]}
    try:
        if event["operation"] == "presigned_put":
            url = s3.generate_presigned_url("put_object", Params=where)
            urllib.request.urlopen(urllib.request.Request(url, data=b"x", method="PUT")).close()
        else:
            getattr(s3, event["operation"])(**where, **event.get("more", {}))
    except ClientError as refusal:
        return refusal.response["Error"]["Code"]
    except urllib.error.HTTPError as refusal:
        return {403: "AccessDenied"}.get(refusal.code, str(refusal.code))
    return "done"
"""

FUNCTIONS = (
    "Migrate",
    "Intake",
    "Stage",
    "Reconcile",
    "AnnotateConflicts",
    "Merge",
    "Finalize",
    "Api",
    "Retention",
    "Monitor",
    "Outbox",
    "Dispatch",
)
# No export by its name, so that Intake refuses it and nothing is imported.
UPLOAD, WORK, ERRORS = ("uploads", "incoming/probe.bin"), ("work", "work/probe"), ("work", "errors/probe.csv")

Try = Callable[[str, str, tuple[str, str]], str]


@pytest.fixture(scope="module")
def tried(system: LocalSystem) -> Iterator[Try]:
    """Lets a function with the role of another do something to an object, and returns the outcome."""
    buckets = {"uploads": system.stack.uploads_bucket, "work": system.stack.work_bucket}
    client, formation = system.client("lambda"), system.client("cloudformation")
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as out:
        out.writestr("probe.py", PROBE)
    made: dict[str, str] = {}
    for bucket, key in (UPLOAD, WORK, ERRORS):
        system.client("s3").put_object(Bucket=buckets[bucket], Key=key, Body=b"x")

    def attempt(function: str, operation: str, place: tuple[str, str]) -> str:
        if function not in made:
            resource = formation.describe_stack_resource(StackName=STACK, LogicalResourceId=function)
            name = resource["StackResourceDetail"]["PhysicalResourceId"]
            role = client.get_function_configuration(FunctionName=name)["Role"]
            made[function] = client.create_function(
                FunctionName=f"probe-{function}",
                Runtime="python3.13",
                Role=role,
                Handler="probe.handler",
                Code={"ZipFile": code.getvalue()},
                Timeout=60,
            )["FunctionArn"]
        more = {"Body": "x"} if operation == "put_object" else {}
        event = {"operation": operation, "bucket": buckets[place[0]], "key": place[1], "more": more}
        answer = client.invoke(FunctionName=made[function], Payload=json.dumps(event))
        return str(json.load(answer["Payload"]))

    yield attempt
    for arn in made.values():
        client.delete_function(FunctionName=arn)


def test_only_the_api_reads_error_files(tried: Try) -> None:
    found = {name: tried(name, "get_object", ERRORS) for name in FUNCTIONS}
    assert found == {name: "done" if name == "Api" else "AccessDenied" for name in FUNCTIONS}


def test_the_originals_are_read_by_those_who_read_rows(tried: Try) -> None:
    readers = {"Intake", "Stage", "AnnotateConflicts", "Api", "Monitor"}
    found = {name: tried(name, "head_object", UPLOAD) for name in FUNCTIONS}
    assert {name for name, outcome in found.items() if outcome == "done"} == readers


@pytest.mark.parametrize(
    "place", [("uploads", "incoming/gone.bin"), ("work", "work/gone"), ("work", "errors/gone.csv")]
)
def test_only_retention_deletes(tried: Try, place: tuple[str, str]) -> None:
    found = {name: tried(name, "delete_object", place) for name in FUNCTIONS}
    assert found == {name: "done" if name == "Retention" else "AccessDenied" for name in FUNCTIONS}


def test_nobody_writes_uploads_but_the_api_its_links_and_corrections(tried: Try) -> None:
    place = ("uploads", "incoming/written.bin")
    for operation in ("put_object", "presigned_put"):
        found = {name: tried(name, operation, place) for name in FUNCTIONS}
        assert found == {name: "done" if name == "Api" else "AccessDenied" for name in FUNCTIONS}


def test_error_files_are_written_by_finalize_alone(tried: Try) -> None:
    place = ("work", "errors/another.csv")
    found = {name: tried(name, "put_object", place) for name in FUNCTIONS}
    assert found == {name: "done" if name == "Finalize" else "AccessDenied" for name in FUNCTIONS}
