"""With years of imports in the database, no page reads a large table from end to end."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from bench.years import LARGE_TABLES, fill, subjects
from ingestion import config
from ingestion.database.connection import Connection, connection
from tests.api.api_calls import Call
from tests.api.conftest import Place
from tests.api.full_world import BROWSER

BATCHES, SESSIONS = 20_000, 30_000


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
    # millions: what counts is that no plan needs to. make bench-pages looks at the plans among millions.
    connection(config.settings()).run("SET enable_seqscan = off")
    monkeypatch.setattr(Connection, "run", explain_and_run)
    yield found
    monkeypatch.undo()


def test_no_page_reads_a_large_table_from_end_to_end(filled: Place, api: Call, plans: list[str]) -> None:
    for name, (path, query) in subjects(filled.db, 20)[3].pages().items():
        plans.clear()
        answer = api("GET", path, query, headers=BROWSER)
        assert answer.status in (200, 303), (name, answer.text)
        assert plans, name
        for plan in plans:
            assert not re.search(rf"Seq Scan on ({'|'.join(LARGE_TABLES)})\b", plan), f"{name}:\n{plan}"


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
