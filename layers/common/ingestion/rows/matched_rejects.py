"""Finds the reject that each row of a corrected file was: by its number, or else by its content.

The parent's rejects are streamed, as often as needed, and none is kept: however large they are, only the chunk's own
rows and their matches are in memory.
"""

from collections import defaultdict
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass

from ingestion.faults import Fault, FaultCode, RawRow, Reject
from ingestion.rows.corrections import (
    Comparison,
    Content,
    HandedOut,
    compare,
    content_key,
    exact_key,
    faults_that_stay,
    may_be_it,
)
from ingestion.rows.formulas import restore
from ingestion.rows.paired_columns import Pairing
from ingestion.rows.redisplay import coarse, normalised

MOST_ALIKE = 200
"""How many rejects are compared with a row whose number is lost; they differ only in dates and numbers."""
MOST_BEYOND_BYTES = 16 << 20
"""How much of the cells beyond the columns is restored in a chunk's rows; the parent has all of them."""
_CELL_BYTES = 60

ReadRejects = Callable[[Container[int] | None], Iterator[Reject]]
Keys = Callable[[Sequence[str], str], list[int]]
"""The keys for looking up a row, made from its paired cells and its identifying cell."""


@dataclass(frozen=True, slots=True)
class Match:
    """A row and the reject that it was."""

    number: int
    """The reject's row number in the parent's file."""
    compared: Comparison
    faults: tuple[Fault, ...]
    """The faults that remain if nobody fixed the row."""

    @property
    def rank(self) -> tuple[bool, bool, bool]:
        """Lower is better. Of two that look alike, one that was cut or padded to fit, or had own faults, wins."""
        return self.compared.is_mended, bool(self.compared.changed), not self.faults


class MatchedRejects:
    """The rejects that the rows of a chunk were."""

    def __init__(self, pairing: Pairing, anew: frozenset[FaultCode], read: ReadRejects) -> None:
        self._pairing = pairing
        self._anew = anew
        self._read = read
        self.found: dict[int, Match] = {}
        """By the row's number in the returned file."""
        self.named: dict[int, int] = {}
        """The number of the reject that a row of the returned file names, whatever its cells look like."""
        self.beyond: dict[int, list[str]] = {}
        """Cells of rejects beyond their columns, by the reject's number."""
        self._unsure: dict[int, Match] = {}
        """Matched by number alone: in a row that was cut or shifted, every id and address may differ."""
        self._bytes_left = MOST_BEYOND_BYTES

    def find(self, rows: list[RawRow], numbers: dict[int, int | None]) -> None:
        """Find the rejects of all rows, given their numbers in the parent's file where these are known."""
        self._by_number(rows, numbers)
        # The id alone comes before keys that may look alike, since most fixed rows keep their id.
        for keys in (_whole, _id, _alike):
            left = [row for row in rows if row.number not in self.found]
            if left and (keys is not _id or self._pairing.key):
                self._by_keys(left, keys)
        self.found = self._unsure | self.found

    def _by_number(self, rows: list[RawRow], numbers: dict[int, int | None]) -> None:
        wanted: dict[int, list[RawRow]] = defaultdict(list)
        for row in rows:
            if (number := numbers[row.number]) is not None:
                wanted[number].append(row)
        if not wanted:
            return
        for reject in self._read(wanted.keys()):
            handed_out = HandedOut(reject, self._pairing)
            for row in wanted[reject.row.number]:
                self.named[row.number] = reject.row.number
                match = self._take(handed_out, row)
                if match and row.number not in self.found and not match.compared.is_mended:
                    self._unsure[row.number] = match

    def _by_keys(self, rows: list[RawRow], keys: Keys) -> None:
        waiting: dict[int, list[_Waiting]] = defaultdict(list)
        for row in rows:
            cells, name = self._returned(row)
            one = _Waiting(row, content_key(() if keys is _whole else cells))
            for key in set(keys(cells, name)):
                waiting[key].append(one)
        for reject in self._read(None):
            handed_out = HandedOut(reject, self._pairing)
            content: Content | None = None
            looked_at: set[int] = set()
            for key in keys(handed_out.cells, handed_out.key):
                if not (alike := waiting.get(key)):
                    continue
                if content is None and keys is not _whole:
                    content = content_key(handed_out.cells)
                for one in alike:
                    if one.row.number in looked_at:
                        continue
                    looked_at.add(one.row.number)
                    one.looks += 1
                    if content is None or may_be_it(content, one.content):
                        self._take(handed_out, one.row)
                waiting[key] = [one for one in alike if one.looks < MOST_ALIKE and not self._has_best_match(one.row)]

    def _returned(self, row: RawRow) -> tuple[list[str], str]:
        key = self._pairing.key
        return [restore(row.cells[index]) for _, index in self._pairing.pairs], restore(
            row.cells[key[1]]
        ) if key else ""

    def _has_best_match(self, row: RawRow) -> bool:
        """Whether no reject could be a better match."""
        match = self.found.get(row.number)
        return match is not None and match.rank == (False, False, False)

    def _take(self, handed_out: HandedOut, row: RawRow) -> Match | None:
        """Match the reject to the row if they belong together and no earlier reject was a better match."""
        reject, before = handed_out.reject, self.found.get(row.number)
        faults = faults_that_stay(reject, self._anew)
        if before and before.rank <= (False, False, not faults):
            return None
        compared = compare(handed_out, row, self._pairing)
        match = Match(reject.row.number, compared, faults)
        is_it = compared.is_clearly_it or not (compared.is_mended or compared.changed)
        if is_it and (before is None or match.rank < before.rank):
            self.found[row.number] = match
            self._keep_beyond(reject)
        return match

    def _keep_beyond(self, reject: Reject) -> None:
        beyond = reject.row.cells[self._pairing.width :]
        size = sum(map(len, beyond)) + _CELL_BYTES * len(beyond)
        if beyond and size <= self._bytes_left and reject.row.number not in self.beyond:
            self._bytes_left -= size
            self.beyond[reject.row.number] = beyond


@dataclass(slots=True)
class _Waiting:
    """A row without a match so far."""

    row: RawRow
    content: Content
    looks: int = 0


def _whole(cells: Sequence[str], _name: str) -> list[int]:
    return [exact_key(cells)]


def _id(_cells: Sequence[str], name: str) -> list[int]:
    return [hash(normalised(name))]


def _alike(cells: Sequence[str], name: str) -> list[int]:
    """Keys of all cells, of the id, and of all cells but the id, since somebody may have changed only that."""
    content = content_key(cells)
    others = [one for one in content if one != hash(coarse(name))]
    return [hash(content.tobytes()), hash(coarse(name)), hash(tuple(others))]
