"""Imports that are disturbed at random, each compared with one that was not: nothing may tell them apart."""

import random
import time
import urllib.error
from dataclasses import dataclass
from itertools import count
from typing import Any

from local.postgres import THROW_AWAY
from local.system import LocalSystem
from tests.e2e.front_door import FrontDoor
from tests.faults.disturbing import Disturber

COMMITS_LAST = {**THROW_AWAY, "synchronous_commit": "on"}
"""Settings of a database that may lose a machine, but no commit when it crashes."""

ROWS = 900
HEADER = "session_id,participant_email,mentor_email,scheduled_at,rating,feedback_text\n"
PEOPLE = ("oksana@example.org", "ivan@example.org", "kari@acme.com")
ENDED_SECONDS = 180

_numbers = count(1)


@dataclass(frozen=True)
class Files:
    """Two exports of a programme: the second one changes, repeats, adds and breaks rows of the first."""

    prefix: str

    def first(self) -> bytes:
        return (HEADER + "".join(self._row(number, "first") for number in range(ROWS // 2))).encode()

    def second(self) -> bytes:
        rows = []
        for number in range(ROWS):
            rows.append(self._row(number, "first" if number % 3 else "second"))
            if number % 50 == 7:
                rows.append(self._row(number, 'once more,\nin two "lines"'))
            if number % 60 == 9:
                rows.append(self._row(number, "stolen", who="ivan@example.org"))
            if number % 70 == 3:
                rows.append(self._row(10_000 + number, "bad", rating="9"))
        return (HEADER + "".join(rows)).encode()

    def _row(self, number: int, text: str, who: str = "oksana@example.org", rating: str = "4") -> str:
        quoted = '"' + text.replace('"', '""') + '"'
        return f"{self.prefix}-{number},{who},kari@acme.com,2024-11-05,{rating},{quoted}\n"


class Trials:
    """A system in which to try, and what an undisturbed run came to."""

    def __init__(self, system: LocalSystem) -> None:
        self.system = system
        self.door = FrontDoor(system.client("s3"), system.stack.uploads_bucket, system.aws.api_url)
        self._cut_small()
        roster = "Email,Role when joined\n" + "".join(f"{email},learner\n" for email in PEOPLE)
        self.door.load("incoming/kintell_users/roster.csv", roster.encode())
        self.undisturbed = self._run(None)[0]

    def disturbed(self, seed: int) -> tuple[object, list[str]]:
        """What a run came to that was disturbed as the seed says, and what was done to it."""
        return self._run(random.Random(seed))

    def _cut_small(self) -> None:
        """Chunks and shards of a few rows: many steps for little data."""
        client = self.system.client("lambda")
        name = next(f["FunctionName"] for f in client.list_functions()["Functions"] if "Intake" in f["FunctionName"])
        variables = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        small = {**variables, "CHUNK_BYTES": "8000", "ROWS_PER_SHARD": "300"}
        client.update_function_configuration(FunctionName=name, Environment={"Variables": small})

    def _run(self, pick: random.Random | None) -> tuple[object, list[str]]:
        files = Files(f"T{next(_numbers):05}")
        folder = f"incoming/mentors_ukraine/mentors-ukraine-{files.prefix.lower()}"
        self._ended(self.door.put(f"{folder}/first.csv", files.first()))
        body, done = files.second(), list[str]()
        version = self.door.put(f"{folder}/second.csv", body)
        if pick is not None:
            event = _event(self.door.bucket, f"{folder}/second.csv", version, len(body))
            done = Disturber(self.system, event).disturb(pick, seconds=2.5)
        batch_id = self._ended(version)
        return self._outcome(batch_id, files.prefix), done

    def _ended(self, version: str) -> str:
        """The batch of an object version, once it has ended; the API may be away meanwhile."""
        deadline = time.monotonic() + ENDED_SECONDS
        while time.monotonic() < deadline:
            try:
                batch_id = str(self.door.decided(version)["batchId"])
                self.door.ended(batch_id)
            except (urllib.error.URLError, ConnectionError, KeyError):
                time.sleep(0.2)
            else:
                return batch_id
        raise AssertionError(f"version {version} did not end in {ENDED_SECONDS} s")

    def _outcome(self, batch_id: str, prefix: str) -> object:
        """All that can be seen of an import but its ids and times."""
        db = self.system.connect()
        try:
            return [
                [[_anonymous(cell, prefix) for cell in row] for row in db.run(sql, id=batch_id, prefix=f"{prefix}-%")]
                for sql in _QUERIES
            ] + [self.door.fetch(f"/v1/import/backfill/{batch_id}/errors")[1].decode().replace(prefix, "T")]
        finally:
            db.close()


def _anonymous(cell: Any, prefix: str) -> Any:
    return cell.replace(prefix, "T") if isinstance(cell, str) else cell


def _event(bucket: str, key: str, version: str, size: int) -> dict[str, Any]:
    found = {"key": key, "versionId": version, "size": size}
    return {
        "Records": [{"s3": {"bucket": {"name": bucket}, "object": found}, "userIdentity": {"principalId": "again"}}]
    }


_QUERIES = (
    """
    SELECT external_session_id, version, row_number, line, rating, feedback_text, batch_id = CAST(:id AS uuid)
      FROM kintell_sessions WHERE external_session_id LIKE :prefix ORDER BY 1
    """,
    """
    SELECT s.external_session_id, v.version, v.row_number, v.line, v.replaced_by_row, v.feedback_text
      FROM kintell_session_versions v JOIN kintell_sessions s ON s.id = v.session_id
     WHERE s.external_session_id LIKE :prefix ORDER BY 1, 2
    """,
    """
    SELECT status, total_rows, inserted_rows, updated_rows, skipped_rows, error_rows, error_summary::text,
           failure_reason
      FROM ingestion_batches WHERE id = CAST(:id AS uuid) AND :prefix <> ''
    """,
    """
    SELECT a.action, count(*)
      FROM audit_logs a JOIN ingestion_batches b ON a.resource_id IN (b.id, b.upload_id)
     WHERE b.id = CAST(:id AS uuid) AND :prefix <> '' GROUP BY 1 ORDER BY 1
    """,
    """
    SELECT (SELECT count(*) FROM ingestion_batches b JOIN uploads u ON u.id = b.upload_id
             WHERE u.key LIKE '%' || lower(p) || '%'),
           (SELECT count(*) FROM pg_class WHERE relname LIKE 'rows_' || replace(:id, '-', '') || '%')
      FROM (SELECT rtrim(:prefix, '-%') AS p) named
    """,
)
