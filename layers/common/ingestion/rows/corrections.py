"""A corrected file held against the rows that were handed out: exactly those that somebody mended are new work.

A row is found by the number in its `_error_row`, or by what stands in it. As it was handed out it keeps the faults that
it had, however its cells look now: a row that was cut or padded to fit into the columns would look like a good one.
"""

import csv
import io
import re
from array import array
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, TypeAlias
from uuid import UUID

from ingestion.faults import DEPENDS_ON_OTHERS, Fault, FaultCode, RawRow, Reject
from ingestion.records.programme import plain
from ingestion.rows.columns import ColumnPlan
from ingestion.rows.formulas import neutralise, restore
from ingestion.rows.redisplay import Text, coarse, is_dotted_text, is_same_text, is_worn, settled
from ingestion.rows.rejects import fitted, kept_headers
from ingestion.values.cells import metadata
from ingestion.values.emails import email
from ingestion.values.marks import shown

Content: TypeAlias = "array[int]"

_EMPTY: Final = hash("")
_OF_DATES: Final = frozenset({FaultCode.INVALID_DATE, FaultCode.COMPLETED_BEFORE_SCHEDULED})
_DOTS: Final = "may be what a spreadsheet shows for it"
_MOST_BLANKS: Final = 64
"""What a cell has lost of blanks is put back up to so many: more would stand in every copy of the row."""
_MARKS: Final = re.compile(r'"|\\x[0-9a-f]{2}')
_UNREAD: Final = re.compile(r"\\x(?:00|[89a-f][0-9a-f])")
"""What stands for a byte that could not be read: see `chunk_reader.visible`."""
"""What a row can't be read for: a quote in the wrong place, or a byte that is written out."""
_NO_HELP: Final = "does not mend it"
_CELLS_UNKNOWN: Final = frozenset({FaultCode.WRONG_FIELD_COUNT, FaultCode.UNREADABLE})


@dataclass(frozen=True, slots=True)
class Pairing:
    """Which cell of a returned row is which of a row that was handed out, counted from 0."""

    width: int
    """Of what was handed out."""
    pairs: tuple[tuple[int, int], ...]
    """Cells of what was handed out and of what came back."""
    gone: frozenset[str]
    """The columns of the programme that nobody handed back."""
    added: tuple[int, ...]
    """The cells of columns of the programme that were not handed out."""
    key: tuple[int, int] | None
    """The pair that holds what a reader knows a row by: the session's id, or a person's address."""
    sheltered: frozenset[int]
    """Of what was handed out, the ids and addresses in front of every cell that a stray delimiter can have cut."""
    headers: tuple[str, ...]
    """Of what was handed out."""
    slashed: frozenset[int]
    """The returned cells in which dots for slashes are no spreadsheet's: see `FileFormat`."""


def pair_columns(handed_out: ColumnPlan, returned: ColumnPlan, slashed: Iterable[int]) -> Pairing:
    """Pair the columns by their names; of repeated ones, the first with the first."""
    names = [plain(header) for header in kept_headers(handed_out)]
    of_name: dict[str, deque[int]] = defaultdict(deque)
    for index in returned.original_indexes:
        of_name[plain(restore(returned.headers[index]))].append(index)
    there = {at: of_name[name].popleft() for at, name in enumerate(names) if of_name.get(name)}
    free = {index for indexes in of_name.values() for index in indexes}
    place_of = {index: at for at, index in enumerate(handed_out.original_indexes)}
    places = {name: place_of[index] for name, index in handed_out.indexes.items()}
    # What two programmes call by different names, or one by an alias, is the same all the same.
    filled = {_fills(returned, name): index for name, index in returned.indexes.items() if index in free}
    for name, at in places.items():
        fills = _fills(handed_out, name)
        if at not in there and fills in filled:
            there[at] = filled[fills]
            free.discard(filled[fills])
    key = places.get(next(iter(handed_out.programme.columns)).name)
    return Pairing(
        sheltered=_sheltered(handed_out, place_of),
        headers=tuple(kept_headers(handed_out)),
        width=len(names),
        pairs=tuple(there.items()),
        gone=frozenset(name for name, at in places.items() if at not in there),
        added=tuple(index for index in returned.indexes.values() if index in free),
        key=(key, there[key]) if key is not None and key in there else None,
        slashed=frozenset(slashed),
    )


