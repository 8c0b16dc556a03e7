"""The settings on which statements rely, whoever set others before: a role's defaults, or somebody else in a pool.

A connection of its own gets them once. A pooler such as PgBouncer gives each transaction any connection to the server:
what is set for a session there is lost to us and reaches others, so each transaction sets them for itself.
"""

import json
from collections.abc import Mapping

from ingestion.database.exchange import Connection

NEVER = "0"
SESSION = {
    "search_path": '"$user", public',
    "TimeZone": "UTC",
    "DateStyle": "ISO, MDY",
    "IntervalStyle": "postgres",
    "standard_conforming_strings": "on",
    "transform_null_equals": "off",
    "array_nulls": "on",
    "synchronous_commit": "on",
    "default_transaction_isolation": "read committed",
    "default_transaction_read_only": "off",
    "statement_timeout": "0",
    "lock_timeout": "0",
    "idle_session_timeout": NEVER,
    "idle_in_transaction_session_timeout": "15min",
}
"""What statements rely on, as the server spells it. A role may change its own defaults for every connection to come, so
no connection relies on defaults. Statements take as long as their function may, at most 15 minutes.

https://www.postgresql.org/docs/current/config-setting.html
"""


def insist_on_settings(db: Connection, wanted: Mapping[str, str]) -> None:
    """Set what did not arrive with the connection's first message: a proxy may keep it to itself.

    Behind a pooler, have each transaction set it instead. A pooler shows itself by the process id that it gives its
    clients, for a request to cancel: it is not that of the server's process.
    """
    is_own, _ = db.run(
        """
        SELECT pg_backend_pid() = CAST(:pid AS bigint),
               count(CASE WHEN pg_backend_pid() = CAST(:pid AS bigint) THEN set_config(name, wanted, false) END)
          FROM json_each_text(CAST(:wanted AS json)) AS s (name, wanted)
         WHERE current_setting(name) <> wanted
        """,
        wanted=json.dumps(wanted),
        pid=db.process_id,
    )[0]
    if not is_own:
        db.begin = _begin()


def _begin() -> str:
    """Return the statements that begin a transaction with these settings, which end with it."""
    # A list of names, not a text: in quotes it would be one name.
    settings = {name: value if name == "search_path" else f"'{value}'" for name, value in SESSION.items()}
    begin = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
    return "; ".join([begin, *(f"SET LOCAL {name} TO {value}" for name, value in settings.items())])
