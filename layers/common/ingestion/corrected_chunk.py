"""Compares a chunk of a corrected file with its parent's rejects, which are streamed and never held in memory."""

from collections.abc import Container, Iterator, Sequence
from uuid import UUID

from ingestion.aws import object_keys, s3
from ingestion.csv_file.chunk_reader import Block
from ingestion.database.connection import Connection
from ingestion.database.tables import batches
from ingestion.database.tables.batches import Batch
from ingestion.database.tables.rejected_rows import Returned
from ingestion.faults import RawRow, RawRows, Reject
from ingestion.rows.corrections import judged_anew, number_of, still_rejected
from ingestion.rows.matched_rejects import MatchedRejects
from ingestion.rows.paired_columns import pair_columns
from ingestion.rows.rejects import read_rejects


class RejectsGone(s3.NoSuchFile):
    """A correction has nothing to be compared with: nobody can tell which of its rows were fixed."""

    def __init__(self, parent_id: UUID) -> None:
        super().__init__(
            f"Batch {parent_id} no longer has the rejected rows that this file corrects, so nobody can tell which of "
            "them were fixed. If you upload the file again once that batch has ended, its rows are read as they are."
        )


class Correction:
    """What a corrected file is compared with."""

    def __init__(self, parent: Batch, batch: Batch, bucket: str) -> None:
        self.parent = parent
        plan = batch.column_plan
        self._number_columns = plan.error_column("_error_batch"), plan.error_column("_error_row")
        self._pairing = pair_columns(parent.column_plan, plan, batch.file_format.slashed, batch.file_format.typed)
        self._anew = judged_anew(
            is_of_other_programme=parent.program_type != batch.program_type,
            has_other_dates=parent.column_plan.declared != batch.column_plan.declared,
        )
        self._bucket = bucket
        self.returned = Returned()
        """The rows that brought back a reject, mended or not."""

    def apply(self, blocks: Sequence[Block]) -> list[Block]:
        """Move rows that nobody fixed to the rejects, and give unchanged cells their original text again."""
        self.returned = Returned()
        matched = self.match([row for block in blocks for row in block.rows.each()])
        return [self._apply(block, matched) for block in blocks]

    def match(self, rows: list[RawRow]) -> MatchedRejects:
        """Find the reject that each row was, if any."""
        matched = MatchedRejects(self._pairing, self._anew, self._rejects)
        matched.find(rows, {row.number: number_of(row, self._number_columns, self.parent.id) for row in rows})
        return matched

    def _apply(self, block: Block, matched: MatchedRejects) -> Block:
        rows, rejects = [], list(block.rejects)
        for row in block.rows.each():
            match = matched.found.get(row.number)
            number = match.number if match else matched.named.get(row.number)
            if number is not None:
                self.returned.row_numbers.append(row.number)
                self.returned.of_rows.append(number)
                self.returned.are_mended.append(match is None or match.compared.is_mended)
            if match is None:
                rows.append(row)
            elif match.compared.is_mended or not match.faults:
                rows.append(row._replace(cells=match.compared.cells(row)))
            else:
                # Cells beyond the columns are restored once, however many copies of the row came back.
                beyond = matched.beyond.pop(match.number, [])
                rejects.append(still_rejected(row, match.compared, match.faults, beyond, self._pairing))
        return block._replace(rows=RawRows.of(rows), rejects=rejects)

    def _rejects(self, numbers: Container[int] | None = None) -> Iterator[Reject]:
        return read_rejects(s3.blocks(self._bucket, object_keys.reject_values(self.parent.id), None), numbers)


def correction_of(batch: Batch, db: Connection, bucket: str) -> Correction | None:
    """Return what the rows of a corrected file are compared with; None for an ordinary file. Raises RejectsGone."""
    if batch.corrects_batch_id is None or not batch.compares_rejects:
        return None
    if not batch.has_rejects_to_compare:
        raise RejectsGone(batch.corrects_batch_id)
    return Correction(batches.get(db, batch.corrects_batch_id), batch, bucket)


def apply_correction(correction: Correction | None, blocks: Iterator[Block]) -> Iterator[Block]:
    """The blocks of a chunk, corrected if there is anything to compare them with. Raises RejectsGone."""
    if correction is None:
        return blocks
    whole = list(blocks)
    try:
        return iter(correction.apply(whole))
    except s3.NoSuchFile as gone:
        raise RejectsGone(correction.parent.id) from gone
