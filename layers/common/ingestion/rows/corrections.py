"""Compare the rows of a corrected file with those handed out: exactly those that somebody mended are new work.

A row is found by the number in its `_error_row`, or by its contents. One that comes back as it was handed out keeps its
faults, however its cells look now: a row that was cut or padded to fit into the columns would look like a good one.
"""

import csv
import io
import re
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, TypeAlias
from uuid import UUID

from ingestion.faults import DEPENDS_ON_OTHERS, Fault, FaultCode, RawRow, Reject
from ingestion.rows.formulas import neutralise, restore
from ingestion.rows.paired_columns import Pairing
from ingestion.rows.redisplay import Text, coarse, is_dotted_text, is_same_text, is_worn, normalised
from ingestion.rows.rejects import fitted
from ingestion.values.marks import shown

Content: TypeAlias = "array[int]"

_EMPTY: Final = hash("")
_OF_DATES: Final = frozenset({FaultCode.INVALID_DATE, FaultCode.COMPLETED_BEFORE_SCHEDULED})
_MOST_BLANKS: Final = 64
"""So many blanks that a cell has lost are put back: more would stand in every copy of the row."""
_MARKS: Final = re.compile(r'"|\\x[0-9a-f]{2}')
"""What makes a row unreadable: a quote in the wrong place, or a byte that is written out."""
_UNREAD: Final = re.compile(r"\\x(?:00|[89a-f][0-9a-f])")
"""What stands for a byte that could not be read: see `row_checks.visible`."""
_CELLS_UNKNOWN: Final = frozenset({FaultCode.WRONG_FIELD_COUNT, FaultCode.UNREADABLE})


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
        """Whether the fault of the row as a whole may have moved this cell, cut it, or left it out."""
        cells = self.reject.row.cells
        return at not in self._sheltered or at >= len(cells) or _MARKS.search(cells[at]) is not None

    @cached_property
    def texts(self) -> list[Text]:
        """The cells in the order of the pairs."""
        return list(map(Text.of, self.cells))

    @cached_property
    def joined(self) -> Text:
        """The last cell of a row with too many, as in error files that packed the others into it."""
        text = io.StringIO()
        csv.writer(text, lineterminator="").writerow(self.reject.row.cells[self._width - 1 :])
        return Text(text.getvalue())


@dataclass(frozen=True, slots=True)
class Comparison:
    """A returned row beside the one that was handed out."""

    restored: list[tuple[int, str]]
    """The cells that nobody changed, by their index, with the text that was handed out."""
    changed: tuple[int, ...]
    """Which cells of what was handed out somebody changed; not all of them where most have other texts."""
    is_mended: bool
    is_clearly_it: bool
    """Whether most of its cells are as they were handed out."""
    dotted: dict[str, str]
    """The dates with slashes that came back with dots, which may be a spreadsheet's."""

    def cells(self, row: RawRow) -> list[str]:
        """The returned cells; those that nobody changed with the text that was handed out."""
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
            # Whatever else was changed, the written-out bytes are still no text.
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
    """Whether a column at fault is gone, or a new one holds something."""
    is_gone = any(fault.field in pairing.gone for fault in reject.faults)
    return is_gone or any(row.cells[index].strip() for index in pairing.added)


def judged_anew(*, is_of_other_programme: bool, has_other_dates: bool) -> frozenset[FaultCode]:
    """The codes that are judged anew in a row that nobody mended: other people and rows may be stored by now.

    A row uploaded for another programme is no longer of the wrong one; with an order of day and month or a time zone
    that was not declared before, its dates may be read in another way.
    """
    codes = DEPENDS_ON_OTHERS
    if is_of_other_programme:
        codes |= {FaultCode.OTHER_PROGRAMME}
    return codes | _OF_DATES if has_other_dates else codes


def faults_that_stay(reject: Reject, anew: frozenset[FaultCode]) -> tuple[Fault, ...]:
    """The faults of a row that nobody mended; none if it is to be judged anew.

    Faults that depend on other people and rows are judged anew only once the row is right in itself. A row that is
    wrong as a whole stays wrong: its cells are not where they belong.
    """
    codes = {fault.code for fault in reject.faults}
    is_declared_anew = bool(codes & (anew - DEPENDS_ON_OTHERS)) and codes.isdisjoint(_CELLS_UNKNOWN)
    return () if codes <= anew or is_declared_anew else reject.faults


def still_rejected(
    row: RawRow, compared: Comparison, faults: tuple[Fault, ...], beyond: Iterable[str], pairing: Pairing
) -> Reject:
    """The returned row with the faults that it had, and with what was beyond its columns."""
    advised = [fault if fault.has_advice else _with_advice(fault, compared, pairing) for fault in faults]
    return Reject(row._replace(cells=[*compared.cells(row), *map(neutralise, beyond)]), tuple(advised))


def _with_advice(fault: Fault, compared: Comparison, pairing: Pairing) -> Fault:
    """The fault with a word on why what somebody did is not enough, if somebody tried."""
    if fault.code in _CELLS_UNKNOWN and compared.changed:
        # An id or an address alone was changed in a row whose other cells are cut or shifted.
        names = ", ".join(pairing.headers[at] for at in compared.changed)
        first = pairing.headers[max(pairing.sheltered) + 1]
        advice = f"changing {names} does not fix it: check all cells from {first} on"
        return replace(fault, message=f"{fault.message.removesuffix('.')}; {advice}", has_advice=True)
    dotted = compared.dotted.get(fault.value or "")
    if fault.code is FaultCode.INVALID_DATE and dotted is not None:
        advice = f"{shown(dotted)} may be what a spreadsheet shows for it, so write it as YYYY-MM-DD"
        return replace(fault, message=f"{fault.message}; {advice}", has_advice=True)
    return fault


def exact_key(cells: Iterable[str]) -> int:
    """A hash that rows share which differ only in blanks and apostrophes. Rows may be wide, so it stands for them."""
    return hash(tuple(map(normalised, cells)))


def content_key(cells: Iterable[str]) -> Content:
    """A hash of each cell; those of rows that may be the same are equal."""
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
    """Whether `compare` may find a row unmended, or clearly the one that was handed out, judged by their content keys.

    This takes a fraction of its time: without it, an id that many rejects share would cost each row a look at all.
    """
    equal = sum(1 for given, back in zip(handed_out, returned, strict=True) if given == back)
    empty = sum(1 for given, back in zip(handed_out, returned, strict=True) if given == back == _EMPTY)
    # Of cells that look empty here, some may hold blanks, which count there as filled, and as the same.
    return equal >= len(handed_out) - 1 or 2 * equal - empty > len(handed_out) - empty
