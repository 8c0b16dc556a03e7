"""The ledger of a batch: the lines of its chunks and shards, read at once; whoever has a question asks the value."""

from collections import Counter
from collections.abc import Mapping
from itertools import repeat
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from ingestion.batch import FaultCount, FaultCounts, Tally
from ingestion.database.connection import Connection, rows
from ingestion.faults import Fault, FaultCode
from ingestion.file_warnings import FileWarning, warnings_of
from ingestion.values.ratings import RatingFacts, Scale


class ChunkLine(BaseModel):
    """What is written down of a chunk; before it is staged, or when it must be staged again, it is *planned*."""

    model_config = ConfigDict(frozen=True)

    number: int
    state: str
    rows: int
    rating_scale: Scale | None
    rating_facts: RatingFacts
    staged_rows: int
    rejected_rows: int
    inserted_rows: int
    updated_rows: int
    unchanged_rows: int
    conflict_rows: int
    fault_counts: list[FaultCount]
    """Of the rows that were rejected when they were read."""
    warnings: list[FileWarning]
    """What was tolerated in the rows."""

    @property
    def is_planned(self) -> bool:
        """Whether the chunk is still to be staged."""
        return self.state == "planned"

    @property
    def errors(self) -> int:
        """Rows rejected when the chunk was read, or by the whole file."""
        return self.rejected_rows + self.conflict_rows

    @property
    def tally(self) -> Tally:
        """What became of the chunk's rows."""
        return Tally(
            total=self.rows,
            inserted=self.inserted_rows,
            updated=self.updated_rows,
            unchanged=self.unchanged_rows,
            rejected=self.errors,
        )


class ShardLine(BaseModel):
    """What is written down of a shard that has rows to merge."""

    model_config = ConfigDict(frozen=True)

    number: int
    is_merged: bool


class Ledger(BaseModel):
    """What has become of a batch's rows so far, and what is still to be done."""

    model_config = ConfigDict(frozen=True)

    chunks: tuple[ChunkLine, ...]
    shards: tuple[ShardLine, ...]

    @property
    def not_staged(self) -> list[int]:
        """The chunks that nobody has staged."""
        return [line.number for line in self.chunks if line.is_planned]

    def lost(self, there: Mapping[int, int] | None) -> list[int]:
        """The chunks whose rows are not all there, given how many are in the staging of each; None if it is gone."""
        if there is None:
            return [line.number for line in self.chunks]
        return [line.number for line in self.chunks if line.is_planned or line.staged_rows != there.get(line.number, 0)]

    @property
    def rating_facts(self) -> RatingFacts:
        """What all ratings of the file say together."""
        facts = RatingFacts()
        for line in self.chunks:
            facts |= line.rating_facts
        return facts

    @property
    def seem_zero_to_one(self) -> list[int]:
        """The chunks that were read without knowing the scale, and whose own ratings look like 0–1."""
        return [
            line.number
            for line in self.chunks
            if line.rating_scale is None and line.rating_facts.saw_below_one and not line.rating_facts.saw_above_one
        ]

    @property
    def totals(self) -> Tally:
        """The sums over the chunks that were reconciled."""
        return sum((line.tally for line in self.chunks if line.state == "reconciled"), Tally())

    @property
    def rejected(self) -> int:
        """Rows known to be rejected, whether or not the file was reconciled."""
        return sum(line.errors for line in self._read)

    @property
    def with_rejects(self) -> list[int]:
        """The chunks that have a part of the error file."""
        return [line.number for line in self._read if line.errors]

    @property
    def with_conflicts(self) -> list[int]:
        """The chunks in which the whole file rejected rows."""
        return [line.number for line in self._read if line.conflict_rows]

    def faults(self, key: str) -> FaultCounts:
        """All faults of the rows, those that only the whole file showed among them, in the column *key*."""
        counts = FaultCounts.from_summary(fault for line in self._read for fault in line.fault_counts)
        conflicts = sum(line.conflict_rows for line in self._read)
        counts.add(repeat(Fault(FaultCode.ID_CONFLICT, key, ""), conflicts))
        return counts

    @property
    def warnings(self) -> list[dict[str, Any]]:
        """What was tolerated in the rows, by code, with how often."""
        counts = Counter[str]()
        for warning in (warning for line in self._read for warning in line.warnings):
            counts[warning.code] += warning.count
        return warnings_of(counts)

    @property
    def shards_to_merge(self) -> list[int]:
        """The shards that are not merged yet."""
        return [line.number for line in self.shards if not line.is_merged]

    @property
    def _read(self) -> list[ChunkLine]:
        return [line for line in self.chunks if not line.is_planned]


def read(db: Connection, batch_id: UUID) -> Ledger:
    """The batch's ledger as it is now, in one statement, so that its lines are of the same moment."""
    found = rows(
        db,
        """
        SELECT (SELECT coalesce(json_agg(c ORDER BY c.number), '[]')
                  FROM (SELECT number, state, rows, rating_scale, rating_facts, staged_rows, rejected_rows,
                               inserted_rows, updated_rows, unchanged_rows, conflict_rows, fault_counts, warnings
                          FROM chunks
                         WHERE batch_id = :batch_id) c) AS chunks,
               (SELECT coalesce(json_agg(s ORDER BY s.number), '[]')
                  FROM (SELECT number, merged_at IS NOT NULL AS is_merged
                          FROM shards
                         WHERE batch_id = :batch_id) s) AS shards
        """,
        batch_id=batch_id,
    )
    return Ledger.model_validate(found[0])
