"""How many chunks and shards run side by side follows from what the server says that it has."""

import pytest

from ingestion.database import side_by_side
from ingestion.database.connection import Connection


def settings(db: Connection, connections: int, cache: str) -> None:
    """Have the server say that it has these: nobody can change its connections while it runs."""
    db.run("CREATE SCHEMA pretended")
    db.run(
        """
        CREATE FUNCTION pretended.current_setting(name text) RETURNS text
        LANGUAGE sql AS $$ SELECT coalesce(pg_catalog.current_setting('pretended.' || name, true),
                                           pg_catalog.current_setting(name)) $$
        """
    )
    db.run("SET LOCAL search_path = pretended, pg_catalog")
    db.run(f"SET LOCAL pretended.max_connections = '{connections}'")
    db.run("SET LOCAL pretended.superuser_reserved_connections = '3'")
    db.run(f"SET LOCAL effective_cache_size = '{cache}'")


def chunks_at_once(db: Connection) -> int:
    return int(db.run(f"SELECT {side_by_side.CHUNKS_AT_ONCE}")[0][0])


@pytest.mark.parametrize(
    ("connections", "cache", "chunks", "merges"),
    [
        pytest.param(88, "450MB", 4, 2, id="db.t4g.micro"),
        pytest.param(180, "1GB", 8, 2, id="2 GiB on RDS"),
        pytest.param(839, "4GB", 41, 4, id="8 GiB on RDS"),
        pytest.param(5000, "128GB", 64, 8, id="a large server"),
        pytest.param(60, "4GB", 2, 2, id="the local system"),
        pytest.param(10, "128MB", 1, 1, id="next to nothing"),
    ],
)
def test_they_follow_from_the_server(db: Connection, connections: int, cache: str, chunks: int, merges: int) -> None:
    settings(db, connections, cache)
    assert (chunks_at_once(db), side_by_side.merges_at_once(db)) == (chunks, merges)


def test_a_limit_of_the_role_counts_too(db: Connection) -> None:
    settings(db, 5000, "128GB")
    db.run("ALTER ROLE CURRENT_USER CONNECTION LIMIT 100")
    assert (chunks_at_once(db), side_by_side.merges_at_once(db)) == (5, 5)