def _sheltered(plan: ColumnPlan, place_of: dict[int, int]) -> frozenset[int]:
    """The ids and addresses in front of the first cell of free text; none if there is no such cell.

    Whatever has cut or joined a row is in a text, or moved the cells behind these.
    """
    columns = {
        place_of[plan.indexes[column.name]]: column for column in plan.programme.columns if column.name in plan.indexes
    }
    named = {place_of[index] for index in (plan.instance_ref_index, plan.session_type_index) if index is not None}
    sheltered: set[int] = set()
    for at in range(len(place_of)):
        column = columns.get(at)
        if column is None:
            if at not in named:
                return frozenset(sheltered)
        elif column.is_text or column.rule is metadata:
            return frozenset(sheltered)
        elif column.rule is email or column == plan.programme.columns[0]:
            sheltered.add(at)
    return frozenset()


def _fills(plan: ColumnPlan, name: str) -> str:
    return next(column.fills for column in plan.programme.columns if column.name == name)


class HandedOut:
    """A reject that many rows may be compared with: each of its cells is read once."""

    def __init__(self, reject: Reject, pairing: Pairing) -> None:
        cells = fitted(reject.row.cells, pairing.width)
        self.reject = reject
        self.cells = [cells[at] for at, _ in pairing.pairs]
        self.key = cells[pairing.key[0]] if pairing.key else ""
        self.is_out_of_place = any(fault.code in _CELLS_UNKNOWN for fault in reject.faults)
        """Whether its cells may not be where they belong."""
        self.is_unreadable = any(fault.code is FaultCode.UNREADABLE for fault in reject.faults)
        self._width = pairing.width
        self._sheltered = pairing.sheltered

    def may_have_moved(self, at: int) -> bool:
        """Whether what is wrong with the row as a whole may have moved or cut this cell, or taken it away."""
        cells = self.reject.row.cells
        return at not in self._sheltered or at >= len(cells) or _MARKS.search(cells[at]) is not None

    @cached_property
    def texts(self) -> list[Text]:
        """The cells in the order of the pairs."""
        return list(map(Text.of, self.cells))

    @cached_property
    def joined(self) -> Text:
        """The last cell of a row with too many, as error files had it that packed the others into it."""
        text = io.StringIO()
        csv.writer(text, lineterminator="").writerow(self.reject.row.cells[self._width - 1 :])
        return Text(text.getvalue())


@dataclass(frozen=True, slots=True)
class Comparison:
    """A returned row beside the one that was handed out."""

    restored: list[tuple[int, str]]
    """The cells that nobody changed, by their index, in the words of then."""
    changed: tuple[int, ...]
    """The cells of what was handed out that somebody changed; not all of them where most have other texts."""
    is_mended: bool
    is_clearly_it: bool
    """Whether most of its cells are those that were handed out."""
    dotted: dict[str, str]
    """The dates with slashes that came back with dots, which may be a spreadsheet's."""

    def cells(self, row: RawRow) -> list[str]:
        """The returned cells; where they are as they were handed out, in the words of then."""
        cells = list(row.cells)
        for index, text in self.restored:
            cells[index] = text
        return cells


def compare(handed_out: HandedOut, row: RawRow, pairing: Pairing) -> Comparison:
    """Compare a returned row, as the returned file has it, with what was handed out."""
    restored: list[tuple[int, str]] = []
    dotted: dict[str, str] = {}
    changed: list[int] = []
    same = filled = 0
    is_left_unread = False
    is_mended = not handed_out.is_out_of_place and _is_mended_elsewhere(handed_out.reject, row, pairing)
    left = len(pairing.pairs)
    for (at, index), given in zip(pairing.pairs, handed_out.texts, strict=True):
        back = Text.of(restore(row.cells[index]))
        left -= 1
        filled += bool(given.text or back.text)
        if has_dots := is_dotted_text(given, back):
            dotted[given.text] = back.text
        if is_same_text(given, back) and not (has_dots and index in pairing.slashed):
            same += bool(given.text or back.text)
            # Whatever else was changed: what stands for its bytes is no text of theirs.
            is_left_unread = is_left_unread or (handed_out.is_unreadable and _UNREAD.search(given.text) is not None)
            if len(given.text) <= len(back.text) + _MOST_BLANKS:
                restored.append((index, neutralise(given.text)))
        elif not (at == pairing.width - 1 and is_same_text(handed_out.joined, back)):
            if handed_out.is_out_of_place and is_worn(given, back):
                restored.append((index, neutralise(given.text)))
                continue
            changed.append(at)
            is_mended = is_mended or not handed_out.is_out_of_place or handed_out.may_have_moved(at)
            if is_mended and 2 * same + left <= filled:
                break  # whatever the other cells are, most are not those that were handed out
    return Comparison(restored, tuple(changed), is_mended and not is_left_unread, 2 * same > filled, dotted)


