"""Deploys template.yaml unchanged into the emulator: packages it as ``aws cloudformation package`` does, then creates
or updates the stack."""

import hashlib
import importlib.util
import io
import json
import py_compile
import tempfile
import time
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from botocore.exceptions import ClientError

from local.aws import ROOT, Aws
from local.emulators.ministack.callers import dashboard_origins
from local.failures import CannotStart
from local.postgres import Database

STACK = "kintell"
DATABASE_ENTRY = "kintell/database"
OWNER_ENTRY = "kintell/database-owner"
ARTIFACTS = "kintell-artifacts"
TIMEOUT_SECONDS = 300
# Without it the API would require a token: the template's defaults are meant for AWS.
LOOPBACK_ONLY = {"Authentication": "none"}

Json = dict[str, Any]


@dataclass(frozen=True)
class Stack:
    """The outputs of the deployed stack."""

    api_id: str
    uploads_bucket: str
    work_bucket: str
    state_machine_arn: str


class TemplateLoader(yaml.SafeLoader):
    """Reads CloudFormation's short forms (!Ref, !GetAtt, …) as the long ones."""


def long_form(loader: TemplateLoader, suffix: str, node: yaml.Node) -> Json:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


TemplateLoader.add_multi_constructor("!", long_form)


def deploy(
    aws: Aws,
    owner: Database,
    functions: Database | None = None,
    who_may_call: Mapping[str, str] = LOOPBACK_ONLY,
    template: Path = ROOT / "template.yaml",
) -> Stack:
    """Deploy the current template and code. CannotStart if that fails, with the reason of the first resource to fail.

    Without a login of their own, the functions connect as the schema owner."""
    body = json.dumps(package(aws, template))
    parameters = {
        "DatabaseSecretArn": write_secret(aws, DATABASE_ENTRY, functions or owner),
        "DatabaseOwnerSecretArn": write_secret(aws, OWNER_ENTRY, owner) if functions else "",
        "DashboardOrigins": ",".join(dashboard_origins(aws.api_port)),
        **who_may_call,
    }
    outputs = create_or_update(aws.client("cloudformation"), body, parameters)
    stack = Stack(outputs["ApiId"], outputs["UploadsBucketName"], outputs["WorkBucketName"], outputs["StateMachineArn"])
    unfinished = aws.api_id_file.with_suffix(".new")
    unfinished.write_text(stack.api_id)
    unfinished.rename(aws.api_id_file)
    return stack


def write_secret(aws: Aws, name: str, database: Database) -> str:
    """Store a secret; returns the ARN under which the functions find it."""
    secret = json.dumps(
        {
            "host": database.host,
            "port": database.port,
            "dbname": database.dbname,
            "username": database.username,
            "password": database.password,
            "sslmode": database.sslmode,
        }
    )
    client = aws.client("secretsmanager")
    try:
        arn: str = client.create_secret(Name=name, SecretString=secret)["ARN"]
    except client.exceptions.ResourceExistsException:
        arn = client.put_secret_value(SecretId=name, SecretString=secret)["ARN"]
    return arn


# Packaging ----------------------------------------------------------------------------------------------------------


def package(aws: Aws, template: Path) -> Json:
    """The template with each local path replaced by the address of its upload."""
    body: Json = yaml.load(template.read_text(), TemplateLoader)
    base = template.parent
    upload = uploader(aws)
    functions = [body.get("Globals", {}).get("Function", {})]
    for resource in body["Resources"].values():
        properties: Json = resource.get("Properties", {})
        if resource["Type"] == "AWS::CloudFormation::Stack":
            nested = json.dumps(package(aws, base / properties["TemplateURL"])).encode()
            properties["TemplateURL"] = upload(nested, ".json").replace("s3://", f"{aws.url}/")
        elif resource["Type"] == "AWS::Serverless::Function":
            functions.append(properties)
        elif resource["Type"] == "AWS::Serverless::LayerVersion":
            properties["ContentUri"] = upload(layer_archive(base / properties["ContentUri"]), ".zip")
        elif resource["Type"] == "AWS::Serverless::StateMachine" and isinstance(properties.get("DefinitionUri"), str):
            properties["DefinitionUri"] = upload((base / properties["DefinitionUri"]).read_bytes(), ".yaml")
    for properties in functions:
        if isinstance(properties.get("CodeUri"), str):
            properties["CodeUri"] = upload(archive(base / properties["CodeUri"], inside=""), ".zip")
    return body


