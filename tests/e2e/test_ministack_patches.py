"""Each patch of local/patches is needed: without it ministack answers otherwise than AWS, with it alike.

A test that says "no longer needed" is good news: remove the patch.
"""

import io
import json
import os
import signal
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import psutil
import pytest
from botocore.exceptions import ClientError

from local.aws import REGION, Aws, running_aws
from local.emulators import ministack
from local.processes import free_port

ALL = ",".join(patch.__name__ for patch in ministack.PATCHES)
BUCKET = "bucket"
FUNCTIONS = """
import json, os, time

class Busy(Exception): pass

def answers(event, context):
    return {"pid": os.getpid()}

def answers_later(event, context):
    time.sleep(0.5)
    return {"pid": os.getpid()}

def raises(event, context):
    raise Busy("later")

def exits(event, context):
    os._exit(1)

def sleeps_then_raises(event, context):
    open(os.environ["TMPDIR"] + "/pid", "w").write(str(os.getpid()))
    time.sleep(event["seconds"])
    raise Busy("too late")

def answers_without_body(event, context):
    return {"statusCode": 302, "headers": {"Location": "/elsewhere"}, "body": None}

def keeps_events(event, context):
    open(os.environ["TMPDIR"] + "/event", "w").write(json.dumps(event))
"""


@dataclass
class Emulator:
    """An emulator, with what the probes need in it."""

    aws: Aws
    role_arn: str = ""
    names: "count[int]" = field(default_factory=count)

    def prepare(self) -> None:
        trust = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": "*"}],
        }
        role = self.client("iam").create_role(RoleName="role", AssumeRolePolicyDocument=json.dumps(trust))
        self.role_arn = role["Role"]["Arn"]
        grant = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
        self.client("iam").put_role_policy(RoleName="role", PolicyName="all", PolicyDocument=json.dumps(grant))
        self.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.client("s3").put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})

    def client(self, service: str) -> Any:
        return self.aws.client(service)

    def function(self, handler: str) -> str:
        """The ARN of a new function that runs one of FUNCTIONS."""
        code = io.BytesIO()
        with zipfile.ZipFile(code, "w") as out:
            out.writestr("probe.py", FUNCTIONS)
        made = self.client("lambda").create_function(
            FunctionName=f"{handler}-{next(self.names)}",
            Runtime="python3.13",
            Role=self.role_arn,
            Handler=f"probe.{handler}",
            Code={"ZipFile": code.getvalue()},
        )
        arn: str = made["FunctionArn"]
        return arn

    def invoke(self, arn: str, event: object = None) -> Any:
        answer = self.client("lambda").invoke(FunctionName=arn, Payload=json.dumps(event or {}))
        return json.load(answer["Payload"])

    def state_machine(self, **state: object) -> str:
        """The ARN of a new state machine of one state."""
        definition = json.dumps({"StartAt": "Only", "States": {"Only": {"End": True, **state}}})
        made = self.client("stepfunctions").create_state_machine(
            name=f"machine-{next(self.names)}", definition=definition, roleArn=self.role_arn
        )
        arn: str = made["stateMachineArn"]
        return arn

    def execute(self, machine: str, given: object = None) -> dict[str, Any]:
        """The description of an execution that has ended."""
        client = self.client("stepfunctions")
        arn = client.start_execution(stateMachineArn=machine, input=json.dumps(given or {}))["executionArn"]
        while (execution := client.describe_execution(executionArn=arn))["status"] == "RUNNING":
            time.sleep(0.01)
        ended: dict[str, Any] = execution
        return ended

    def deploy(self, template: dict[str, Any], name: str = "") -> str:
        """The status of a stack of this template, which is updated if it exists."""
        client, name = self.client("cloudformation"), name or f"stack-{next(self.names)}"
        is_there = name in {stack["StackName"] for stack in client.describe_stacks()["Stacks"]}
        (client.update_stack if is_there else client.create_stack)(StackName=name, TemplateBody=json.dumps(template))
        while (stack := client.describe_stacks(StackName=name)["Stacks"][0])["StackStatus"].endswith("IN_PROGRESS"):
            time.sleep(0.05)
        status: str = stack["StackStatus"]
        return status

    def temporary_file(self, name: str) -> str:
        """What a function wrote; waits for it."""
        path = self.aws.folder / "tmp" / name
        await_that(lambda: path.exists() and path.read_text() != "", seconds=15)
        return path.read_text()


