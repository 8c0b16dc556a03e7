"""How many chunks and shards of one import the database takes side by side: it follows from what the server has.

See docs/decisions/0022-a-database-of-one-gibibyte.md.
"""

from ingestion.database.connection import Connection

CONNECTIONS_EACH = 20
"""An import gets one in so many connections for each of its chunks or shards; others import and read meanwhile."""
MOST_CHUNKS = 64
"""Chunks are work for functions, and each uses its connection for a fifth of its time."""
LEAST_MERGES = 2
MERGE_CACHE_MIB = 1024
"""A merge is the database's own work, for which a server has about one processor for so much cache."""
MOST_MERGES = 8


_SHARE = f"""
    (SELECT greatest(1, least(CAST(current_setting('max_connections') AS integer)
                              - CAST(current_setting('superuser_reserved_connections') AS integer),
                              nullif(rolconnlimit, -1)) / {CONNECTIONS_EACH})
       FROM pg_roles WHERE rolname = CURRENT_USER)
"""
"""A share of the connections that this role may have: the server's, or fewer by a limit of its own."""
_BY_CACHE = f"""
    greatest({LEAST_MERGES},
             least({MOST_MERGES}, pg_size_bytes(current_setting('effective_cache_size')) / 1048576 / {MERGE_CACHE_MIB}))
"""

CHUNKS_AT_ONCE = f"least({_SHARE}, {MOST_CHUNKS})"
"""SQL: how many chunks of an import may be staged at once; 4 on a db.t4g.micro."""
MERGES_AT_ONCE = f"least({_SHARE}, {_BY_CACHE})"
"""SQL: how many shards of an import may be merged at once; 2 on a db.t4g.micro."""


def merges_at_once(db: Connection) -> int:
    """Return how many shards of an import may be merged at once."""
    return int(db.run(f"SELECT {MERGES_AT_ONCE}")[0][0])
