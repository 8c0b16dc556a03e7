"""verifications: the last comparison of each batch with its file, asked for by somebody or chosen by Monitor.

What differs may hold personal data, so it is forgotten a day after it was found; how much differs stays.
"""

from typing import Any
from uuid import UUID

from ingestion.database.connection import Connection, rows, to_json

KEPT_HOURS = 24
"""How long whoever asked has to fetch what differs."""
LOST_MINUTES = 20
"""Longer than a function may run: a verification that was begun so long ago is begun again."""


def request(db: Connection, batch_id: UUID, *, is_sample: bool = False) -> bool:
    """Have a batch verified; False if it is being verified already."""
    found = db.run(
        """
        INSERT INTO verifications AS v (batch_id, is_sample)
        VALUES (:batch_id, CAST(:is_sample AS boolean))
            ON CONFLICT (batch_id) DO UPDATE
           SET state = 'running', is_sample = excluded.is_sample, requested_at = now(), started_at = NULL,
               completed_at = NULL, failure_code = NULL, differing = '[]'
         WHERE v.state <> 'running'
     RETURNING batch_id
        """,
        batch_id=batch_id,
        is_sample=is_sample,
    )
    return bool(found)


def request_sample(db: Connection, a_day: int, readable_days: int) -> None:
    """Choose a batch, at most so many in a day: one that was never verified, or else that was longest ago.

    Files that were imported more than *readable_days* ago are in cold storage.
    """
    found = db.run(
        """
        SELECT b.id
          FROM ingestion_batches b
     LEFT JOIN verifications v ON v.batch_id = b.id
         WHERE b.status = 'completed' AND NOT b.dry_run AND b.success_rows > 0
           AND b.completed_at > now() - make_interval(days => CAST(:readable_days AS int))
           AND v.state IS DISTINCT FROM 'running'
           AND (v.requested_at IS NULL OR v.requested_at < now() - interval '1 day')
           AND (SELECT count(*) FROM verifications d
                 WHERE d.is_sample AND d.requested_at > now() - interval '1 day') < :a_day
      ORDER BY v.requested_at NULLS FIRST, random()
         LIMIT 1
        """,
        a_day=a_day,
        readable_days=readable_days,
    )
    for (batch_id,) in found:
        request(db, UUID(str(batch_id)), is_sample=True)


def claim(db: Connection) -> UUID | None:
    """Claim a verification that nobody is at work on, the one that has waited longest."""
    found = db.run(
        """
        UPDATE verifications SET started_at = now()
         WHERE batch_id = (SELECT batch_id FROM verifications
                            WHERE state = 'running'
                              AND (started_at IS NULL OR started_at < now() - make_interval(mins => :lost_minutes))
                         ORDER BY requested_at LIMIT 1 FOR UPDATE SKIP LOCKED)
     RETURNING batch_id
        """,
        lost_minutes=LOST_MINUTES,
    )
    return UUID(str(found[0][0])) if found else None


def complete(db: Connection, batch_id: UUID, checked_rows: int, differing_values: int, differing: list[Any]) -> None:
    """Record what was found; of a sample only how much, since nobody will fetch the rest."""
    db.run(
        """
        UPDATE verifications
           SET state = 'completed', completed_at = now(), checked_rows = :checked_rows,
               differing_values = :differing_values,
               differing = CASE WHEN is_sample THEN '[]' ELSE CAST(:differing AS jsonb) END
         WHERE batch_id = :batch_id
        """,
        batch_id=batch_id,
        checked_rows=checked_rows,
        differing_values=differing_values,
        differing=to_json(differing),
    )


def fail(db: Connection, batch_id: UUID, code: str) -> None:
    """Record why the file could not be compared."""
    db.run(
        "UPDATE verifications SET state = 'failed', completed_at = now(), failure_code = :code WHERE batch_id = :id",
        id=batch_id,
        code=code,
    )


def find(db: Connection, batch_id: UUID) -> dict[str, Any] | None:
    """Find the last verification of a batch."""
    found = rows(
        db,
        """
        SELECT state, requested_at, completed_at, checked_rows, differing_values, differing, failure_code
          FROM verifications
         WHERE batch_id = :batch_id
        """,
        batch_id=batch_id,
    )
    return found[0] if found else None


def forget(db: Connection) -> None:
    """Forget what differed, a day after it was found."""
    db.run(
        """
        UPDATE verifications SET differing = '[]'
         WHERE completed_at < now() - make_interval(hours => :hours) AND differing <> '[]'
        """,
        hours=KEPT_HOURS,
    )


def count_differing(db: Connection) -> int:
    """Count the batches of which stored values were not those of the file when it was read last."""
    return int(db.run("SELECT count(*) FROM verifications WHERE differing_values > 0")[0][0])