def await_that(is_true: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not is_true() and time.monotonic() < deadline:
        time.sleep(0.02)
    return is_true()


@contextmanager
def emulator(folder: Path, without_patches: str) -> Iterator[Emulator]:
    with running_aws(folder, free_port(), free_port(), without_patches=without_patches) as aws:
        prepared = Emulator(aws)
        prepared.prepare()
        yield prepared


@pytest.fixture(scope="module")
def mended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """As make up runs it."""
    with emulator(tmp_path_factory.mktemp("mended"), "") as running:
        yield running


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """As it comes."""
    with emulator(tmp_path_factory.mktemp("bare"), ALL) as running:
        yield running


# The probes: what an emulator does, as a value that can be compared ------------------------------------------------


def name_of_a_raised_error(on: Emulator) -> object:
    return on.invoke(on.function("raises"))["errorType"]


def name_of_an_exit(on: Emulator) -> object:
    return on.invoke(on.function("exits"))["errorType"]


def does_an_answer_reach_its_destination(on: Emulator) -> object:
    client, function = on.client("lambda"), on.function("answers")
    client.put_function_event_invoke_config(
        FunctionName=function, DestinationConfig={"OnSuccess": {"Destination": on.function("keeps_events")}}
    )
    (on.aws.folder / "tmp" / "event").unlink(missing_ok=True)
    client.invoke(FunctionName=function, InvocationType="Event", Payload=json.dumps({"asked": 1}))
    if not await_that((on.aws.folder / "tmp" / "event").exists, seconds=5):
        return "nothing"
    event = json.loads(on.temporary_file("event"))
    (on.aws.folder / "tmp" / "event").unlink()
    return event["requestPayload"], list(event["responsePayload"]), event["requestContext"]["condition"]


def functions_at_once(on: Emulator) -> object:
    """How many processes six invocations at the same time get."""
    arn = on.function("answers_later")
    with ThreadPoolExecutor(6) as threads:
        pids = {answer["pid"] for answer in threads.map(lambda _: on.invoke(arn), range(6))}
    return len(pids)


def is_a_quiet_function_quick(on: Emulator) -> object:
    arn = on.function("answers")
    on.invoke(arn)
    times = []
    for _ in range(8):
        started = time.perf_counter()
        on.invoke(arn)
        times.append(time.perf_counter() - started)
    return min(times) < 0.05


def answer_without_body(on: Emulator) -> object:
    client = on.client("apigatewayv2")
    api = client.create_api(Name="api", ProtocolType="HTTP")["ApiId"]
    integration = client.create_integration(
        ApiId=api,
        IntegrationType="AWS_PROXY",
        IntegrationUri=on.function("answers_without_body"),
        PayloadFormatVersion="2.0",
    )
    client.create_route(ApiId=api, RouteKey="$default", Target=f"integrations/{integration['IntegrationId']}")
    client.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
    on.aws.api_id_file.write_text(api)
    opener = urllib.request.build_opener(NoRedirection)
    try:
        return opener.open(f"{on.aws.api_url}/here").status
    except urllib.error.HTTPError as answer:
        return answer.code


class NoRedirection(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def does_an_execution_start_at_once(on: Emulator) -> object:
    execution = on.execute(on.state_machine(Type="Pass"))
    return (execution["stopDate"] - execution["startDate"]).total_seconds() < 0.15


def second_start_of_a_running_execution(on: Emulator) -> object:
    client, machine = on.client("stepfunctions"), on.state_machine(Type="Wait", Seconds=1)
    first = client.start_execution(stateMachineArn=machine, name="once", input="{}")
    with pytest.raises(client.exceptions.ExecutionAlreadyExists):
        client.start_execution(stateMachineArn=machine, name="once", input='{"other": 1}')
    try:
        return (
            client.start_execution(stateMachineArn=machine, name="once", input="{}")["executionArn"]
            == first["executionArn"]
        )
    except client.exceptions.ExecutionAlreadyExists:
        return "refused"


def does_a_retry_keep_its_limit(on: Emulator) -> object:
    retry = {
        "ErrorEquals": ["States.ALL"],
        "IntervalSeconds": 3,
        "MaxDelaySeconds": 1,
        "MaxAttempts": 1,
        "JitterStrategy": "FULL",
    }
    execution = on.execute(on.state_machine(Type="Task", Resource=on.function("raises"), Retry=[retry]))
    return (execution["stopDate"] - execution["startDate"]).total_seconds() < 2.5


def status_after_an_abort(on: Emulator) -> object:
    client = on.client("stepfunctions")
    task = on.function("sleeps_then_raises")
    on.invoke(task, {"seconds": 0})
    machine = on.state_machine(Type="Task", Resource=task, Parameters={"seconds": 0.5})
    arn = client.start_execution(stateMachineArn=machine)["executionArn"]
    time.sleep(0.4)
    client.stop_execution(executionArn=arn)
    await_that(lambda: client.describe_execution(executionArn=arn)["status"] == "FAILED", seconds=1.5)
    return client.describe_execution(executionArn=arn)["status"]


def definition_in_yaml(on: Emulator) -> object:
    text = "StartAt: Only\nStates:\n  Only: {Type: Wait, Seconds: ${Seconds}, End: true}\n"
    on.client("s3").put_object(Bucket=BUCKET, Key="machine.yaml", Body=text)
    name = f"yaml-{next(on.names)}"
    properties = {
        "StateMachineName": name,
        "RoleArn": on.role_arn,
        "DefinitionS3Location": {"Bucket": BUCKET, "Key": "machine.yaml"},
        "DefinitionSubstitutions": {"Seconds": "0"},
    }
    on.deploy({"Resources": {"Machine": {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}}})
    client = on.client("stepfunctions")
    machines = {each["name"]: each["stateMachineArn"] for each in client.list_state_machines()["stateMachines"]}
    return name in machines and on.execute(machines[name])["status"]


def does_a_map_read_its_limit(on: Emulator) -> object:
    waits = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 1, "End": True}}}
    machine = on.state_machine(Type="Map", ItemsPath="$.items", MaxConcurrencyPath="$.limit", ItemProcessor=waits)
    execution = on.execute(machine, {"items": [1, 2], "limit": 1})
    return (execution["stopDate"] - execution["startDate"]).total_seconds() > 1.8


