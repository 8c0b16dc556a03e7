"""The columns of a returned file paired with those of the rows that were handed out."""

from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass

from ingestion.records.programme import plain
from ingestion.rows.columns import ColumnPlan
from ingestion.rows.formulas import restore
from ingestion.rows.rejects import kept_headers
from ingestion.values.cells import metadata
from ingestion.values.emails import email


@dataclass(frozen=True, slots=True)
class Pairing:
    """Which cell of a returned row belongs to which of a row that was handed out. Cells count from 0."""

    width: int
    """How many cells were handed out."""
    pairs: tuple[tuple[int, int], ...]
    """The cell that was handed out and the one that came back."""
    gone: frozenset[str]
    """The columns of the programme that did not come back."""
    added: tuple[int, ...]
    """The returned cells of columns of the programme that were not handed out."""
    key: tuple[int, int] | None
    """The pair by which a reader knows a row: the session's id, or a person's address."""
    sheltered: frozenset[int]
    """The ids and addresses that were handed out in front of every cell that a stray delimiter can have cut."""
    headers: tuple[str, ...]
    """Those that were handed out."""
    slashed: frozenset[int]
    """The returned cells in which no spreadsheet has written dots for slashes: see `FileFormat`."""
    typed: frozenset[int] = frozenset()
    """The returned cells with dates that are numbers."""


def pair_columns(
    handed_out: ColumnPlan, returned: ColumnPlan, slashed: Iterable[int], typed: Iterable[int] = ()
) -> Pairing:
    """Pair the columns by their names; of repeated ones, the first with the first."""
    names = [plain(header) for header in kept_headers(handed_out)]
    of_name: dict[str, deque[int]] = defaultdict(deque)
    for index in returned.original_indexes:
        of_name[plain(restore(returned.headers[index]))].append(index)
    there = {at: of_name[name].popleft() for at, name in enumerate(names) if of_name.get(name)}
    free = {index for indexes in of_name.values() for index in indexes}
    place_of = {index: at for at, index in enumerate(handed_out.original_indexes)}
    places = {name: place_of[index] for name, index in handed_out.indexes.items()}
    # Two programmes may have different names for the same column.
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
        typed=frozenset(typed),
    )


def _sheltered(plan: ColumnPlan, place_of: dict[int, int]) -> frozenset[int]:
    """The ids and addresses in front of the first cell of free text; none if there is no such cell.

    What has cut or joined a row is in a text, or has moved the cells behind these.
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
