"""What a merge and a reconciliation may use follows from what the server says that it has."""

import pytest

from ingestion.database.connection import Connection
from ingestion.database.publishing import memory


@pytest.mark.parametrize(
    ("cache", "merge", "reconcile", "workers"),
    [
        pytest.param("4GB", "96MB", "64MB", "2", id="the default of PostgreSQL"),
        pytest.param("64GB", "96MB", "64MB", "2", id="a large server"),
        pytest.param("1GB", "32MB", "32MB", "2", id="2 GiB on RDS"),
        pytest.param("450MB", "14400kB", "14400kB", "0", id="1 GiB on RDS"),
        pytest.param("32MB", "4MB", "4MB", "0", id="next to nothing"),
    ],
)
def test_a_small_server_is_asked_for_less(db: Connection, cache: str, merge: str, reconcile: str, workers: str) -> None:
    db.run(f"SET LOCAL effective_cache_size = '{cache}'")
    db.run("SET LOCAL max_parallel_workers_per_gather = 2")
    for most_kb, expected in ((memory.MERGE_KB, merge), (memory.RECONCILE_KB, reconcile)):
        memory.limit(db, most_kb)
        assert db.run("SHOW work_mem") == [[expected]]
        assert db.run("SHOW max_parallel_workers_per_gather") == [[workers]]


def test_a_server_without_parallel_workers_gets_none(db: Connection) -> None:
    db.run("SET LOCAL max_parallel_workers_per_gather = 0")
    memory.limit(db, memory.MERGE_KB)
    assert db.run("SHOW max_parallel_workers_per_gather") == [["0"]]
