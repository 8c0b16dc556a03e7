"""Starts the AWS emulator in its own process, and makes clients for it."""

import http.client
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from local.failures import CannotStart
from local.postgres import kept
from local.processes import LOOPBACK, end, last_line, launch_command, start

REGION = "eu-north-1"
START_TIMEOUT_SECONDS = 60
ROOT = Path(__file__).parent.parent
# The variables of the user's environment that the emulator and its functions may see.
KEPT_VARIABLES = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "SSL_CERT_FILE", "LD_LIBRARY_PATH")


@dataclass(frozen=True)
class Aws:
    """The emulator's address and the root key of its account."""

    folder: Path
    port: int
    api_port: int
    access_key_id: str
    secret_access_key: str

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def api_url(self) -> str:
        return f"http://{LOOPBACK}:{self.api_port}"

    @property
    def api_id_file(self) -> Path:
        return self.folder / "api-id"

    @property
    def hosts_file(self) -> Path:
        return self.folder / "hosts"

    def is_also_called(self, host: str) -> None:
        """Accept requests that a relay passes on, which name the relay's host."""
        with self.hosts_file.open("a") as out:
            out.write(f"{host}\n")

    def client(self, service: str, key_id: str = "", secret: str = "") -> Any:
        """A boto3 client with this key, or with the root key."""
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=key_id or self.access_key_id,
            aws_secret_access_key=secret or self.secret_access_key,
            config=Config(retries={"total_max_attempts": 2, "mode": "standard"}, proxies={}),
        )


@contextmanager
def running_aws(folder: Path, port: int, api_port: int, *, without_patches: str = "") -> Iterator[Aws]:
    """Run the emulator with its files below *folder*. Objects outlive it; all else is deployed at every start."""
    aws = Aws(folder, port, api_port, *key_pair(folder / "aws.key"))
    shutil.rmtree(folder / "tmp", ignore_errors=True)
    for name in ("tmp", "s3"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for file in (aws.api_id_file, aws.hosts_file):
        file.unlink(missing_ok=True)
    log = folder / "aws.log"
    environment = {**emulator_environment(aws), "WITHOUT_PATCHES": without_patches}
    process = start(
        launch_command([sys.executable, "-m", "local.emulators.ministack.server"]), log=log, env=environment
    )
    try:
        wait_until_ready(aws, process, log)
        yield aws
    finally:
        end(process)
        aws.api_id_file.unlink(missing_ok=True)
        shutil.rmtree(folder / "tmp", ignore_errors=True)


def key_pair(file: Path) -> tuple[str, str]:
    made = kept(file, lambda: f"AKIA{secrets.token_hex(8).upper()} {secrets.token_urlsafe(30)}")
    access_key_id, secret_access_key = made.split()
    return access_key_id, secret_access_key


def emulator_environment(aws: Aws) -> dict[str, str]:
    own = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    return own | {
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "TMPDIR": str(aws.folder.resolve() / "tmp"),
        "AUTH": "true",
        "BIND_HOST": LOOPBACK,
        "GATEWAY_PORT": str(aws.port),
        "API_PORT": str(aws.api_port),
        "API_ID_FILE": str(aws.api_id_file.resolve()),
        "HOSTS_FILE": str(aws.hosts_file.resolve()),
        "MINISTACK_HOST": LOOPBACK,
        "MINISTACK_REGION": REGION,
        "AWS_ACCESS_KEY_ID": aws.access_key_id,
        "AWS_SECRET_ACCESS_KEY": aws.secret_access_key,
        "OUTSTANDING": str(aws.folder.resolve() / "outstanding"),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(aws.folder.resolve() / "s3"),
        # AWS delivers a failed event again after a minute and after two more. Here it waits four and eight seconds;
        # ministack takes one and two: a database that starts again may need longer.
        "LAMBDA_ASYNC_RETRY_BASE_SECONDS": "4",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "DOCKER_HOST": "unix:///nonexistent",  # the emulator must not use the user's containers
        "LOG_LEVEL": "INFO",
    }


def wait_until_ready(aws: Aws, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while not is_ready(aws):
        if process.poll() is not None or time.monotonic() > deadline:
            raise CannotStart(f"the AWS emulator did not start: {last_line(log)} (see {log})")
        time.sleep(0.05)


def is_ready(aws: Aws) -> bool:
    """Whether it answers; nothing listens on the port before ministack has started."""
    connection = http.client.HTTPConnection(LOOPBACK, aws.port, timeout=5)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status == 403  # since the request has no signature
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
