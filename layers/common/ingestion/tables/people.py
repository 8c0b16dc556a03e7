"""users: the people that sessions are between, found by email."""

from collections.abc import Iterable
from uuid import UUID

from ingestion.db import Connection
from ingestion.tables.staging import rows_table


def ids_of(db: Connection, emails: Iterable[str]) -> dict[str, str]:
    """The ids of those of the people who are known, as text, by email.

    Thousands at a time: they go and come as one text each, lines of `email id`, which costs the driver a tenth of an
    array and a row per person. No address holds white space.
    """
    found = db.run(
        """
        SELECT string_agg(u.email || ' ' || u.id, E'\n')
          FROM unnest(string_to_array(:emails, E'\n')) AS named (email)
          JOIN users u ON u.email = named.email COLLATE "C"
        """,
        emails="\n".join(emails),
    )[0][0]
    return dict(line.split(" ") for line in (found or "").split("\n") if line)


def create_staged(db: Connection, batch_id: UUID) -> None:
    """Create the people whom staged sessions name by email only, and put their ids into those rows."""
    table = rows_table(batch_id)
    db.run(
        f"""
        INSERT INTO users (email, role, batch_id, row_number, line)
        SELECT DISTINCT ON (email) email, role, :batch_id, row_number, line
          FROM (SELECT participant_email AS email, 'participant' AS role, row_number, line
                  FROM {table} WHERE participant_id IS NULL
             UNION ALL
                SELECT volunteer_email, 'volunteer', row_number, line
                  FROM {table} WHERE volunteer_id IS NULL) unknown
      ORDER BY email, row_number, role
            ON CONFLICT (email) DO NOTHING
        """,
        batch_id=batch_id,
    )
    db.run(
        f"""
        UPDATE {table} r SET participant_id = u.id
          FROM users u WHERE r.participant_id IS NULL AND u.email = r.participant_email
        """
    )
    db.run(
        f"""
        UPDATE {table} r SET volunteer_id = u.id
          FROM users u WHERE r.volunteer_id IS NULL AND u.email = r.volunteer_email
        """
    )


def remove_created(db: Connection, batch_id: UUID) -> None:
    """Remove the people whom a batch of sessions created, unless somebody else's sessions name them by now."""
    db.run(
        """
        DELETE FROM users u
         WHERE u.batch_id = :batch_id
           AND NOT EXISTS (SELECT FROM people_of_sessions p WHERE p.person_id = u.id)
        """,
        batch_id=batch_id,
    )
