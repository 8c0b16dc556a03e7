"""How much memory a statement over many rows may use: it follows from what the server has.

A server does not say how much memory it has, but `effective_cache_size` is what it expects to keep in caches: half of
the memory on RDS (DBInstanceClassMemory/16384 pages of 8 KiB), 4 GB by default elsewhere. A db.t4g.micro says 400 to
450 MB. See docs/decisions/0022-a-database-of-one-gibibyte.md.
"""

from ingestion.database.connection import Connection

MEBIBYTE_KB = 1024
LEAST_KB = 4 * MEBIBYTE_KB
"""PostgreSQL's own default."""
MERGE_KB = 96 * MEBIBYTE_KB
"""Enough to check the references of a shard of 250,000 rows without going to disk."""
RECONCILE_KB = 64 * MEBIBYTE_KB
"""Each parallel worker may use as much."""
SHARE = 32
"""A statement gets one part in this many of the cache: four merges at once, of two such parts each, get a quarter."""
WORKER_KB = 512 * MEBIBYTE_KB
"""A parallel worker needs this much cache: it has memory of its own for each sort and hash."""


def limit(db: Connection, most_kb: int) -> None:
    """Set, for this transaction, what a sort or hash may use, at most *most_kb*, and how many workers take part."""
    db.run(
        f"""
        SELECT set_config('work_mem', greatest({LEAST_KB}, least({most_kb}, cache_kb / {SHARE})) || 'kB', true),
               set_config('max_parallel_workers_per_gather', CAST(least(workers, cache_kb / {WORKER_KB}) AS text), true)
          FROM (SELECT pg_size_bytes(current_setting('effective_cache_size')) / 1024,
                       CAST(current_setting('max_parallel_workers_per_gather') AS bigint)) s (cache_kb, workers)
        """
    )
