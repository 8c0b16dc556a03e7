"""With years of imports in the database, no page reads a large table from end to end."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from ingestion import config
from ingestion.db import Connection, connection
from tests.serve.asking import Call
from tests.serve.conftest import Place
from tests.serve.many import fill

BROWSER = {"accept": "text/html"}
BATCHES, SESSIONS = 20_000, 30_000
LARGE = "uploads|ingestion_batches|chunks|shards|kintell_sessions|kintell_session_versions|users|audit_logs"


@pytest.fixture(scope="module")
def filled(place: Place) -> Place:
    """Filled once for the module."""
    fill(place.db, BATCHES, SESSIONS)
    return place


@pytest.fixture
def plans(filled: Place, api: Call, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The plan of every query that is asked meanwhile."""
    found: list[str] = []
    run = Connection.run

    def explain_and_run(self: Connection, sql: str, stream: Any = None, types: Any = None, **params: Any) -> Any:
        if sql.lstrip().startswith("SELECT"):
            found.append("\n".join(row[0] for row in run(self, f"EXPLAIN {sql}", **params)))
        return run(self, sql, stream, types, **params)

    # So few sessions are read from end to end as fast as by ranges of pages, which is what finds an instance's among
    # millions: what counts is that no plan needs to.
    connection(config.settings()).run("SET enable_seqscan = off")
    monkeypatch.setattr(Connection, "run", explain_and_run)
    yield found
    monkeypatch.undo()


def addresses(db: Connection) -> dict[str, tuple[str, dict[str, str]]]:
    """Every page, of things in the middle of it all."""
    batch = db.run("SELECT id FROM ingestion_batches ORDER BY created_at LIMIT 1 OFFSET 100")[0][0]
    session = db.run("SELECT id FROM kintell_sessions WHERE batch_id = :batch AND row_number = 50", batch=batch)[0][0]
    refused = db.run("SELECT id FROM uploads WHERE state = 'refused' ORDER BY created_at LIMIT 1 OFFSET 500")[0][0]
    return {
        "newest": ("/", {}),
        "failed": ("/", {"show": "failed"}),
        "running": ("/", {"show": "running"}),
        "refused": ("/", {"show": "refused"}),
        "waiting": ("/", {"show": "waiting"}),
        "programme": ("/", {"programme": "kintell_users"}),
        "failed of programme": ("/", {"programme": "mentors_ukraine", "show": "failed"}),
        "instance": ("/", {"instance": "run-7"}),
        "drop": ("/drop", {}),
        "upload": (f"/uploads/{refused}", {}),
        "batch": (f"/batches/{batch}", {}),
        "sessions": (f"/batches/{batch}/sessions", {}),
        "graph": (f"/batches/{batch}/lineage", {}),
        "session": (f"/sessions/{session}", {}),
        "find": ("/lineage", {"id": "mentors_ukraine:S-2-1"}),
        "programmes": ("/programmes", {}),
        "one programme": ("/programmes/run-7", {}),
        "months": ("/programmes/run-7/sessions", {}),
    }


def test_no_page_reads_a_large_table_from_end_to_end(filled: Place, api: Call, plans: list[str]) -> None:
    pages = addresses(filled.db)
    for name, (path, query) in pages.items():
        plans.clear()
        answer = api("GET", path, query, headers=BROWSER)
        assert answer.status in (200, 303), (name, answer.text)
        assert plans, name
        for plan in plans:
            assert not re.search(rf"Seq Scan on ({LARGE})\b", plan), f"{name}:\n{plan}"


def test_the_last_page_of_the_timeline_is_found_as_fast_as_the_first(
    filled: Place, api: Call, plans: list[str]
) -> None:
    path, query = "/", {"show": "completed"}
    answer = api("GET", path, query, headers=BROWSER)
    cursor = re.search(r'cursor=([\w-]+)" rel="next"', answer.text)
    assert cursor
    plans.clear()
    api("GET", path, {**query, "cursor": cursor[1]}, headers=BROWSER)
    (timeline,) = [plan for plan in plans if "Limit" in plan]
    assert re.search(r"Index Cond: .*ROW\(created_at, id\)", timeline), timeline