def range_of_a_version(on: Emulator) -> object:
    client = on.client("s3")
    version = client.put_object(Bucket=BUCKET, Key="ranges", Body=b"0123456789")["VersionId"]
    client.put_object(Bucket=BUCKET, Key="ranges", Body=b"abcdefghij")
    answer = client.get_object(Bucket=BUCKET, Key="ranges", VersionId=version, Range="bytes=2-4")
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Body"].read(), answer.get("ContentRange")


def uploader_in_an_event(on: Emulator) -> object:
    function = {"LambdaFunctionArn": on.function("keeps_events"), "Events": ["s3:ObjectCreated:*"]}
    configuration = {"LambdaFunctionConfigurations": [function]}
    bucket = f"events-{next(on.names)}"
    client = on.client("s3")
    client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    client.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=configuration)
    client.put_object(Bucket=bucket, Key="a b", Body=b"")
    record = json.loads(on.temporary_file("event"))["Records"][0]
    assert record["s3"]["object"]["key"] == "a+b"
    return record["userIdentity"]["principalId"]


def small_parts(on: Emulator) -> object:
    client = on.client("s3")
    where = {"Bucket": BUCKET, "Key": "parts"}
    upload = client.create_multipart_upload(**where)["UploadId"]
    parts = []
    for number in (1, 2):
        part = client.upload_part(**where, UploadId=upload, PartNumber=number, Body=b"small")
        parts.append({"PartNumber": number, "ETag": part["ETag"]})
    try:
        client.complete_multipart_upload(**where, UploadId=upload, MultipartUpload={"Parts": parts})
    except ClientError as refusal:
        return refusal.response["Error"]["Code"]
    return "taken"