def _is_mended_elsewhere(reject: Reject, row: RawRow, pairing: Pairing) -> bool:
    """Whether a column that was at fault is gone, or one that was not there holds something."""
    is_gone = any(fault.field in pairing.gone for fault in reject.faults)
    return is_gone or any(row.cells[index].strip() for index in pairing.added)


def judged_anew(*, is_of_other_programme: bool, has_other_dates: bool) -> frozenset[FaultCode]:
    """What a row has to be asked again though nobody mended it: other people and rows may be there, or more be said.

    Uploaded for another programme, a row is no longer of the wrong one; with an order of day and month or a time zone
    that were not declared before, its dates may be read in another way.
    """
    codes = DEPENDS_ON_OTHERS
    if is_of_other_programme:
        codes |= {FaultCode.OTHER_PROGRAMME}
    return codes | _OF_DATES if has_other_dates else codes


def faults_that_stay(reject: Reject, anew: frozenset[FaultCode]) -> tuple[Fault, ...]:
    """The faults of a row that nobody mended; none if it is to be judged anew.

    What other people and rows are to blame for is only asked again once the row is right in itself. What is wrong with
    a row as a whole stays wrong: its cells are not where they belong.
    """
    codes = {fault.code for fault in reject.faults}
    is_said_anew = bool(codes & (anew - DEPENDS_ON_OTHERS)) and codes.isdisjoint(_CELLS_UNKNOWN)
    return () if codes <= anew or is_said_anew else reject.faults


def still_rejected(
    row: RawRow, compared: Comparison, faults: tuple[Fault, ...], beyond: Iterable[str], pairing: Pairing
) -> Reject:
    """The returned row with the faults that it had, and with what was beyond its columns."""
    told = [_with_dots(fault, compared.dotted.get(fault.value or "")) for fault in faults]
    if compared.changed:
        told = [_with_advice(fault, compared.changed, pairing) for fault in told]
    return Reject(row._replace(cells=[*compared.cells(row), *map(neutralise, beyond)]), tuple(told))


def _with_advice(fault: Fault, changed: Sequence[int], pairing: Pairing) -> Fault:
    """The fault of a row that is cut or shifted: who changed an id or an address alone is told what else to look at."""
    if fault.code not in _CELLS_UNKNOWN or _NO_HELP in fault.message:
        return fault
    names = ", ".join(pairing.headers[at] for at in changed)
    first = pairing.headers[max(pairing.sheltered) + 1]
    said = f"{fault.message.removesuffix('.')}; changing {names} {_NO_HELP}: check all cells from {first} on"
    return replace(fault, message=said)


def _with_dots(fault: Fault, back: str | None) -> Fault:
    """The fault of a date whose slashes became dots: who wrote them is told why that is not enough."""
    if back is None or fault.code is not FaultCode.INVALID_DATE or _DOTS in fault.message:
        return fault
    return replace(fault, message=f"{fault.message}; {shown(back)} {_DOTS}, so write it as YYYY-MM-DD")


def exact_key(cells: Iterable[str]) -> int:
    """What two rows have in common that are the same but for blanks and apostrophes. A hash: rows may be wide."""
    return hash(tuple(map(settled, cells)))


def content_key(cells: Iterable[str]) -> Content:
    """What two rows have in common that may be the same: a hash of each cell."""
    return array("q", [hash(coarse(cell)) for cell in cells])


def number_of(row: RawRow, columns: tuple[int | None, int | None], parent: UUID) -> int | None:
    """The number that the row had in the file of this parent, if its `_error_*` columns still say so.

    *columns* are those of `_error_batch` and `_error_row`.
    """
    batch, number = [_cell(row.cells, column) for column in columns]
    if batch and batch.lower() != str(parent):
        return None
    number = number.removesuffix(".0").removesuffix(",0")
    return int(number) if number.isascii() and number.isdigit() and len(number) < 12 else None


def _cell(cells: Sequence[str], index: int | None) -> str:
    return restore(cells[index]).strip() if index is not None and index < len(cells) else ""


def may_be_it(handed_out: Content, returned: Content) -> bool:
    """Whether `compare` may find a row unmended, or clearly the one that was handed out, going by their content keys.

    Told in a fraction of its time: an id that many rejects share would else cost each row a look at all of them.
    """
    equal = sum(1 for given, back in zip(handed_out, returned, strict=True) if given == back)
    empty = sum(1 for given, back in zip(handed_out, returned, strict=True) if given == back == _EMPTY)
    # Of cells that look empty here, some may hold blanks, which count there as filled, and as the same.
    return equal >= len(handed_out) - 1 or 2 * equal - empty > len(handed_out) - empty
