"""programmes, whose rows also hold the right to merge into each programme; and program_instances."""

from collections.abc import Iterable
from datetime import date
from uuid import UUID

from ingestion.database.connection import Connection
from ingestion.errors import RefusalCode, Refused
from ingestion.uploads.identification import Instance


def register(db: Connection, program_types: Iterable[str]) -> None:
    """Make sure that every programme of the registry has a row."""
    db.run(
        """
        INSERT INTO programmes (program_type)
        SELECT unnest(CAST(:program_types AS text[]))
            ON CONFLICT DO NOTHING
        """,
        program_types=list(program_types),
    )


def acquire(db: Connection, program_type: str, batch_id: UUID) -> bool:
    """Acquire the right to merge into the programme; False while another batch that runs or is being undone has it.

    The batch that has it may acquire it again. A right that an ended batch has not released is free.
    """
    taken = db.run(
        """
        UPDATE programmes p
           SET merging_batch = :batch_id, merging_since = now()
         WHERE p.program_type = :program_type
           AND (p.merging_batch IS NULL OR p.merging_batch = :batch_id OR NOT EXISTS (
                SELECT FROM ingestion_batches b WHERE b.id = p.merging_batch AND b.status IN ('running', 'undoing')))
     RETURNING p.program_type
        """,
        program_type=program_type,
        batch_id=batch_id,
    )
    return bool(taken)


def keep_free(db: Connection, program_type: str, batch_id: UUID) -> bool:
    """Let no batch merge into the programme until the transaction ends; False if one other than this is doing so."""
    found = db.run(
        """
        SELECT p.merging_batch IS NULL OR p.merging_batch = :batch_id OR NOT EXISTS (
               SELECT FROM ingestion_batches b WHERE b.id = p.merging_batch AND b.status IN ('running', 'undoing'))
          FROM programmes p
         WHERE p.program_type = :program_type
           FOR UPDATE
        """,
        program_type=program_type,
        batch_id=batch_id,
    )
    return not found or bool(found[0][0])


def release(db: Connection, batch_id: UUID) -> None:
    """Release the right to merge."""
    db.run(
        "UPDATE programmes SET merging_batch = NULL, merging_since = NULL WHERE merging_batch = :batch_id",
        batch_id=batch_id,
    )


def holds(db: Connection, program_type: str, batch_id: UUID) -> bool:
    """Whether the batch has the right to merge, which can't change hands until the transaction ends."""
    held = db.run(
        "SELECT merging_batch FROM programmes WHERE program_type = :program_type FOR SHARE",
        program_type=program_type,
    )
    return bool(held) and held[0][0] == batch_id


def find_or_create_instance(db: Connection, instance: Instance) -> int:
    """Return the id of the instance with this slug, or create it. Raises Refused if another programme has it."""
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
            f'"{instance.slug}" is an instance of {found[0][1]}, but the file belongs to {instance.program_type}; '
            "name an instance of that.",
        )
    return int(found[0][0])


def find_instance(db: Connection, slug: str, program_type: str) -> int | None:
    """Find the id of the programme's instance with this slug."""
    found = db.run(
        "SELECT id FROM program_instances WHERE slug = :slug AND program_type = :program_type",
        slug=slug,
        program_type=program_type,
    )
    return int(found[0][0]) if found else None


def instances_around(db: Connection, program_type: str, first: date, last: date) -> list[tuple[int, str]]:
    """Return id and slug of the programme's instances that include all days from *first* to *last*, shortest first."""
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
