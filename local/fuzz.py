"""``make fuzz``: sends the HTTP API requests that its own document allows, and requests that it forbids.

It starts its own system on free ports and imports the sample exports, so that lists have something to list.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

from local.aws import ROOT
from local.demo import SAMPLE_UPLOADS, SAMPLES
from local.failures import failures_in_one_line
from local.system import HOME, LocalSystem, Places
from local.up import interrupt, say

PROGRAM = ROOT / ".venv-fuzz" / "bin" / "schemathesis"
FOLDER = HOME / "fuzz"
EXAMPLES = os.environ.get("FUZZ_EXAMPLES", "20")
# A schema can't say which cursors the API has returned, which batches exist, or which text is a date or a slug.
BEYOND_A_SCHEMA = "positive_data_acceptance"


def main() -> int:
    """The exit code of schemathesis."""
    signal.signal(signal.SIGTERM, interrupt)
    with failures_in_one_line():
        shutil.rmtree(FOLDER, ignore_errors=True)
        try:
            with LocalSystem(Places(FOLDER), say) as system:
                s3 = system.client("s3")
                for sample in SAMPLE_UPLOADS:
                    body = Path(SAMPLES / sample.file).read_bytes()
                    s3.put_object(Bucket=system.stack.uploads_bucket, Key=sample.key, Body=body)
                return fuzz(system.aws.api_url, document(system.aws.api_url))
        finally:
            shutil.rmtree(FOLDER, ignore_errors=True)


def document(api_url: str) -> Path:
    """The API's own document without the token, which only AWS requires (tests/api/test_api_rights.py)."""
    with urllib.request.urlopen(f"{api_url}/openapi.json") as answer:
        found = json.load(answer)
    for path in found["paths"].values():
        for operation in path.values():
            operation.pop("security", None)
    file = FOLDER / "openapi.json"
    file.write_text(json.dumps(found))
    return file


def fuzz(api_url: str, openapi: Path) -> int:
    command = [str(PROGRAM), "run", str(openapi), "--url", api_url, "--max-examples", EXAMPLES, "--seed", "1"]
    command += [
        "--exclude-checks",
        BEYOND_A_SCHEMA,
        "--max-redirects",
        "0",
        "--request-timeout",
        "30",
        "--no-color",
        "--warnings",
        "off",
    ]
    environment = {**os.environ, "no_proxy": "127.0.0.1", "NO_PROXY": "127.0.0.1"}
    return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
