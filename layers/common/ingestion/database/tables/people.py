"""users: the participants and volunteers of sessions, found by email."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from ingestion.database.connection import Connection, DatabaseError, sqlstate
from ingestion.database.publishing.staging import rows_table
from ingestion.errors import Unavailable
from ingestion.records import PROGRAMMES, Field, Kind

LOCK_SECONDS = 2
FOREIGN_KEY_VIOLATION = "23503"


def ids_of(db: Connection, emails: Iterable[str]) -> dict[str, str]:
    """Return the ids (as text) of those who are known, by email.

    Thousands at a time: addresses and lines of `email id` travel as one text each, which costs the driver a tenth of
    an array and a row per person. No address contains white space.
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


def create_staged(db: Connection, batch_id: UUID, people: Sequence[Field]) -> None:
    """Create the people whom staged rows name only by email, and put their ids into those rows."""
    unknown = [
        f"""SELECT {field.name} AS email, '{_role(field)}' AS role, row_number, line
                  FROM {rows_table(batch_id)} WHERE {field.id_name} IS NULL"""
        for field in people
    ]
    union = """
             UNION ALL
                """
    db.run(
        f"""
        INSERT INTO users (email, role, batch_id, row_number, line)
        SELECT DISTINCT ON (email) email, role, :batch_id, row_number, line
          FROM ({union.join(unknown)}) unknown
      ORDER BY email, row_number, role
            ON CONFLICT (email) DO NOTHING
        """,
        batch_id=batch_id,
    )
    _fill_in(db, batch_id, people, "users")


def _role(field: Field) -> str:
    if field.role is None:
        raise ValueError(f"{field.name} is not the address of a person")
    return field.role.name


def number_staged(db: Connection, batch_id: UUID, people: Sequence[Field]) -> None:
    """Give people whom staged rows name only by email negative ids, instead of creating them.

    Nobody has a negative id, so these distinguish them from each other and from known people, and leave no trace.
    """
    named = " UNION ".join(f"SELECT {field.name} AS email FROM {rows_table(batch_id)}" for field in people)
    # Some may have become known since staging: they get their own ids first.
    _fill_in(db, batch_id, people, "users")
    _fill_in(
        db,
        batch_id,
        people,
        f"""(SELECT email, -row_number() OVER (ORDER BY email) AS id
               FROM ({named}) named
              WHERE email IS NOT NULL)""",
    )


def _fill_in(db: Connection, batch_id: UUID, people: Sequence[Field], ids: str) -> None:
    """Put ids into staged rows that have only an email, from a table of emails and ids."""
    for field in people:
        db.run(
            f"""
            UPDATE {rows_table(batch_id)} r SET {field.id_name} = u.id
              FROM {ids} u WHERE r.{field.id_name} IS NULL AND u.email = r.{field.name}
            """
        )


def are_gone(db: Connection, batch_id: UUID, people: Sequence[Field]) -> bool:
    """Whether staged records name people by an id that nobody has any more."""
    missing = " OR ".join(f"NOT EXISTS (SELECT FROM users u WHERE u.id = r.{field.id_name})" for field in people)
    return bool(people and db.run(f"SELECT EXISTS (SELECT FROM {rows_table(batch_id)} r WHERE {missing})")[0][0])


def remove_created(db: Connection, batch_id: UUID) -> None:
    """Remove the people whom a failed batch of sessions created, unless sessions of other batches name them by now.

    Call it in a transaction that has written no sessions. Raises Unavailable if others write sessions for too long.
    """
    # So that nobody retries the batch meanwhile and finds these people known.
    db.run("SELECT FROM ingestion_batches WHERE id = :batch_id FOR UPDATE", batch_id=batch_id)
    wait_briefly(db)
    db.run(
        """
        DELETE FROM users u
         USING ingestion_batches b
         WHERE b.id = :batch_id AND b.status = 'failed' AND u.batch_id = b.id
           AND NOT EXISTS (SELECT FROM batch_people p WHERE p.person_id = u.id)
        """,
        batch_id=batch_id,
    )


def remove_left_behind(db: Connection, batch_id: UUID) -> None:
    """Remove people whom only a batch that is being undone, or undone ones, needed: their sessions had created them.

    Somebody whom a roster has changed since is that roster's. Call it in a transaction that has written no sessions.
    Raises Unavailable if others write sessions for too long, or just now one of such a person.
    """
    wait_briefly(db)
    try:
        db.run(
            """
            DELETE FROM users u
             USING ingestion_batches b
             WHERE (b.id = :batch_id OR b.status = 'undone') AND b.program_type = ANY (CAST(:of_sessions AS text[]))
               AND u.batch_id = b.id AND NOT EXISTS (SELECT FROM batch_people p WHERE p.person_id = u.id)
            """,
            batch_id=batch_id,
            of_sessions=[name for name, programme in PROGRAMMES.items() if programme.kind is Kind.SESSIONS],
        )
    except DatabaseError as failed:
        if sqlstate(failed) != FOREIGN_KEY_VIOLATION:
            raise
        raise Unavailable("A session of a person was imported while they were being removed.") from failed


def wait_briefly(db: Connection) -> None:
    """Limit how long this transaction waits for locks, since everybody behind it in the queue waits too.

    Deleting people waits for all who are writing sessions, and meanwhile nobody else can begin to.
    """
    db.run(f"SET LOCAL lock_timeout = {int(LOCK_SECONDS * 1000)}")
