"""The chunk of a corrected file beside the rejects of its parent, which are read once for it and not kept whole."""

from collections import defaultdict
from collections.abc import Container, Iterator, Sequence

from ingestion.aws import object_keys, s3
from ingestion.csv_file.chunk_reader import Block
from ingestion.database.tables.batches import Batch
from ingestion.faults import RawRow, RawRows, Reject
from ingestion.rows.corrections import (
    Comparison,
    compare,
    content_key,
    faults_that_stay,
    judged_anew,
    may_be_it,
    number_of,
    pair_columns,
    still_rejected,
)
from ingestion.rows.formulas import restore
from ingestion.rows.redisplay import coarse
from ingestion.rows.rejects import fitted, read_rejects
from ingestion.telemetry import logger

_MOST_ALIKE = 200
"""So many rejects are looked at for a row whose number is lost; they look alike but for dates and numbers."""

Content = tuple[str, ...]
Alike = tuple[Content, Reject]


class Correction:
    """What a corrected file is held against."""

    def __init__(self, parent: Batch, batch: Batch, bucket: str) -> None:
        self.parent = parent
        self._plan = batch.column_plan
        self._pairing = pair_columns(parent.column_plan, self._plan, batch.file_format.slashed)
        self._anew = judged_anew(
            is_of_other_programme=parent.program_type != batch.program_type,
            has_other_dates=parent.column_plan.declared != batch.column_plan.declared,
        )
        self._bucket = bucket
        self._completed: set[int] = set()
        """The rejects, by number, that have been given back what was beyond their columns, of the chunk at hand."""

    def apply(self, blocks: Sequence[Block]) -> list[Block]:
        """The blocks with unmended rows among the rejects, and every cell that nobody changed in the words of then."""
        self._completed.clear()
        handed_out = self._handed_out([row for block in blocks for row in block.rows.each()])
        return [self._apply(block, handed_out) for block in blocks]

    def _apply(self, block: Block, handed_out: dict[int, tuple[Reject, Comparison]]) -> Block:
        rows, rejects = [], list(block.rejects)
        width = self._pairing.width
        for row in block.rows.each():
            reject, compared = handed_out.get(row.number, (None, None))
            if reject is None or compared is None:
                rows.append(row)
                continue
            faults = faults_that_stay(reject, self._anew)
            if compared.is_mended or not faults:
                rows.append(row._replace(cells=compared.cells))
            else:
                # What was beyond its columns comes back once, however many copies of the row do.
                own = width if reject.row.number not in self._completed else len(reject.row.cells)
                self._completed.add(reject.row.number)
                rejects.append(still_rejected(reject, row, compared, faults, own))
        return block._replace(rows=RawRows.of(rows), rejects=rejects)

    def _handed_out(self, rows: list[RawRow]) -> dict[int, tuple[Reject, Comparison]]:
        """The reject that each row was, if one: by its number, or else by what stands in it."""
        wanted = {row.number: number_of(row, self._plan, self.parent.id) for row in rows}
        by_number = self._by_number({number for number in wanted.values() if number is not None})
        found, others = {}, []
        for row in rows:
            reject = by_number.get(wanted[row.number] or 0)
            compared = compare(reject, row, self._pairing) if reject else None
            if reject and compared and (compared.is_clearly_it or not compared.is_mended):
                found[row.number] = (reject, compared)
            else:
                others.append(row)
        return found | self._by_content(others)

    def _by_number(self, numbers: set[int]) -> dict[int, Reject]:
        if not numbers:
            return {}
        return {reject.row.number: reject for reject in self._rejects(numbers)}

    def _by_content(self, rows: list[RawRow]) -> dict[int, tuple[Reject, Comparison]]:
        """By the whole row, or by its id: the cells of a row that was mended may be shown in another way too."""
        if not rows:
            return {}
        pairs, key = self._pairing.pairs, self._pairing.key
        whole: dict[Content, list[Alike]] = {self._content(row): [] for row in rows}
        by_key: dict[str, list[Alike]] = defaultdict(list)
        keys = {coarse(restore(row.cells[key[1]])) for row in rows} if key else set()
        for reject in self._rejects():
            cells = fitted(reject.row.cells, self._pairing.width)
            content = content_key(cells[at] for at, _ in pairs)
            same = whole.get(content)
            if same is not None and len(same) < _MOST_ALIKE:
                same.append((content, reject))
            if key and (name := coarse(cells[key[0]])) in keys and len(by_key[name]) < _MOST_ALIKE:
                by_key[name].append((content, reject))
        found = {}
        for row in rows:
            content = self._content(row)
            named = by_key.get(coarse(restore(row.cells[key[1]])), []) if key else []
            alike = [reject for handed_out, reject in named if may_be_it(handed_out, content)]
            if best := self._best([*(reject for _, reject in whole[content]), *alike], row):
                found[row.number] = best
        return found

    def _best(self, rejects: list[Reject], row: RawRow) -> tuple[Reject, Comparison] | None:
        """A reject that the row still is, unchanged, or else one that it clearly was before somebody mended it."""
        clearly = None
        # Of two that look alike, the one that was cut or padded to do so, or was wrong in itself.
        for reject in sorted(rejects, key=self._depends_on_others):
            compared = compare(reject, row, self._pairing)
            if not compared.is_mended:
                return reject, compared
            if clearly is None and compared.is_clearly_it:
                clearly = reject, compared
        return clearly

    def _depends_on_others(self, reject: Reject) -> bool:
        return not faults_that_stay(reject, self._anew)

    def _content(self, row: RawRow) -> Content:
        return content_key(restore(row.cells[index]) for _, index in self._pairing.pairs)

    def _rejects(self, numbers: Container[int] | None = None) -> Iterator[Reject]:
        return read_rejects(s3.blocks(self._bucket, object_keys.reject_values(self.parent.id), None), numbers)


def apply_correction(correction: Correction | None, blocks: Iterator[Block]) -> Iterator[Block]:
    """The blocks of a chunk, corrected if there is anything to hold them against."""
    if correction is None:
        return blocks
    whole = list(blocks)
    try:
        return iter(correction.apply(whole))
    except s3.NoSuchFile:
        logger.warning("the rejects of the parent are gone", parent=str(correction.parent.id))
        return iter(whole)
