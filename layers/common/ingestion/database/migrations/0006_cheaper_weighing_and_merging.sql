-- The table of changes is created by the statement that reconciles, so that PostgreSQL may reconcile shards side by side:
-- see tables/reconciling.py.
DROP TABLE staging.changes;

-- Shards that are merged at the same time take ids by the thousand, so that they don't meet on the index's last page.
-- Ids may have gaps.
ALTER SEQUENCE kintell_sessions_id_seq CACHE 1000;
