"""``make demo``: imports the sample exports by S3 upload and shows the result of each.

It starts a new system on free ports each time, so that it always shows the same and never adds made-up people to the
data of ``make up``.
"""

import csv
import io
import json
import shutil
import signal
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.failures import CannotStart, failures_in_one_line
from local.system import HOME, LocalSystem, Places, only_one
from local.up import interrupt, say

SAMPLES = Path(__file__).with_name("samples")
TIMEOUT_SECONDS = 120
ERRORS_SHOWN = 5

Json = dict[str, Any]


@dataclass(frozen=True)
class Sample:
    """A file, where it is uploaded, and the expected result: a refusal, or counts of rows."""

    file: str
    key: str
    about: str
    success: int = 0
    skipped: int = 0
    errors: int = 0
    refusal: str | None = None


SAMPLE_UPLOADS = (
    Sample(
        "kintell-users.csv",
        "incoming/kintell_users/kintell-users.csv",
        "the people, who must be known first",
        success=50,
    ),
    Sample(
        "mentors-for-ukraine-2024-Q4.csv",
        "incoming/mentors_ukraine/mentors-for-ukraine-2024-Q4.csv",
        "mentoring sessions, all of them fine",
        success=48,
    ),
    Sample(
        "language-for-ukraine-2024-11.csv",
        "incoming/language-for-ukraine-2024-11.csv",
        "language sessions, some of them faulty; programme and instance from the file's name",
        success=39,
        skipped=1,
        errors=12,
    ),
    Sample(
        "language-for-ukraine-2024-11.csv",
        "incoming/language-for-ukraine-2024-11 (1).csv",
        "the same file again, downloaded a second time",
        refusal="already_imported",
    ),
)


class NotAsExpected(CannotStart):
    """The system did something other than what the demo expects."""


class Api:
    """The HTTP API, as a script would use it."""

    def __init__(self, url: str) -> None:
        self.url = url
        # A proxy that the environment names can't reach this machine's loopback.
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def get(self, path: str) -> Json:
        """A JSON answer."""
        body: Json = json.loads(self.download(path))
        return body

    def download(self, path: str) -> bytes:
        """The content, with redirects followed as by ``curl -L``. Raises NotAsExpected if the answer is an error."""
        try:
            with self.opener.open(self.url + path, timeout=60) as answer:
                content: bytes = answer.read()
        except urllib.error.HTTPError as error:
            detail = error.read().decode(errors="replace")[:500]
            raise NotAsExpected(f"GET {path} was answered with {error.code}: {detail}") from error
        return content


def main() -> None:
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, interrupt)
    sys.stdout.reconfigure(line_buffering=True, errors="replace")  # type: ignore[union-attr]
    data = HOME / "demo" / "data"
    with failures_in_one_line(), only_one(data.parent):
        shutil.rmtree(data, ignore_errors=True)
        with LocalSystem(Places(data), say) as system:
            say(f"ready: API {system.aws.api_url}, AWS {system.aws.url}")
            show_all(system)
        shutil.rmtree(data, ignore_errors=True)
        say("\nAll as expected. make up starts a system to keep, with the dashboard on http://127.0.0.1:3002")


def show_all(system: LocalSystem) -> None:
    api = Api(system.aws.api_url)
    for sample in SAMPLE_UPLOADS:
        say(f"\n{sample.key} ({sample.about})")
        upload = wait_for_upload(api, put(system, sample))
        if upload["state"] == "refused":
            show_refusal(sample, upload)
        else:
            status = wait_for_batch(api, upload["batchId"])
            show_batch(sample, status)
            if status["errorRows"]:
                show_error_file(api, status["batchId"])


def put(system: LocalSystem, sample: Sample) -> str:
    """Upload the file as any S3 client would; returns its S3 version id."""
    body = (SAMPLES / sample.file).read_bytes()
    answer = system.client("s3").put_object(Bucket=system.stack.uploads_bucket, Key=sample.key, Body=body)
    version_id: str = answer["VersionId"]
    return version_id


def wait_for_upload(api: Api, version_id: str) -> Json:
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        for upload in api.get("/v1/import/uploads")["items"]:
            if upload["versionId"] == version_id and upload["state"] != "waiting":
                found: Json = upload
                return found
        time.sleep(0.1)
    raise NotAsExpected("the upload was neither accepted nor refused in time")


def wait_for_batch(api: Api, batch_id: str) -> Json:
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        status = api.get(f"/v1/import/backfill/{batch_id}/status")
        if status["status"] not in ("pending", "running"):
            return status
        time.sleep(0.1)
    raise NotAsExpected(f"batch {batch_id} did not end in time")


def show_refusal(sample: Sample, upload: Json) -> None:
    refusal = upload["refusal"]
    say(f"Refused:     {refusal['code']}: {refusal['message']}")
    if refusal["code"] != sample.refusal:
        raise NotAsExpected(f"{sample.key} was refused")


def show_batch(sample: Sample, status: Json) -> None:
    batch_id = status["batchId"]
    say(f"Batch ID:    {batch_id}")
    say(f"Processed:   {status['processedRows']} rows")
    say(f"Success:     {status['successRows']} ({status['insertedRows']} new, {status['updatedRows']} updated)")
    say(f"Skipped:     {status['skippedRows']}")
    say(f"Errors:      {status['errorRows']}")
    if status["errorRows"]:
        say(f"Error file:  kintell errors {batch_id} -o errors.csv")
    outcome = (status["status"], status["successRows"], status["skippedRows"], status["errorRows"])
    if sample.refusal or outcome != ("completed", sample.success, sample.skipped, sample.errors):
        reason = f" ({status['failureReason']})" if status.get("failureReason") else ""
        raise NotAsExpected(f"{sample.key} did not give the expected result; it is {status['status']}{reason}")


def show_error_file(api: Api, batch_id: str) -> None:
    """Show the first rows of the error file, fetched with its presigned link."""
    text = api.download(f"/v1/import/backfill/{batch_id}/errors").decode("utf-8-sig")
    # It has the same delimiter as its sample.
    delimiter = text[text.index("_error_row") - 1]
    rows = list(csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter))
    say(f"\nThe error file has the {len(rows)} rows as they were, and five more columns. The first rows in it:")
    for row in rows[:ERRORS_SHOWN]:
        say(f"  row {row['_error_row']}, line {row['_error_line']}: {row['_error_code']} {row['_error_message']}")


if __name__ == "__main__":
    main()
