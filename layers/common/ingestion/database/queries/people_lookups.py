"""Find a person by their address, and their sessions. The caller records each look-up in the audit trail."""

from typing import Any

from ingestion.database.connection import Connection, rows
from ingestion.database.queries.lineage import columns_of, people_of
from ingestion.records import SESSION

SESSIONS_OF_PERSON = f"""
        SELECT s.id, s.program_type, i.slug AS program_instance, s.version, {columns_of(SESSION, "s", "s")}
          FROM (SELECT id
                  FROM sessions_of_person(:person_id)
                 WHERE id > CAST(:after AS bigint)
              ORDER BY id
                 LIMIT CAST(:limit AS bigint)) found
          JOIN kintell_sessions s ON s.id = found.id
          {people_of(SESSION, "s")}
          JOIN program_instances i ON i.id = s.program_instance_id
      ORDER BY found.id
"""


def find_person(db: Connection, email: str) -> int | None:
    """Find our id of the person with this address, given in lower case."""
    found = db.run("SELECT id FROM users WHERE email = :email", email=email)
    return int(found[0][0]) if found else None


def sessions_of_person(db: Connection, person_id: int, limit: int, after: int | None) -> list[dict[str, Any]]:
    """Return the current sessions of a participant or volunteer, in the order of our ids."""
    return rows(db, SESSIONS_OF_PERSON, person_id=person_id, limit=limit, after=after or 0)
