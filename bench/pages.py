"""``make bench-pages``: measures what each page of the dashboard costs a database that holds years of imports.

``python -m bench.pages BATCHES SESSIONS`` fills a throw-away server. A page's time is that of all its queries, run by
the function itself, for subjects spread over the years.
"""

import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from statistics import median, quantiles
from types import SimpleNamespace
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

from bench.years import LARGE_TABLES, fill, subjects
from ingestion.database import connection as database_module
from ingestion.database.connection import Connection, DatabaseSecret, connect
from ingestion.database.schema import migrate
from local.postgres import Database, temporary_server
from local.up import interrupt

ASKED = 40
"""How often each page is requested; the first round is not counted."""
AIM_MS = 100
LARGE = re.compile(rf"Seq Scan on ({'|'.join(LARGE_TABLES)})\b")
ENVIRONMENT = {
    "POWERTOOLS_SERVICE_NAME": "bench",
    "POWERTOOLS_METRICS_NAMESPACE": "bench",
    "AWS_DEFAULT_REGION": "eu-north-1",
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "UPLOADS_BUCKET": "bench-uploads",
    "WORK_BUCKET": "bench-work",
    "DATABASE_SECRET_ARN": "bench",
    "AUTHENTICATION": "none",
}


class Cost(NamedTuple):
    """What a page cost the database each time, in ms, and scans of whole large tables in its plans."""

    queries: int
    times: list[float]
    scans: set[str]


def main() -> None:
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, interrupt)
    batches, sessions = (int(text) for text in sys.argv[1:])
    os.environ.update(ENVIRONMENT)
    console = Console()
    begun = time.monotonic()
    with temporary_server() as server, connection_to(server) as db:
        migrate(db)
        console.print(f"filling a database with {batches:,} batches and {sessions:,} sessions")
        fill(db, batches, sessions)
        console.print(f"filled after {time.monotonic() - begun:.0f} s: {_size(db)}")
        database_module._open["bench"] = db
        costs = measure(db)
    show(costs, console)
    slow = [name for name, cost in costs.items() if p95(cost.times) > AIM_MS]
    sys.exit(f"kintell: over {AIM_MS} ms: {', '.join(slow)}" if slow else 0)


@contextmanager
def connection_to(server: Database) -> Iterator[Connection]:
    """A connection like the function's."""
    db = connect(DatabaseSecret(**asdict(server)))
    yield db
    db.close()


def measure(db: Connection) -> dict[str, Cost]:
    """The cost of every page, for every subject."""
    from api.app import handler  # reads the environment

    costs: dict[str, Cost] = {}
    some = subjects(db, 2 * ASKED)[:ASKED]
    for number, subject in enumerate(some):
        for name, (path, query) in subject.pages().items():
            with timed(explain=number == 0) as asked:
                answer = handler(_event(path, query), _CONTEXT)
            if answer["statusCode"] not in (200, 303):
                sys.exit(f"kintell: {path} answered {answer['statusCode']}")
            _note(costs, name, asked, counts=number > 0)
        person = db.run("SELECT participant_id FROM kintell_sessions WHERE id = :id", id=subject.session)[0][0]
        with timed(explain=number == 0) as asked:
            db.run("SELECT s.* FROM sessions_of_person(:person) s", person=person)
        _note(costs, "a person's sessions (no page)", asked, counts=number > 0)
    return costs


def _note(costs: dict[str, Cost], name: str, asked: list[tuple[float, str]], *, counts: bool) -> None:
    cost = costs.setdefault(name, Cost(len(asked), [], set()))
    if counts:
        cost.times.append(1000 * sum(seconds for seconds, _ in asked))
    cost.scans.update(found for _, plan in asked for found in LARGE.findall(plan))


@contextmanager
def timed(*, explain: bool) -> Iterator[list[tuple[float, str]]]:
    """The time of each query in the block, in seconds, and its plan."""
    asked: list[tuple[float, str]] = []
    run = Connection.run

    def timed(self: Connection, sql: str, stream: Any = None, types: Any = None, **given: Any) -> Any:
        # Explained first, because the connection knows the column names of its last statement only.
        is_question = explain and sql.lstrip().startswith(("SELECT", "WITH"))
        plan = "\n".join(row[0] for row in run(self, f"EXPLAIN {sql}", **given)) if is_question else ""
        begun = time.perf_counter()
        found = run(self, sql, stream, types, **given)
        asked.append((time.perf_counter() - begun, plan))
        return found

    Connection.run = timed  # type: ignore[method-assign]
    try:
        yield asked
    finally:
        Connection.run = run  # type: ignore[method-assign]


def p95(times: list[float]) -> float:
    """The value that 19 of 20 cases do not exceed."""
    return quantiles(times, n=20)[-1] if len(times) > 1 else max(times, default=0.0)


def show(costs: dict[str, Cost], console: Console) -> None:
    """Print a line for each page."""
    table = Table("Page", "Queries", "Median ms", "p95 ms", "Worst ms", "Whole large tables", box=None)
    for column in table.columns[1:5]:
        column.justify = "right"
    for name, cost in costs.items():
        figures = (median(cost.times), p95(cost.times), max(cost.times))
        table.add_row(name, str(cost.queries), *(f"{figure:.1f}" for figure in figures), ", ".join(sorted(cost.scans)))
    console.print(table)


def _size(db: Connection) -> str:
    return str(db.run("SELECT pg_size_pretty(pg_database_size(current_database()))")[0][0])


_CONTEXT: Any = SimpleNamespace(
    function_name="api", memory_limit_in_mb=512, invoked_function_arn="arn:api", aws_request_id="1"
)


def _event(path: str, query: dict[str, str]) -> dict[str, Any]:
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"accept": "text/html"},
        "queryStringParameters": query or None,
        "requestContext": {"stage": "$default", "http": {"method": "GET", "path": path, "sourceIp": "127.0.0.1"}},
        "isBase64Encoded": False,
    }


if __name__ == "__main__":
    main()
