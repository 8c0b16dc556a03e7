"""What a user of the system does: upload by S3, ask the HTTP API, download by link. Speaks nothing else."""

import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from itertools import count
from typing import Any

TIMEOUT_SECONDS = 90

_numbers = count(1)


@dataclass(frozen=True)
class FrontDoor:
    """The system as its users see it."""

    s3: Any
    bucket: str
    api_url: str

    def get(self, path: str, accept: str = "application/json") -> Any:
        """The JSON that a route answers with, problems too."""
        return json.loads(self.fetch(path, accept)[1])

    def fetch(self, path: str, accept: str = "*/*") -> tuple[int, bytes]:
        """Status and body of a route, redirections followed, as `curl -L` does."""
        request = urllib.request.Request(self.api_url + path, headers={"Accept": accept})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as problem:
            return problem.code, problem.read()

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """The JSON that a posted one is answered with."""
        request = urllib.request.Request(
            self.api_url + path, json.dumps(body).encode(), {"Content-Type": "application/json"}, method="POST"
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())

    def cancel(self, batch_id: str) -> int:
        """Ask for an import to be cancelled; the status of the answer."""
        path = f"{self.api_url}/v1/import/batches/{batch_id}/cancel"
        try:
            with urllib.request.urlopen(urllib.request.Request(path, method="POST"), timeout=30) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as problem:
            return problem.code

    def undo(self, batch_id: str) -> dict[str, Any]:
        """Ask for an import to be undone, as it is planned; the plan."""
        path = f"/v1/import/batches/{batch_id}/undo"
        plan = dict(self.post(path, {"dryRun": True}))
        self.post(path, {"planHash": plan["planHash"], "reason": "a test"})
        return plan

    def put(self, key: str, body: bytes, **metadata: str) -> str:
        """Upload an object; its version."""
        given = {name.replace("_", "-"): value for name, value in metadata.items()}
        version: str = self.s3.put_object(Bucket=self.bucket, Key=key, Body=body, Metadata=given)["VersionId"]
        return version

    def decided(self, version_id: str) -> dict[str, Any]:
        """The upload record of an object version, once it is decided on."""
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            for upload in self.get("/v1/import/uploads?limit=200")["items"]:
                if upload["versionId"] == version_id and upload["state"] != "waiting":
                    return dict(upload)
            time.sleep(0.1)
        raise AssertionError(f"version {version_id} was not decided on in {TIMEOUT_SECONDS} s")

    def ended(self, batch_id: str) -> dict[str, Any]:
        """The status of a batch, once it has ended; its rows add up."""
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            status = dict(self.get(f"/v1/import/backfill/{batch_id}/status"))
            if status["status"] in ("completed", "failed"):
                assert status["totalRows"] == status["successRows"] + status["errorRows"] + status["skippedRows"]
                assert status["successRows"] == status["insertedRows"] + status["updatedRows"]
                return status
            time.sleep(0.1)
        raise AssertionError(f"batch {batch_id} did not end in {TIMEOUT_SECONDS} s")

    def load(self, key: str, body: bytes, **metadata: str) -> dict[str, Any]:
        """Upload a file and wait for its batch to end."""
        upload = self.decided(self.put(key, body, **metadata))
        assert upload["state"] == "accepted", upload
        return self.ended(upload["batchId"])

    def all_of(self, path: str) -> list[dict[str, Any]]:
        """All items of a list, page by page."""
        items: list[dict[str, Any]] = []
        cursor = ""
        while True:
            page = self.get(f"{path}?limit=50{cursor}")
            items += page["items"]
            if page["nextCursor"] is None:
                return items
            cursor = f"&cursor={page['nextCursor']}"


def slug() -> str:
    """A programme instance that no other test uses."""
    return f"mentors-ukraine-e2e-{next(_numbers)}"
