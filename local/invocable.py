"""What ``sam local invoke`` needs beside a running ``make up``: a network that leads back here, a template, the values
of the functions' variables, and sample events about an import that is there. samconfig.toml names the files.
"""

import json
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from local.aws import REGION, ROOT, Aws
from local.containers import Engine, base_image, find_engine, has_image, network, running
from local.deploy import DATABASE_ENTRY, OWNER_ENTRY, TemplateLoader, write_secret
from local.failures import CannotStart
from local.postgres import Database
from local.processes import LOOPBACK, end, launch_command, start
from local.system import LocalSystem

NETWORK = "kintell-local"
AWS_PORT, DATABASE_PORT = 4566, 5432
EVENTS = ROOT / "events"
SAMPLE = ROOT / "local/samples/language-for-ukraine-2024-11.csv"
SAMPLE_BATCH = "6b0e2f6e-2f7d-4e0a-9b58-3a3a1f0d9c11"
FUNCTION = "AWS::Serverless::Function"
IMPORT_SECONDS = 60

Json = dict[str, Any]


@contextmanager
def open_to_containers(system: LocalSystem, folder: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Let functions in containers reach the system, if there are an engine and Lambda's image.

    Says what to type then, or what is missing; without a docker command nothing, since all else does without.
    """
    with ExitStack() as exits:
        try:
            exits.enter_context(_opened(system, folder, say))
        except CannotStart as failed:
            # It is an extra: whoever has an engine that does not do this wants the system all the same.
            if shutil.which("docker"):
                say(f"  sam local invoke    can't be used: {failed}")
        yield


@contextmanager
def _opened(system: LocalSystem, folder: Path, say: Callable[[str], None]) -> Iterator[None]:
    engine = find_engine()
    if not has_image(engine):
        say(f"  sam local invoke    needs docker pull {base_image(engine)}, and make up again")
        yield
        return
    with (
        network(NETWORK),
        led_back_here(NETWORK, system.aws, system.database, folder / "shared", engine) as address,
    ):
        system.aws.is_also_called(f"{address}:{AWS_PORT}")
        write_files(system, folder, engine, (f"http://{address}:{AWS_PORT}", (address, DATABASE_PORT)))
        say("  sam local invoke    sam build && sam local invoke Stage -e .local/sam/events/stage.json")
        yield


def write_files(system: LocalSystem, folder: Path, engine: Engine, reached_at: tuple[str, tuple[str, int]]) -> None:
    """Write template, variables and events for functions that reach AWS and the database at these addresses."""
    (folder / "events").mkdir(mode=0o700, parents=True, exist_ok=True)
    variables = variables_of(system, *reached_at)
    (folder / "template.json").write_text(json.dumps(template_for(engine, variables)))
    # SAM puts the shell's variables above the template's, and these above both.
    (folder / "variables.json").write_text(json.dumps(variables))
    (folder / "variables.json").chmod(0o600)
    for name, event in events_of(system).items():
        (folder / "events" / name).write_text(event)


@contextmanager
def led_back_here(name: str, aws: Aws, database: Database, shared: Path, engine: Engine) -> Iterator[str]:
    """The address at which containers in the network reach the emulator and the database."""
    shared.mkdir(parents=True, exist_ok=True)
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


# Variables and template ---------------------------------------------------------------------------------------------


def variables_of(system: LocalSystem, aws_url: str, database_at: tuple[str, int]) -> dict[str, dict[str, str]]:
    """The variables of each deployed function by logical id, with addresses and keys that suit a container."""
    host, port = database_at
    secrets: dict[str, str] = {}
    logins: dict[str, Database | None] = {
        DATABASE_ENTRY: system.database.functions_login(system.places.folder) or system.database,
        OWNER_ENTRY: system.database,
    }
    secrets_manager = system.client("secretsmanager")
    for entry, login in logins.items():
        if login is not None and entry in {one["Name"] for one in secrets_manager.list_secrets()["SecretList"]}:
            here = secrets_manager.describe_secret(SecretId=entry)["ARN"]
            secrets[here] = write_secret(system.aws, f"{entry}-in-containers", replace(login, host=host, port=port))
    given = {
        "AWS_ENDPOINT_URL": aws_url,
        "AWS_ACCESS_KEY_ID": system.aws.access_key_id,
        "AWS_SECRET_ACCESS_KEY": system.aws.secret_access_key,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
    }
    found = {}
    for logical_id, name in functions_of(system).items():
        given_there = system.client("lambda").get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        found[logical_id] = {key: secrets.get(value, value) for key, value in given_there.items()} | given
    return found


def functions_of(system: LocalSystem) -> dict[str, str]:
    """The names of the stack's functions by logical id."""
    resources = system.client("cloudformation").describe_stack_resources(StackName="kintell")["StackResources"]
    return {
        one["LogicalResourceId"]: one["PhysicalResourceId"]
        for one in resources
        if one["ResourceType"] == "AWS::Lambda::Function"
    }


def template_for(engine: Engine, variables: dict[str, dict[str, str]]) -> Json:
    """The functions and the layer of the template, for this machine's processor; the layer is that of `sam build`."""
    body: Json = yaml.load((ROOT / "template.yaml").read_text(), TemplateLoader)
    general = body["Globals"]["Function"]
    layer = {"ContentUri": str(ROOT / ".aws-sam/build/CommonLayer"), "CompatibleRuntimes": [general["Runtime"]]}
    resources: Json = {"CommonLayer": {"Type": "AWS::Serverless::LayerVersion", "Properties": layer}}
    for name, one in body["Resources"].items():
        if one["Type"] == FUNCTION and name in variables:
            own = one["Properties"]
            resources[name] = {
                "Type": FUNCTION,
                "Properties": {
                    "CodeUri": str(ROOT / own["CodeUri"]),
                    "Handler": own["Handler"],
                    "Runtime": general["Runtime"],
                    "Architectures": [engine.architecture],
                    "Layers": [{"Ref": "CommonLayer"}],
                    "Timeout": own.get("Timeout", general["Timeout"]),
                    "MemorySize": own.get("MemorySize", general["MemorySize"]),
                    # SAM passes on only those that a template names.
                    "Environment": {"Variables": dict.fromkeys(variables[name], "")},
                },
            }
    return {"Transform": "AWS::Serverless-2016-10-31", "Resources": resources}


# Events -------------------------------------------------------------------------------------------------------------


def events_of(system: LocalSystem) -> dict[str, str]:
    """The sample events by file name, about the newest import of this system, or one of the sample export."""
    db = system.connect()
    try:
        found = newest_import(db) or import_sample(system, db)
    finally:
        db.close()
    batch_id, key, version_id, size = found
    events = {}
    for file in sorted(EVENTS.glob("*.json")):
        event = json.loads(file.read_text().replace(SAMPLE_BATCH, str(batch_id)))
        if file.name == "intake.json":
            (record,) = event["Records"]
            record["s3"]["bucket"]["name"] = system.stack.uploads_bucket
            record["s3"]["object"].update(key=key, versionId=version_id, size=size)
        events[file.name] = json.dumps(event, indent=2)
    return events


def newest_import(db: Any) -> tuple[Any, ...] | None:
    """The newest batch that has ended, if possible well, with its object: batch, key, version, size."""
    found = db.run(
        """
        SELECT b.id, u.key, u.version_id, u.size_bytes
          FROM ingestion_batches b JOIN uploads u ON u.id = b.upload_id
         WHERE b.status IN ('completed', 'failed') AND b.archived_at IS NULL AND b.cancelled_at IS NULL
      ORDER BY b.status = 'completed' DESC, b.created_at DESC
         LIMIT 1
        """
    )
    return tuple(found[0]) if found else None


def import_sample(system: LocalSystem, db: Any) -> tuple[Any, ...]:
    """Import the sample export, since nothing has been imported yet. CannotStart if it doesn't end."""
    key = f"incoming/{SAMPLE.name}"
    system.client("s3").put_object(Bucket=system.stack.uploads_bucket, Key=key, Body=SAMPLE.read_bytes())
    deadline = time.monotonic() + IMPORT_SECONDS
    while time.monotonic() < deadline:
        if found := newest_import(db):
            return found
        time.sleep(0.2)
    raise CannotStart("the sample export was not imported; .local/aws/aws.log says why")