def uploader(aws: Aws) -> Callable[[bytes, str], str]:
    """A function that uploads under a name that changes with the content, so that CloudFormation notices changes."""
    client = aws.client("s3")
    try:
        client.head_bucket(Bucket=ARTIFACTS)
    except ClientError:
        client.create_bucket(
            Bucket=ARTIFACTS, CreateBucketConfiguration={"LocationConstraint": client.meta.region_name}
        )

    def upload(content: bytes, suffix: str) -> str:
        key = hashlib.sha256(content).hexdigest() + suffix
        client.put_object(Bucket=ARTIFACTS, Key=key, Body=content)
        return f"s3://{ARTIFACTS}/{key}"

    return upload


def layer_archive(folder: Path) -> bytes:
    """The layer with the ingestion package only: its dependencies, in the same pinned versions, are installed beside
    the emulator, whose interpreter runs the functions."""
    return archive(folder / "ingestion", inside="python/ingestion/")


def archive(folder: Path, inside: str) -> bytes:
    """A reproducible zip of a folder, with modules compiled ahead, which shortens cold starts."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as out, tempfile.TemporaryDirectory() as compiled:
        for path in sorted(each for each in folder.rglob("*") if each.is_file() and "__pycache__" not in each.parts):
            name = inside + path.relative_to(folder).as_posix()
            out.writestr(zipfile.ZipInfo(name), path.read_bytes())
            if path.suffix == ".py":
                out.writestr(
                    zipfile.ZipInfo(importlib.util.cache_from_source(name)), bytecode(path, name, Path(compiled))
                )
    return content.getvalue()


def bytecode(path: Path, name: str, folder: Path) -> bytes:
    """The compiled module. CannotStart if it has a syntax error."""
    unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
    try:
        py_compile.compile(str(path), str(folder / "module.pyc"), name, doraise=True, invalidation_mode=unchecked)
    except py_compile.PyCompileError as error:
        raise CannotStart(f"{path} does not compile: {error.exc_value}") from error
    return (folder / "module.pyc").read_bytes()


# The stack ----------------------------------------------------------------------------------------------------------


def create_or_update(client: Any, body: str, parameters: dict[str, str]) -> dict[str, str]:
    """Create or update the stack; returns its outputs once it is complete."""
    request = {
        "StackName": STACK,
        "TemplateBody": body,
        "Parameters": [{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
        "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
    }
    try:
        if find_stack(client) is None:
            client.create_stack(**request)
        else:
            client.update_stack(**request)
    except ClientError as error:
        if "No updates are to be performed" not in str(error):
            raise CannotStart(f"the stack was refused: {error}") from error
    return wait_for_outputs(client)


def find_stack(client: Any) -> Json | None:
    try:
        stack: Json = client.describe_stacks(StackName=STACK)["Stacks"][0]
    except ClientError:
        return None
    return stack


def wait_for_outputs(client: Any) -> dict[str, str]:
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while (stack := find_stack(client)) is not None and stack["StackStatus"].endswith("IN_PROGRESS"):
        if time.monotonic() > deadline:
            raise CannotStart("the stack did not complete in time")
        time.sleep(0.1)
    if stack is None or stack["StackStatus"] not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        raise CannotStart(f"the stack failed: {first_failure(client, stack)}")
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def first_failure(client: Any, stack: Json | None) -> str:
    """The resource that failed first, and why; later failures follow from it."""
    events = client.describe_stack_events(StackName=STACK)["StackEvents"]
    for event in reversed(events):
        if event["ResourceStatus"].endswith("_FAILED") and event.get("ResourceStatusReason"):
            return f"{event['LogicalResourceId']}: {event['ResourceStatusReason']}"
    return (stack or {}).get("StackStatusReason") or "no reason was given"
