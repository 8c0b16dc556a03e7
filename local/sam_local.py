"""``make sam-local``: runs each function in Lambda's own image, with ``sam local invoke`` and its sample events.

The events tell the story of an import: the ids of the batch or version that an earlier function made replace the
samples' made-up ids. The functions are those that ``sam build`` has built. They find a database that is empty until
Migrate runs, and the emulator's S3, Secrets Manager, Step Functions and EventBridge, but not the rest of the stack, so
nothing but these functions acts.
"""

import json
import os
import re
import signal
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote_plus

from local.aws import REGION
from local.container_setup import SAM, Json, Place, localise, prepared
from local.containers import find_engine
from local.demo import SAMPLES
from local.failures import CannotStart, failures_in_one_line
from local.invocable import EVENTS
from local.up import interrupt, say

STORY: tuple[tuple[str, Json], ...] = (
    ("migrate", {"status": "SUCCESS"}),
    ("intake", {}),
    ("outbox", {"messages": []}),
    ("dispatch", {"sent": 2}),
    ("stage", {"staged": 43, "rejected": 9}),
    ("reconcile", {"verdict": "merge"}),
    ("annotate_conflicts", {}),
    ("merge", {}),
    ("finalize", {"status": "completed"}),
    # Nobody has asked for it.
    ("undo", {"isDone": True}),
    ("api", {"statusCode": 200}),
    # It has no issuer, and redirects the browser to a page that says so.
    ("sign_in", {"statusCode": 303}),
    ("retention", {}),
    ("monitor", {}),
    ("intake", {}),
    ("finalize_failed", {"status": "failed"}),
    ("intake", {}),
    ("finalize_failed_execution", {"status": "failed"}),
)
"""The sample events in order, and what each answer must include."""

SAMPLE_BATCH = "6b0e2f6e-2f7d-4e0a-9b58-3a3a1f0d9c11"


def main() -> None:
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, interrupt)
    with failures_in_one_line():
        engine = find_engine()
        say(f"Docker {engine.version}, {engine.architecture}")
        with tempfile.TemporaryDirectory(prefix="kintell-") as folder, prepared(Path(folder), engine) as place:
            functions = localise(place)
            Story(place, functions).tell()
        say("every function answered every event")


@dataclass
class Story:
    """The sequence of events, and the batch that they are about."""

    place: Place
    functions: list[str]
    batch_id: str = SAMPLE_BATCH
    uploaded: int = field(default=0)

    def tell(self) -> None:
        for name, expected in STORY:
            self.happen(name, expected)

    def happen(self, name: str, expected: Json) -> None:
        """Invoke the function. CannotStart if it does not answer as expected."""
        function = function_of(name, self.functions)
        event = (EVENTS / f"{name}.json").read_text().replace(SAMPLE_BATCH, self.batch_id)
        if name == "intake":
            event = self.arrival(event)
        answer, took = invoke(self.place, function, event)
        shown = json.dumps(answer, ensure_ascii=False)
        say(f"{function:9} events/{name + '.json':29} {took:>7}  {shown[:150]}{'…' if len(shown) > 150 else ''}")
        if not expected.items() <= answer.items():
            raise CannotStart(f"{function} should have answered {expected} to events/{name}.json")
        if name == "intake":
            (upload,) = answer["uploads"]
            if upload["state"] != "accepted":
                raise CannotStart(f"Intake refused the sample: {upload['refusal']}")
            self.batch_id = upload["batch_id"]

    def arrival(self, event: str) -> str:
        """The event of a newly uploaded file: a sample export, with one more empty line each time."""
        record: Json = json.loads(event)["Records"][0]
        body = (SAMPLES / "language-for-ukraine-2024-11.csv").read_bytes() + b"\r\n" * self.uploaded
        self.uploaded += 1
        bucket = record["s3"]["bucket"]["name"]
        key = unquote_plus(record["s3"]["object"]["key"])
        put = self.place.aws.client("s3").put_object(Bucket=bucket, Key=key, Body=body)
        record["s3"]["object"].update(versionId=put["VersionId"], size=len(body))
        return json.dumps({"Records": [record]})


def function_of(event: str, functions: list[str]) -> str:
    """The function of a sample event: the one with the longest name with which the event's name starts."""
    names = {re.sub(r"(?<!^)(?=[A-Z])", "_", one).lower(): one for one in functions}
    return names[max((name for name in names if f"{event}_".startswith(f"{name}_")), key=len)]


# One function ----------------------------------------------------------------------------------------------------


def invoke(place: Place, function: str, event: str) -> tuple[Json, str]:
    """The function's answer and the runtime's report. CannotStart with its log if it failed."""
    file = place.folder / "event.json"
    file.write_text(event)
    command = [str(SAM), "local", "invoke", function, "--event", str(file)]
    command += ["--template", str(place.template), "--env-vars", str(place.given)]
    command += ["--docker-network", place.network, "--skip-pull-image", "--region", REGION]
    command += ["--layer-cache-basedir", str(place.folder / "layers")]
    command += ["--parameter-overrides", f"Architecture={place.engine.architecture}"]
    own = {
        "SAM_CLI_TELEMETRY": "0",
        # SAM looks up the account, and waits long if nobody answers.
        "AWS_ENDPOINT_URL": place.aws.url,
        "AWS_ACCESS_KEY_ID": place.aws.access_key_id,
        "AWS_SECRET_ACCESS_KEY": place.aws.secret_access_key,
    }
    done = subprocess.run(command, env={**os.environ, **own}, capture_output=True, text=True, check=False)
    answer = parsed(done.stdout)
    if done.returncode or answer is None or "errorType" in answer:
        raise CannotStart(f"{function} failed:\n{done.stdout}\n{done.stderr[-4000:]}")
    return answer, report(done.stderr)


def parsed(text: str) -> Json | None:
    """The answer, which is the last line that is JSON."""
    for line in reversed(text.splitlines()):
        if line.startswith("{"):
            answer: Json = json.loads(line)
            return answer
    return None


def report(log: str) -> str:
    """The duration that Lambda's runtime reports."""
    found = re.search(r"\tDuration: ([\d.]+) ms", log)
    return f"{float(found[1]) / 1000:.2f} s" if found else ""


if __name__ == "__main__":
    main()
