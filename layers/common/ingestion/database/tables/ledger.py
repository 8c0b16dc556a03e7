"""The ledger of a batch: the lines of its chunks and shards, read in one statement and queried in Python."""

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
    """The ledger's line for a chunk. It is *planned* until it is staged, and while it must be staged again."""

    model_config = ConfigDict(frozen=True)

    number: int
    state: str
    rows: int
    rating_scale: Scale | None
    rating_facts: RatingFacts
    staged_rows: int
    rejected_rows: int
    rejects_sum: int
    inserted_rows: int
    updated_rows: int
    unchanged_rows: int
    conflict_rows: int
    fault_counts: list[FaultCount]
    """The faults of rows that were rejected while the chunk was read."""
    warnings: list[FileWarning]
    """The warnings about the chunk's rows."""

    @property
    def is_planned(self) -> bool:
        """Whether the chunk must still be staged."""
        return self.state == "planned"

    @property
    def errors(self) -> int:
        """Rows rejected when the chunk was read, or by reconciling the whole file."""
        return self.rejected_rows + self.conflict_rows

    @property
    def tally(self) -> Tally:
        """The outcomes of the chunk's rows."""
        return Tally(
            total=self.rows,
            inserted=self.inserted_rows,
            updated=self.updated_rows,
            unchanged=self.unchanged_rows,
            rejected=self.errors,
        )


class ShardLine(BaseModel):
    """The ledger's line for a shard that has rows to merge."""

    model_config = ConfigDict(frozen=True)

    number: int
    is_merged: bool


class Ledger(BaseModel):
    """The outcomes of a batch's rows so far, and the work that is left."""

    model_config = ConfigDict(frozen=True)

    chunks: tuple[ChunkLine, ...]
    shards: tuple[ShardLine, ...]

    @property
    def not_staged(self) -> list[int]:
        """The chunks that must still be staged."""
        return [line.number for line in self.chunks if line.is_planned]

    def lost(self, there: Mapping[int, int] | None) -> list[int]:
        """Return the chunks with missing rows, given the rows staged of each; None if the staging tables are gone."""
        if there is None:
            return [line.number for line in self.chunks]
        return [line.number for line in self.chunks if line.is_planned or line.staged_rows != there.get(line.number, 0)]

    @property
    def rating_facts(self) -> RatingFacts:
        """The facts of all ratings in the file."""
        facts = RatingFacts()
        for line in self.chunks:
            facts |= line.rating_facts
        return facts

    @property
    def seem_zero_to_one(self) -> list[int]:
        """The chunks that were read without a known scale, and whose own ratings look like 0–1."""
        return [
            line.number
            for line in self.chunks
            if line.rating_scale is None and line.rating_facts.saw_below_one and not line.rating_facts.saw_above_one
        ]

    @property
    def totals(self) -> Tally:
        """The sums over the reconciled chunks."""
        return sum((line.tally for line in self.chunks if line.state == "reconciled"), Tally())

    @property
    def rejected(self) -> int:
        """Rows known to be rejected, whether or not the file was reconciled."""
        return sum(line.errors for line in self._read)

    @property
    def rejects_sum(self) -> int:
        """The sum of the hashes of the rows that were rejected while the file was read."""
        return sum(line.rejects_sum for line in self._read)

    @property
    def with_rejects(self) -> list[int]:
        """The chunks that have a part of the error file."""
        return [line.number for line in self._read if line.errors]

    @property
    def with_conflicts(self) -> list[int]:
        """The chunks in which reconciling the whole file rejected rows."""
        return [line.number for line in self._read if line.conflict_rows]

    def faults(self, key: str) -> FaultCounts:
        """Count all faults, including conflicts, which are faults of the column *key*."""
        counts = FaultCounts.from_summary(fault for line in self._read for fault in line.fault_counts)
        conflicts = sum(line.conflict_rows for line in self._read)
        counts.add(repeat(Fault(FaultCode.ID_CONFLICT, key, ""), conflicts))
        return counts

    @property
    def warnings(self) -> list[dict[str, Any]]:
        """The warnings about rows, counted by code."""
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
    """Read the batch's ledger in one statement, so that all lines are from the same moment."""
    found = rows(
        db,
        """
        SELECT (SELECT coalesce(json_agg(c ORDER BY c.number), '[]')
                  FROM (SELECT number, state, rows, rating_scale, rating_facts, staged_rows, rejected_rows,
                               rejects_sum, inserted_rows, updated_rows, unchanged_rows, conflict_rows, fault_counts,
                               warnings
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
