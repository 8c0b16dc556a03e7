"""Check every few minutes whether batches make progress and, for a few at a time, whether ended ones still add up."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict

from ingestion.batch import BatchStatus, Tally
from ingestion.database.connection import Connection, rows

AT_ONCE = 200
"""The most batches checked in one run."""

ROWS_AT_ONCE = 2_000_000
"""Rows counted in one run, which takes a few seconds. A larger batch is checked alone."""


class Ended(BaseModel):
    """A batch that has ended, with its own counts."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    program_type: str
    status: BatchStatus
    dry_run: bool
    tally: Tally


def claim_for_check(db: Connection, rest_minutes: int) -> list[UUID]:
    """Claim the batches to check: those with a finding, and those whose last check is longest ago.

    The last check is at least *rest_minutes* ago. A claim counts as a check even if nobody gets round to it.
    """
    found = db.run(
        """
        WITH longest AS (
            SELECT id, total_rows, checked_at FROM ingestion_batches
             WHERE status IN ('completed', 'failed', 'archived')
               AND (checked_at IS NULL
                OR checked_at <= statement_timestamp() - make_interval(mins => CAST(:rest_minutes AS int)))
          ORDER BY checked_at NULLS FIRST, id LIMIT :at_once
        ), counted AS (
            SELECT id, sum(total_rows) OVER (ORDER BY checked_at NULLS FIRST, id) - total_rows AS before FROM longest
        )
        UPDATE ingestion_batches b SET checked_at = clock_timestamp()
          FROM (SELECT id FROM counted WHERE before < :rows_at_once
                 UNION
               (SELECT id FROM ingestion_batches
                 WHERE finding IS NOT NULL AND status IN ('completed', 'failed', 'archived') LIMIT :at_once)) due
         WHERE b.id = due.id
     RETURNING b.id
        """,
        rest_minutes=rest_minutes,
        at_once=AT_ONCE,
        rows_at_once=ROWS_AT_ONCE,
    )
    return [row[0] for row in found]


def lock_ended(db: Connection, batch_id: UUID) -> Ended | None:
    """Lock an ended batch until the transaction ends; None if it was started over, or is locked by somebody else."""
    found = rows(
        db,
        """
        SELECT id, program_type, status, dry_run, total_rows AS total, inserted_rows AS inserted,
               updated_rows AS updated, skipped_rows AS unchanged, error_rows AS rejected
          FROM ingestion_batches
         WHERE id = :id AND status IN ('completed', 'failed', 'archived')
           FOR UPDATE SKIP LOCKED
        """,
        id=batch_id,
    )
    return Ended.model_validate({**found[0], "tally": found[0]}) if found else None


def note_finding(db: Connection, batch_id: UUID, finding: str | None) -> None:
    """Record what is wrong with the batch, or None if nothing is."""
    db.run(
        "UPDATE ingestion_batches SET finding = :finding WHERE id = :id AND finding IS DISTINCT FROM :finding",
        id=batch_id,
        finding=finding,
    )


def with_finding(db: Connection) -> int:
    """Count the batches with a finding."""
    return int(db.run("SELECT count(*) FROM ingestion_batches WHERE finding IS NOT NULL")[0][0])


def stuck(db: Connection, minutes: int) -> list[UUID]:
    """Return unfinished batches of which nothing was staged, reconciled, merged or undone for *minutes*.

    A batch that waits for its programme is not stuck while the batch it waits for makes progress.
    """
    found = db.run(
        """
        WITH moved AS (
            SELECT b.id, b.program_type,
                   greatest(b.updated_at, (SELECT max(staged_at) FROM chunks c WHERE c.batch_id = b.id),
                            (SELECT max(merged_at) FROM shards s WHERE s.batch_id = b.id),
                            (SELECT max(o.updated_at) FROM undos o WHERE o.batch_id = b.id AND o.state = 'running'),
                            (SELECT merging_since FROM programmes p WHERE p.merging_batch = b.id)) AS at
              FROM ingestion_batches b WHERE b.status IN ('pending', 'running', 'undoing')
        ), still AS (
            SELECT *, at < now() - make_interval(mins => CAST(:minutes AS int)) AS stands FROM moved
        )
        SELECT b.id FROM still b
         WHERE b.stands AND NOT EXISTS (
               SELECT FROM programmes p JOIN still first ON first.id = p.merging_batch
                WHERE p.program_type = b.program_type AND NOT first.stands
                  AND NOT EXISTS (SELECT FROM chunks c WHERE c.batch_id = b.id AND c.state = 'planned'))
      ORDER BY b.at
        """,
        minutes=minutes,
    )
    return [row[0] for row in found]


def oldest_unfinished_seconds(db: Connection) -> float:
    """Return how long ago the oldest unfinished batch was started or created; 0 if all have ended."""
    ((waited,),) = db.run(
        """
        SELECT CAST(coalesce(max(extract(epoch FROM now() - coalesce(started_at, created_at))), 0) AS float8)
          FROM ingestion_batches
         WHERE status IN ('pending', 'running')
        """
    )
    return float(waited)


def oldest_message_seconds(db: Connection) -> float:
    """Return how long the oldest message of the outbox has been waiting to be sent; 0 if all were sent."""
    ((waited,),) = db.run("SELECT CAST(coalesce(extract(epoch FROM now() - min(written_at)), 0) AS float8) FROM outbox")
    return float(waited)
