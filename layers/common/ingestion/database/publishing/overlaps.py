"""Compare the rows of a batch with those of earlier imports, by their keys, once it is reconciled.

What an earlier import left of a key is a version of its record: one that it wrote, or one that it found unchanged, of
which `unchanged_rows` has a note. So only records that the batch hits are looked at: a file of new rows costs nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from ingestion.database.connection import Connection, to_json
from ingestion.database.publishing.staging import changes_table
from ingestion.database.publishing.targets import Target

BLOCK_BITS = 14
"""Notes are kept by blocks of 16,384 ids, of which a small file opens only those that it hits."""
MOST_EARLIER = 50
"""So many of the nearest are recorded."""


@dataclass(frozen=True, slots=True)
class Comparing:
    """What to compare: a batch that has just been reconciled, and nothing of which is merged."""

    batch_id: UUID
    target: Target
    program_type: str
    fields: tuple[str, ...]
    """The columns of the content that the file has."""
    has_repeats: bool
    """Whether keys are repeated in the file; then the last row of each counts."""

    @property
    def hits(self) -> str:
        """SQL: the rows whose record is stored, one for each record."""
        changes = changes_table(self.batch_id)
        if not self.has_repeats:
            # A retry leaves alone what was corrected meanwhile: such rows are unchanged without a stored record.
            return f"(SELECT * FROM {changes} WHERE outcome IN ('unchanged', 'updated') AND target_id IS NOT NULL)"
        return f"""(SELECT DISTINCT ON (target_id) *
                      FROM {changes}
                     WHERE outcome IN ('unchanged', 'updated') AND target_id IS NOT NULL
                  ORDER BY target_id, outcome = 'updated' DESC, row_number DESC)"""

    @property
    def notes(self) -> str:
        """SQL: what earlier imports noted about the blocks of records that the batch hits, opened up as `n`."""
        return f"""(SELECT DISTINCT target_id >> {BLOCK_BITS} AS block FROM {self.hits} h) hit
              JOIN unchanged_rows u ON u.block = hit.block
              JOIN ingestion_batches b ON b.id = u.batch_id AND b.status IN ('completed', 'archived')
                                      AND b.program_type = :program_type
             CROSS JOIN LATERAL unnest(u.ids, u.versions) AS n (id, version)"""

    def differences(self, here: str, there: str) -> str:
        """SQL: a number with one bit for each field in which two rows differ."""
        bits = (
            f"(CAST({here}.{name} IS DISTINCT FROM {there}.{name} AS integer) << {bit})"
            for bit, name in enumerate(self.fields)
        )
        return " | ".join(bits) or "0"


class Overlap(NamedTuple):
    """What the batch has in common with an earlier one."""

    batch_id: UUID
    same: int
    changed: int
    fields: Counter[str]
    """How many rows differ in each field."""


class Held(NamedTuple):
    """So many records of the batch were left by an earlier one with these differences."""

    batch_id: UUID | None
    """None for people from elsewhere."""
    differences: int
    rows: int


def compare(db: Connection, comparing: Comparing) -> tuple[int, list[Overlap]]:
    """Count the stored records that the batch hits, and find the earlier batches that had them, the nearest first."""
    hits = list(_hits(db, comparing))
    if not hits:
        # All rows are new: for a small file, each further statement would count.
        return 0, []
    found: dict[UUID, Counter[int]] = defaultdict(Counter)
    for held in (*hits, *_of_notes(db, comparing), *_of_older_versions(db, comparing)):
        if held.batch_id is not None:
            found[held.batch_id][held.differences] += held.rows
    overlaps = [_overlap(batch_id, counts, comparing.fields) for batch_id, counts in found.items()]
    return sum(held.rows for held in hits), sorted(overlaps, key=lambda each: (each.same, each.changed), reverse=True)


def _overlap(batch_id: UUID, counts: Counter[int], names: tuple[str, ...]) -> Overlap:
    fields = Counter[str]()
    for differences, rows in counts.items():
        fields.update({name: rows for bit, name in enumerate(names) if differences >> bit & 1})
    return Overlap(batch_id, counts[0], counts.total() - counts[0], fields)


def _hits(db: Connection, comparing: Comparing) -> Iterator[Held]:
    """The batches that gave the records the version that they have."""
    found = db.run(
        f"""
        SELECT h.held_by, 0, count(*)
          FROM {comparing.hits} h
         WHERE h.outcome = 'unchanged'
      GROUP BY h.held_by
     UNION ALL
        SELECT h.held_by, {comparing.differences("h", "s")}, count(*)
          FROM {comparing.hits} h
          JOIN {comparing.target.table} s ON s.id = h.target_id
         WHERE h.outcome = 'updated'
      GROUP BY 1, 2
        """
    )
    yield from map(Held._make, found)


def _of_notes(db: Connection, comparing: Comparing) -> Iterator[Held]:
    """The batches that found the records unchanged in the version that they still have."""
    if not db.run("SELECT EXISTS (SELECT FROM unchanged_rows)")[0][0]:
        return
    joined = f"""{comparing.notes} JOIN {comparing.hits} h ON h.target_id = n.id AND h.held_version = n.version"""
    found = db.run(
        f"""
        SELECT u.batch_id, 0, count(*) FROM {joined} WHERE h.outcome = 'unchanged' GROUP BY u.batch_id
     UNION ALL
        SELECT u.batch_id, {comparing.differences("h", "s")}, count(*)
          FROM {joined}
          JOIN {comparing.target.table} s ON s.id = h.target_id
         WHERE h.outcome = 'updated'
      GROUP BY 1, 2
        """,
        program_type=comparing.program_type,
    )
    yield from map(Held._make, found)


def _of_older_versions(db: Connection, comparing: Comparing) -> Iterator[Held]:
    """The batches that gave the records an earlier version, or found them unchanged in one."""
    target, changes = comparing.target, changes_table(comparing.batch_id)
    if not db.run(f"SELECT EXISTS (SELECT FROM {changes} WHERE held_version > 1)")[0][0]:
        return
    here = ", ".join(
        f"CASE h.outcome WHEN 'updated' THEN h.{name} ELSE s.{name} END AS {name}" for name in comparing.fields
    )
    found = db.run(
        f"""
        WITH hits AS MATERIALIZED (
            SELECT h.target_id, h.held_by, h.held_version{here and f", {here}"}
              FROM {comparing.hits} h
              JOIN {target.table} s ON s.id = h.target_id
             WHERE h.held_version > 1
        ), left_by AS (
            SELECT v.batch_id, v.{target.version_of} AS id, max(v.version) AS version
              FROM hits h
              JOIN {target.versions} v ON v.{target.version_of} = h.target_id
             WHERE v.batch_id IS DISTINCT FROM h.held_by
          GROUP BY v.batch_id, v.{target.version_of}
         UNION ALL
            SELECT u.batch_id, n.id, n.version
              FROM {comparing.notes}
              JOIN hits h ON h.target_id = n.id AND h.held_version > n.version
        )
        SELECT l.batch_id, {comparing.differences("h", "v")}, count(*)
          FROM left_by l
          JOIN hits h ON h.target_id = l.id
          JOIN {target.versions} v ON v.{target.version_of} = l.id AND v.version = l.version
      GROUP BY 1, 2
        """,
        program_type=comparing.program_type,
    )
    yield from map(Held._make, found)


def record(db: Connection, batch_id: UUID, overlaps: Sequence[Overlap]) -> None:
    """Record the nearest earlier batches, over what an earlier attempt recorded and noted."""
    db.run("DELETE FROM batch_overlaps WHERE batch_id = :batch_id", batch_id=batch_id)
    db.run("DELETE FROM unchanged_rows WHERE batch_id = :batch_id", batch_id=batch_id)
    if not overlaps:
        return
    db.run(
        """
        INSERT INTO batch_overlaps (batch_id, earlier_batch_id, same_rows, changed_rows, changed_fields)
        SELECT :batch_id, o.earlier, o.same, o.changed, o.fields
          FROM jsonb_to_recordset(CAST(:overlaps AS jsonb))
               AS o (earlier uuid, same bigint, changed bigint, fields jsonb)
        """,
        batch_id=batch_id,
        overlaps=to_json(
            [
                {"earlier": str(each.batch_id), "same": each.same, "changed": each.changed, "fields": each.fields}
                for each in overlaps[:MOST_EARLIER]
            ]
        ),
    )


def note_unchanged(db: Connection, comparing: Comparing) -> None:
    """Note the records that the batch finds unchanged, and their versions, for the files that come later."""
    db.run(
        f"""
        INSERT INTO unchanged_rows (batch_id, block, ids, versions)
        SELECT :batch_id, h.target_id >> {BLOCK_BITS}, array_agg(h.target_id), array_agg(h.held_version)
          FROM {comparing.hits} h
         WHERE h.outcome = 'unchanged'
      GROUP BY h.target_id >> {BLOCK_BITS}
        """,
        batch_id=comparing.batch_id,
    )
