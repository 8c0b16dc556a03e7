"""The surroundings that ``make sam-local`` gives to functions in containers: a database, the emulator with the
resources of a stack, a network from which both can be reached, and a template that names them."""

import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from local.aws import REGION, ROOT, Aws, running_aws
from local.containers import Engine, network, running
from local.deploy import TemplateLoader
from local.postgres import THROW_AWAY, Database, running_server
from local.processes import LOOPBACK, end, free_port, launch_command, start
from local.up import say

SAM = ROOT / ".venv-sam/bin/sam"
BUILT = ROOT / ".aws-sam/build"
EVENTS = ROOT / "events"
AWS_PORT, DATABASE_PORT = 4566, 5432

Json = dict[str, Any]


@dataclass(frozen=True)
class Place:
    """Where functions are invoked, and the resources that they find there."""

    aws: Aws
    folder: Path
    network: str
    engine: Engine
    variables: dict[str, str]

    @property
    def template(self) -> Path:
        """The parts of the built template that functions need."""
        return self.folder / "template.json"

    @property
    def given(self) -> Path:
        """These variables in SAM's form."""
        return self.folder / "variables.json"


@contextmanager
def prepared(folder: Path, engine: Engine) -> Iterator[Place]:
    """Run a database, an emulator with the resources of a stack, and a network from which both can be reached."""
    with ExitStack() as exits:
        say("PostgreSQL: starting")
        database = exits.enter_context(running_server(folder, THROW_AWAY))
        say("AWS emulator: starting")
        aws = exits.enter_context(running_aws(folder / "aws", free_port(), free_port()))
        name = f"kintell-sam-local-{os.getpid()}"
        exits.enter_context(network(name))
        say("relay: starting (the image of Lambda's Python is pulled if it is not there)")
        address = exits.enter_context(led_back_here(name, aws, database, folder / "shared", engine))
        aws.is_also_called(f"{address}:{AWS_PORT}")
        reached = replace(database, host=address, port=DATABASE_PORT)
        variables = make_resources(aws, reached) | {"AWS_ENDPOINT_URL": f"http://{address}:{AWS_PORT}"}
        yield Place(aws, folder, name, engine, variables)


@contextmanager
def led_back_here(name: str, aws: Aws, database: Database, shared: Path, engine: Engine) -> Iterator[str]:
    """The address at which containers in the network reach the emulator and the database."""
    shared.mkdir()
    shutil.copy(Path(__file__).with_name("relay.py"), shared)
    ports = {"aws": (aws.port, AWS_PORT), "database": (database.port, DATABASE_PORT)}
    here = [f"{shared}/{one}={LOOPBACK}:{port}" for one, (port, _) in ports.items()]
    there = [f"0.0.0.0:{port}=/shared/{one}" for one, (_, port) in ports.items()]
    command = launch_command([sys.executable, "-P", str(shared / "relay.py"), *here])
    process = start(command, log=shared / "relay.log")
    try:
        with running(name, name, base_image(engine), shared, ["python3.13", "/shared/relay.py", *there]) as address:
            yield address
    finally:
        end(process)


def base_image(engine: Engine) -> str:
    """The image on which SAM bases its own, under SAM's name for it."""
    asked = (
        "from samcli.local.docker.lambda_image import LambdaImage, Runtime\n"
        f"tag = Runtime.get_image_name_tag('python3.13', '{engine.architecture}')\n"
        "print(f'{LambdaImage._INVOKE_REPO_PREFIX}/{tag}')"
    )
    done = subprocess.run([str(SAM.with_name("python")), "-c", asked], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def make_resources(aws: Aws, database: Database) -> dict[str, str]:
    """Create what the functions read, write and start; returns the variables that tell them where it is."""
    sample: Json = json.loads((EVENTS / "intake.json").read_text())["Records"][0]
    uploads, work = sample["s3"]["bucket"]["name"], "kintell-work-123456789012"
    s3 = aws.client("s3")
    for bucket in (uploads, work):
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_versioning(Bucket=uploads, VersioningConfiguration={"Status": "Enabled"})
    secret = json.dumps(asdict(database))
    secret_arn = aws.client("secretsmanager").create_secret(Name="kintell/database", SecretString=secret)["ARN"]
    return {
        "DATABASE_SECRET_ARN": secret_arn,
        "UPLOADS_BUCKET": uploads,
        "WORK_BUCKET": work,
        "STATE_MACHINE_ARN": idle_state_machine(aws),
        "OUTBOX_FUNCTION_NAME": empty_outbox(aws),
        "UNKNOWN_USERS": "create",
        "AUTHENTICATION": "cognito",
    }


def idle_state_machine(aws: Aws) -> str:
    """A state machine that does nothing: the sample events do its work."""
    nothing = {"StartAt": "Nothing", "States": {"Nothing": {"Type": "Pass", "End": True}}}
    made = aws.client("stepfunctions").create_state_machine(
        name="kintell-import-batch", definition=json.dumps(nothing), roleArn=idle_role(aws, "states")
    )
    return str(made["stateMachineArn"])


def empty_outbox(aws: Aws) -> str:
    """What Dispatch invokes: functions in containers are out of its reach."""
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as out:
        out.writestr("empty.py", "def handler(event, context):\n    return {'messages': []}\n")
    made = aws.client("lambda").create_function(
        FunctionName="kintell-outbox",
        Runtime="python3.13",
        Role=idle_role(aws, "lambda"),
        Handler="empty.handler",
        Code={"ZipFile": code.getvalue()},
    )
    return str(made["FunctionArn"])


def idle_role(aws: Aws, service: str) -> str:
    """A role that may do nothing."""
    trust = {"Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"}, "Action": "sts:AssumeRole"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    made = aws.client("iam").create_role(RoleName=f"kintell-idle-{service}", AssumeRolePolicyDocument=policy)
    return str(made["Role"]["Arn"])


def localise(place: Place) -> list[str]:
    """Write the built template with absolute paths and one more variable, and a file with the variables' values.

    The functions in it."""
    body: Json = yaml.load((BUILT / "template.yaml").read_text(), TemplateLoader)
    # Other resources matter only in a deploy.
    needed = {name: one for name, one in body["Resources"].items() if one["Type"].startswith("AWS::Serverless::")}
    body = {**{key: body[key] for key in ("Transform", "Parameters", "Conditions", "Globals")}, "Resources": needed}
    body["Globals"]["Function"]["Environment"]["Variables"]["AWS_ENDPOINT_URL"] = ""
    for resource in needed.values():
        for key in ("CodeUri", "ContentUri", "DefinitionUri"):
            if key in resource["Properties"]:
                resource["Properties"][key] = str(BUILT / resource["Properties"][key])
    place.template.write_text(json.dumps(body))
    # SAM prefers these to the template's values and to variables of its own environment.
    place.given.write_text(json.dumps({"Parameters": place.variables}))
    return [name for name, one in needed.items() if one["Type"] == "AWS::Serverless::Function"]
