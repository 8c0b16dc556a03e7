"""programmes: one row per registered programme, which is also the right to merge into it; and program_instances."""

from collections.abc import Iterable
from datetime import date
from uuid import UUID

from ingestion.database.connection import Connection
from ingestion.errors import RefusalCode, Refused
from ingestion.uploads.identification import Instance


def register(db: Connection, program_types: Iterable[str]) -> None:
    """Make sure that every programme of the registry has its row."""
    db.run(
        """
        INSERT INTO programmes (program_type)
        SELECT unnest(CAST(:program_types AS text[]))
            ON CONFLICT DO NOTHING
        """,
        program_types=list(program_types),
    )


def acquire(db: Connection, program_type: str, batch_id: UUID) -> bool:
    """Take the right to merge into the programme; False while a batch that is still running has it.

    Taken again by the batch that has it already. What a batch left behind that ended without giving it back is free.
    """
    taken = db.run(
        """
        UPDATE programmes p
           SET merging_batch = :batch_id, merging_since = now()
         WHERE p.program_type = :program_type
           AND (p.merging_batch IS NULL OR p.merging_batch = :batch_id OR NOT EXISTS (
                SELECT FROM ingestion_batches b WHERE b.id = p.merging_batch AND b.status = 'running'))
     RETURNING p.program_type
        """,
        program_type=program_type,
        batch_id=batch_id,
    )
    return bool(taken)


def release(db: Connection, batch_id: UUID) -> None:
    """Give the right to merge back."""
    db.run(
        "UPDATE programmes SET merging_batch = NULL, merging_since = NULL WHERE merging_batch = :batch_id",
        batch_id=batch_id,
    )


def holds(db: Connection, program_type: str, batch_id: UUID) -> bool:
    """Whether the batch has the right to merge; keeps it from changing hands until the transaction ends."""
    held = db.run(
        "SELECT merging_batch FROM programmes WHERE program_type = :program_type FOR SHARE",
        program_type=program_type,
    )
    return bool(held) and held[0][0] == batch_id


def find_or_create_instance(db: Connection, instance: Instance) -> int:
    """The id of the instance with this slug; created if there is none. Refused if another programme has it."""
    db.run(
        """
        INSERT INTO program_instances (program_type, slug, name, starts_on, ends_on)
        VALUES (:program_type, :slug, :name, :starts_on, :ends_on)
            ON CONFLICT (slug) DO NOTHING
        """,
        program_type=instance.program_type,
        slug=instance.slug,
        name=instance.name,
        starts_on=instance.starts_on,
        ends_on=instance.ends_on,
    )
    found = db.run("SELECT id, program_type FROM program_instances WHERE slug = :slug", slug=instance.slug)
    if found[0][1] != instance.program_type:
        raise Refused(
            RefusalCode.UNKNOWN_PROGRAM_INSTANCE,
            f'"{instance.slug}" is an instance of {found[0][1]}, but the file is one of {instance.program_type}; '
            "name one of its own.",
        )
    return int(found[0][0])


def find_instance(db: Connection, slug: str, program_type: str) -> int | None:
    """The id of the programme's instance with this slug."""
    found = db.run(
        "SELECT id FROM program_instances WHERE slug = :slug AND program_type = :program_type",
        slug=slug,
        program_type=program_type,
    )
    return int(found[0][0]) if found else None


def instances_around(db: Connection, program_type: str, first: date, last: date) -> list[tuple[int, str]]:
    """Id and slug of the programme's instances that hold all days from *first* to *last*, the shortest first."""
    found = db.run(
        """
        SELECT id, slug
          FROM program_instances
         WHERE program_type = :program_type AND starts_on <= :first AND ends_on >= :last
      ORDER BY ends_on - starts_on, id
        """,
        program_type=program_type,
        first=first,
        last=last,
    )
    return [(int(row[0]), str(row[1])) for row in found]
