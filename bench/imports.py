"""Runs whole imports, from the PUT of a file to `completed`, and times their stages."""

import json
import time
import urllib.request
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.data import people
from bench.resources import Meter, Usage
from local.system import LocalSystem

TIMEOUT_SECONDS = 3_600
LOG_SECONDS = 10
_COLUMNS = (
    "b.status, b.total_rows, b.inserted_rows, b.updated_rows, b.skipped_rows, b.error_rows, b.created_at, b.execution"
)


class WentWrong(Exception):
    """A run without the expected result, whose figures would mean nothing."""


@dataclass(frozen=True, slots=True)
class Ran:
    """The times of an import, in seconds, and its result."""

    rows: int
    seconds: float
    """From sending the PUT until the batch is `completed`."""
    stages: dict[str, float] = field(default_factory=dict)
    usage: Usage | None = None
    outcome: dict[str, int] = field(default_factory=dict)
    batch_id: str = ""
    overlap_seconds: float = 0.0
    """What it took to compare the rows with those of earlier imports."""

    @property
    def row_seconds(self) -> float:
        """Time per row."""
        return self.seconds / self.rows


class Importer:
    """Imports files into a local system and waits for them."""

    def __init__(self, system: LocalSystem, folder: Path) -> None:
        self._s3, self._steps = system.client("s3"), system.client("stepfunctions")
        self._logs = system.client("logs")
        self._bucket, self._machine = system.stack.uploads_bucket, system.stack.state_machine_arn
        self._api = system.aws.api_url
        self.db = system.connect()
        self.meter = Meter(folder)
        self._count = 0

    def know_people(self) -> None:
        """Make everybody in the made-up rows known."""
        emails, roles = zip(*people(), strict=True)
        self.db.run(
            "INSERT INTO users (email, role) SELECT * FROM unnest(CAST(:emails AS text[]), CAST(:roles AS text[]))",
            emails=list(emails),
            roles=list(roles),
        )
        self.db.run("VACUUM ANALYZE users")

    def forget_sessions(self) -> None:
        """Delete all sessions, so that the next import starts as in a new programme."""
        self.db.run("TRUNCATE kintell_session_versions, kintell_sessions")

    def load(self, file: Path, **metadata: str) -> Ran:
        """Import a file. Raises WentWrong if it is refused or ends other than as `completed` or `failed`."""
        self._count += 1
        key = f"incoming/mentors_ukraine/mentors-ukraine-2024-q4/bench-{self._count}.csv"
        given = {name.replace("_", "-"): value for name, value in metadata.items()}
        self.db.run("CHECKPOINT")
        self.meter.start()
        begun = time.time()
        with file.open("rb") as body:
            put = self._s3.put_object(Bucket=self._bucket, Key=key, Body=body, Metadata=given)
        was_put = time.time()
        batch_id, found = self._wait(put["VersionId"], pause=0.005 if file.stat().st_size < 1_000_000 else 0.05)
        ended = time.time()
        usage = self.meter.read()
        stages = {"put": was_put - begun, **self._stages(found["execution"], was_put)}
        names = ("inserted_rows", "updated_rows", "skipped_rows", "error_rows")
        outcome = {name.removesuffix("_rows"): int(found[name]) for name in names}
        compared = self._overlap_seconds(batch_id)
        return Ran(int(found["total_rows"]), ended - begun, stages, usage, outcome, batch_id, compared)

    def undo(self, batch_id: str) -> float:
        """Undo a batch, as the API and the command line do; the seconds from the request until it is undone."""
        path = f"{self._api}/v1/import/batches/{batch_id}/undo"
        self.db.run("CHECKPOINT")
        begun = time.time()
        plan = self._answer(path, {"dryRun": True})
        plan = plan if "planHash" in plan else self._undo_ended(path, "planning")
        self._answer(path, {"planHash": plan["planHash"], "reason": "benchmark"})
        ended = self._undo_ended(path, "running")
        seconds = time.time() - begun
        if ended["state"] != "completed" or ended["keptRows"]:
            raise WentWrong(f"the undo ended as {ended}")
        return seconds

    def _undo_ended(self, path: str, state: str) -> dict[str, Any]:
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while (found := self._answer(path))["state"] == state:
            if time.monotonic() > deadline:
                raise WentWrong(f"the undo did not end in {TIMEOUT_SECONDS} s")
            time.sleep(0.05)
        return found

    def _answer(self, url: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(url, json.dumps(body).encode() if body else None, headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            found: dict[str, Any] = json.load(answer)
        return found

    def _wait(self, version_id: str, pause: float) -> tuple[str, dict[str, Any]]:
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            upload = self.db.run(
                f"""
                SELECT u.state, u.refusal_message, b.id, {_COLUMNS}
                  FROM uploads u LEFT JOIN ingestion_batches b ON b.upload_id = u.id
                 WHERE u.version_id = :version_id
                """,
                version_id=version_id,
            )
            names = [column["name"] for column in self.db.columns or []]
            found = dict(zip(names, upload[0], strict=True)) if upload else {}
            if found.get("state") == "refused":
                raise WentWrong(f"the file was refused: {found['refusal_message']}")
            if found.get("status") in ("completed", "failed"):
                return str(found["id"]), found
            time.sleep(pause)
        raise WentWrong(f"the import did not end in {TIMEOUT_SECONDS} s")

    def _stages(self, execution: str, was_put: float) -> dict[str, float]:
        """Seconds of each state that did work, in order, from the execution's history."""
        described = self._steps.describe_execution(executionArn=execution)
        stages: dict[str, float] = {"intake": described["startDate"].timestamp() - was_put}
        entered: dict[str, datetime] = {}
        for event in self._history(execution):
            if name := event.get("stateEnteredEventDetails", {}).get("name"):
                entered[name] = event["timestamp"]
            if (name := event.get("stateExitedEventDetails", {}).get("name")) in entered:
                stage = _STAGE_OF.get(name, "other")
                stages[stage] = stages.get(stage, 0.0) + (event["timestamp"] - entered[name]).total_seconds()
        return stages

    def _overlap_seconds(self, batch_id: str) -> float:
        """What Reconcile's log says, which may arrive after the import has ended."""
        deadline = time.monotonic() + LOG_SECONDS
        while time.monotonic() < deadline:
            for group in self._logs.describe_log_groups()["logGroups"]:
                pages = self._logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"])
                for event in (event for page in pages for event in page["events"]):
                    if "rows compared" in event["message"] and batch_id in event["message"]:
                        return float(json.loads(event["message"])["seconds"])
            time.sleep(1)
        return 0.0

    def _history(self, execution: str) -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = []
        token: dict[str, str] = {}
        while True:
            page = self._steps.get_execution_history(executionArn=execution, maxResults=1000, **token)
            events += page["events"]
            if not page.get("nextToken"):
                return events
            token = {"nextToken": page["nextToken"]}


_STAGE_OF = {
    "StageOne": "stage",
    "StageMany": "stage",
    "Reconcile": "reconcile",
    "AnnotateConflicts": "annotate",
    "Merge": "merge",
    "Finalize": "finalize",
}
