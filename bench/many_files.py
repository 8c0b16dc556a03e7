"""Many small files at once: is any lost, how long do they wait, and does the API answer meanwhile?

All belong to one programme, the worst case, since their merges wait for each other.
"""

import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import quantiles
from typing import Any

from bench.imports import WentWrong
from local.processes import AT_ONCE
from local.system import LocalSystem

ROWS = 50
PUTS_AT_ONCE = 8
WAITED_SECONDS = 1_800
LOOKS_PER_SECOND = 20
PAGES = ("/v1/import/batches", "/v1/import/uploads", "/v1/import/summary", "/health")
PEOPLE = ("oksana@example.org", "kari@acme.com")
HEADER = "session_id,participant_email,mentor_email,scheduled_at,duration_minutes,rating,feedback_text\n"


@dataclass(frozen=True, slots=True)
class Spread:
    """Half took no longer than `p50`, nineteen of twenty no longer than `p95`, none longer than `worst`."""

    p50: float
    p95: float
    worst: float

    @classmethod
    def of(cls, values: list[float]) -> "Spread":
        """The spread of at least two values."""
        steps = quantiles(values, n=20, method="inclusive")
        return cls(steps[9], steps[18], max(values))


@dataclass(frozen=True, slots=True)
class ManyFiles:
    """The times of the files in seconds, and of the API's answers in milliseconds."""

    files: int
    completed: int
    rows: int
    sessions: int
    seconds: float
    """From the first PUT to the last `completed`."""
    waited: Spread
    """Each file, from the end of its PUT to `completed`."""
    connections: int
    """The most database connections that functions had at once."""
    allowed: int
    """One for each process that the functions are allowed."""
    answers: int
    failures: int
    """Requests that were answered with an error or not at all."""
    answered: Spread


@dataclass
class Watcher:
    """Watches the database's connections and the API's answers while the files are imported."""

    system: LocalSystem
    connections: int = 0
    milliseconds: list[float] = field(default_factory=list)
    failures: int = 0

    @contextmanager
    def sampling(self) -> Iterator[None]:
        """Watch until the block ends."""
        done = threading.Event()
        lookers = [threading.Thread(target=look, args=(done,)) for look in (self._count, self._ask)]
        for looker in lookers:
            looker.start()
        try:
            yield
        finally:
            done.set()
            for looker in lookers:
                looker.join()

    def _count(self, done: threading.Event) -> None:
        db = self.system.connect()
        try:
            while not done.wait(1 / LOOKS_PER_SECOND):
                ((theirs,),) = db.run(
                    """
                    SELECT count(*) FROM pg_stat_activity
                     WHERE application_name = 'kintell-ingest' AND datname = current_database()
                    """
                )
                self.connections = max(self.connections, int(theirs))
        finally:
            db.close()

    def _ask(self, done: threading.Event) -> None:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        number = 0
        while not done.wait(1 / LOOKS_PER_SECOND):
            begun = time.perf_counter()
            try:
                with opener.open(self.system.aws.api_url + PAGES[number % len(PAGES)], timeout=60) as answer:
                    answer.read()
            except (urllib.error.URLError, OSError):
                self.failures += 1
            self.milliseconds.append((time.perf_counter() - begun) * 1_000)
            number += 1


def measure_many_files(system: LocalSystem, files: int, say: Callable[[str], None]) -> ManyFiles:
    """Upload the files at once and wait for all. Raises WentWrong if one is refused, fails or never ends."""
    db, sampler = system.connect(), Watcher(system)
    run = f"{time.time_ns():x}"
    try:
        functions = system.client("lambda").list_functions()["Functions"]
        _know_people(db)
        with sampler.sampling():
            begun = time.monotonic()
            uploaded = _upload(system, run, files)
            say(f"{files} files uploaded in {time.monotonic() - begun:.1f} s")
            _wait(db, list(uploaded), say)
            seconds = time.monotonic() - begun
        completed = {str(version): float(at) for version, at in db.run(_COMPLETED, versions=list(uploaded))}
        ((sessions,),) = db.run(_SESSIONS, like=f"L{run}-%")
    finally:
        db.close()
    return ManyFiles(
        files=files,
        completed=len(completed),
        rows=files * ROWS,
        sessions=int(sessions),
        seconds=seconds,
        waited=Spread.of([at - uploaded[version] for version, at in completed.items()]),
        connections=sampler.connections,
        allowed=AT_ONCE * len(functions),
        answers=len(sampler.milliseconds),
        failures=sampler.failures,
        answered=Spread.of(sampler.milliseconds),
    )


def _upload(system: LocalSystem, run: str, files: int) -> dict[str, float]:
    """Upload the files; returns the version of each, and when its PUT ended."""
    client, bucket = system.client("s3"), system.stack.uploads_bucket
    prefix = f"incoming/mentors_ukraine/mentors-ukraine-load-{run}"

    def put(number: int) -> tuple[str, float]:
        body = _file(f"L{run}-{number}")
        answer = client.put_object(Bucket=bucket, Key=f"{prefix}/{number:05}.csv", Body=body)
        return str(answer["VersionId"]), time.time()

    with ThreadPoolExecutor(PUTS_AT_ONCE) as putting:
        return dict(putting.map(put, range(files)))


def _know_people(db: Any) -> None:
    db.run(
        "INSERT INTO users (email, role) SELECT unnest(CAST(:emails AS text[])), 'participant' ON CONFLICT DO NOTHING",
        emails=list(PEOPLE),
    )


def _file(name: str) -> bytes:
    rows = (f"{name}-{n},{PEOPLE[0]},{PEOPLE[1]},2024-11-05T17:00:00Z,60,4,file {name}\n" for n in range(ROWS))
    return (HEADER + "".join(rows)).encode()


def _wait(db: Any, versions: list[str], say: Callable[[str], None]) -> None:
    """Wait until all are completed, and print now and then how many are."""
    deadline, said = time.monotonic() + WAITED_SECONDS, time.monotonic()
    while True:
        ((ended, wrong),) = db.run(_ENDED, versions=versions)
        if wrong:
            raise WentWrong(f"{wrong} of {len(versions)} files were refused or failed")
        if ended == len(versions):
            return
        if time.monotonic() > deadline:
            raise WentWrong(f"{len(versions) - ended} of {len(versions)} files did not end in {WAITED_SECONDS} s")
        if time.monotonic() - said > 10:
            said = time.monotonic()
            say(f"{ended} completed")
        time.sleep(0.1)


_ENDED = """
    SELECT count(*) FILTER (WHERE b.status = 'completed'),
           count(*) FILTER (WHERE b.status = 'failed' OR u.state = 'refused')
      FROM uploads u LEFT JOIN ingestion_batches b ON b.upload_id = u.id
     WHERE u.version_id = ANY(CAST(:versions AS text[]))
"""
_COMPLETED = """
    SELECT u.version_id, CAST(extract(epoch FROM b.completed_at) AS float8)
      FROM uploads u JOIN ingestion_batches b ON b.upload_id = u.id
     WHERE u.version_id = ANY(CAST(:versions AS text[])) AND b.status = 'completed'
"""
_SESSIONS = "SELECT count(*) FROM kintell_sessions WHERE external_session_id LIKE :like"