def uploads_where_only_links_are_allowed(on: Emulator) -> object:
    """The results of an upload by a presigned link and of one without, by somebody who may use links only."""
    allow = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{BUCKET}/*"}
    only_links = {**allow, "Condition": {"StringEquals": {"s3:authType": "REST-QUERY-STRING"}}}
    iam, user = on.client("iam"), f"user-{next(on.names)}"
    iam.create_user(UserName=user)
    policy = json.dumps({"Version": "2012-10-17", "Statement": [only_links]})
    iam.put_user_policy(UserName=user, PolicyName="links", PolicyDocument=policy)
    key = iam.create_access_key(UserName=user)["AccessKey"]
    client = on.aws.client("s3", key["AccessKeyId"], key["SecretAccessKey"])
    link = client.generate_presigned_url("put_object", Params={"Bucket": BUCKET, "Key": "by-link"})
    try:
        with urllib.request.urlopen(urllib.request.Request(link, data=b"", method="PUT")) as answer:
            by_link = answer.status
        client.put_object(Bucket=BUCKET, Key="by-header", Body=b"")
    except urllib.error.HTTPError as refusal:
        return refusal.code
    except ClientError as refusal:
        return by_link, refusal.response["Error"]["Code"]
    return by_link, "taken"


def update_of_a_nested_stack(on: Emulator) -> object:
    """The result where a resource stays as it was, and an attribute of it is read."""
    api = {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"Name": "api", "ProtocolType": "HTTP"}}
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "another"}}
    outputs = {"Url": {"Value": {"Fn::GetAtt": ["Api", "ApiEndpoint"]}}}
    name = f"stack-{next(on.names)}"
    statuses = []
    for resources in ({"Api": api}, {"Api": api, "Topic": topic}):
        key = f"nested-{next(on.names)}.json"
        body = json.dumps({"Resources": resources, "Outputs": outputs})
        on.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body)
        nested = {"TemplateURL": f"{on.aws.url}/{BUCKET}/{key}"}
        outer = {"Resources": {"Inner": {"Type": "AWS::CloudFormation::Stack", "Properties": nested}}}
        statuses.append(on.deploy(outer, name))
    return statuses


def is_gone(on: Emulator, stack: str) -> bool:
    return stack not in {one["StackName"] for one in on.client("cloudformation").describe_stacks()["Stacks"]}


def buckets_of_a_stack_that_went(on: Emulator) -> object:
    """Which buckets of a nested stack stay when its stack is deleted, and when it is rolled back."""
    prefix = f"went-{next(on.names)}"
    kept = []
    for ends in ("deleted", "rolled-back"):
        policy = {"DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain"}
        bucket = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": f"{prefix}-{ends}"}, **policy}
        key = f"nested-{next(on.names)}.json"
        on.client("s3").put_object(Bucket=BUCKET, Key=key, Body=json.dumps({"Resources": {"Kept": bucket}}))
        nested = {"TemplateURL": f"{on.aws.url}/{BUCKET}/{key}"}
        outer: dict[str, Any] = {"Inner": {"Type": "AWS::CloudFormation::Stack", "Properties": nested}}
        if ends == "rolled-back":
            missing = {"TemplateURL": f"{on.aws.url}/{BUCKET}/missing.json"}
            outer["Fails"] = {**outer["Inner"], "Properties": missing, "DependsOn": "Inner"}
        name = f"stack-{next(on.names)}"
        status = on.deploy({"Resources": outer}, name)
        assert status == ("ROLLBACK_COMPLETE" if ends == "rolled-back" else "CREATE_COMPLETE")
        on.client("cloudformation").delete_stack(StackName=name)
        await_that(partial(is_gone, on, name), seconds=10)
        kept += [one["Name"] for one in on.client("s3").list_buckets()["Buckets"] if one["Name"] == f"{prefix}-{ends}"]
    return [name.removeprefix(prefix) for name in kept]


PROBES = [
    pytest.param(name_of_a_raised_error, "Busy", id="errors_keep_their_names"),
    pytest.param(name_of_an_exit, "Runtime.ExitError", id="errors_keep_their_names of exits"),
    pytest.param(
        does_an_answer_reach_its_destination, ({"asked": 1}, ["pid"], "Success"), id="answers_go_to_their_destination"
    ),
    pytest.param(functions_at_once, 4, id="functions_wait_for_a_process"),
    pytest.param(is_a_quiet_function_quick, True, id="quiet_functions_answer_at_once"),
    pytest.param(answer_without_body, 302, id="answers_may_have_no_body"),
    pytest.param(does_an_execution_start_at_once, True, id="executions_start_at_once"),
    pytest.param(second_start_of_a_running_execution, True, id="starting_twice_is_one_start"),
    pytest.param(does_a_retry_keep_its_limit, True, id="retries_keep_their_limit_and_jitter"),
    pytest.param(status_after_an_abort, "ABORTED", id="an_aborted_execution_stays_aborted"),
    pytest.param(definition_in_yaml, "SUCCEEDED", id="definitions_may_be_yaml"),
    pytest.param(does_a_map_read_its_limit, True, id="maps_read_their_limit_from_the_input"),
    pytest.param(range_of_a_version, (206, b"234", "bytes 2-4/10"), id="ranges_are_cut_from_disk"),
    pytest.param(uploader_in_an_event, "000000000000", id="events_name_the_uploader"),
    pytest.param(small_parts, "EntityTooSmall", id="small_parts_are_refused"),
    pytest.param(uploads_where_only_links_are_allowed, (200, "AccessDenied"), id="a_request_says_how_it_was_signed"),
    pytest.param(
        update_of_a_nested_stack,
        ["CREATE_COMPLETE", "UPDATE_COMPLETE"],
        id="unchanged_resources_keep_their_attributes",
    ),
    pytest.param(buckets_of_a_stack_that_went, ["-deleted"], id="nested_stacks_keep_what_is_retained"),
]


@pytest.mark.parametrize(("probe", "as_on_aws"), PROBES)
def test_a_patch_is_needed_and_helps(
    mended: Emulator, bare: Emulator, probe: Callable[[Emulator], object], as_on_aws: object
) -> None:
    assert probe(mended) == as_on_aws
    assert probe(bare) != as_on_aws, "the patch is no longer needed"


def test_a_function_that_raised_keeps_its_process(mended: Emulator) -> None:
    arn = mended.function("sleeps_then_raises")
    pids = set()
    for _ in range(2):
        mended.invoke(arn, {"seconds": 0})
        pids.add(mended.temporary_file("pid"))
    assert len(pids) == 1


@pytest.mark.parametrize(("without_patches", "ends"), [("", True), ("functions_end_with_their_parent", False)])
def test_functions_end_with_their_parent(tmp_path: Path, without_patches: str, ends: bool) -> None:
    with ExitStack() as exits:
        running = exits.enter_context(emulator(tmp_path, without_patches))
        client = running.client("lambda")
        client.invoke(
            FunctionName=running.function("sleeps_then_raises"), InvocationType="Event", Payload='{"seconds": 8}'
        )
        function = psutil.Process(int(running.temporary_file("pid")))
        emulator_process = function.parent()
        assert emulator_process is not None
        emulator_process.kill()
        assert await_that(lambda: not function.is_running(), seconds=3 if ends else 1) is ends
        if not ends:
            os.kill(function.pid, signal.SIGKILL)


@pytest.mark.parametrize(
    ("without_patches", "status"), [("", "CREATE_COMPLETE"), ("restored_buckets_may_be_declared", "ROLLBACK_COMPLETE")]
)
def test_restored_buckets_may_be_declared(tmp_path: Path, without_patches: str, status: str) -> None:
    with emulator(tmp_path, "") as running:
        running.client("s3").put_object(Bucket=BUCKET, Key="kept", Body=b"first")
        running.client("s3").put_object(Bucket=BUCKET, Key="kept", Body=b"second")
    with running_aws(tmp_path, free_port(), free_port(), without_patches=without_patches) as aws:
        restarted = Emulator(aws)  # not prepared: the bucket is what is restored
        properties = {"BucketName": BUCKET, "VersioningConfiguration": {"Status": "Enabled"}}
        template = {"Resources": {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": properties}}}
        assert restarted.deploy(template) == status
        versions = restarted.client("s3").list_object_versions(Bucket=BUCKET)["Versions"]
        bodies = [
            restarted.client("s3").get_object(Bucket=BUCKET, Key="kept", VersionId=each["VersionId"])["Body"].read()
            for each in versions
        ]
        assert sorted(bodies) == [b"first", b"second"]
