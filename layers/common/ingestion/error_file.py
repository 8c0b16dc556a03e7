"""The error file: the rejected rows as they were, with what is wrong with each; mended, it can be uploaded again.

A cell that a spreadsheet would run as a formula gets one leading apostrophe, reversibly for every text. A row is as
wide as the header, always, so that the `_error_*` columns never shift: short rows get empty cells, and what a long row
has too much is kept in its last original cell, as CSV within the cell (`A2,surplus,"more, surplus"`). A file that is
itself an error file is stripped of its `_error_*` columns and its apostrophes before it gets new ones.
"""

import csv
from collections.abc import Iterable, Sequence
from io import StringIO

from ingestion.columns import ERROR_COLUMNS, ColumnPlan, original_indexes
from ingestion.faults import Reject
from ingestion.formulas import RISKY_FIRST, neutralise, restore

__all__ = ["header_line", "neutralise", "reject_line", "reject_lines", "restore"]

_BOM = b"\xef\xbb\xbf"


def header_line(headers: Sequence[str]) -> bytes:
    """The BOM and the first line, from the header cells of the incoming file as it has them."""
    originals = original_indexes(headers)
    is_error_file = len(originals) < len(headers)
    kept = [restore(headers[index]) if is_error_file else headers[index] for index in originals]
    return _BOM + _csv_line([*map(neutralise, kept), *ERROR_COLUMNS])


def reject_line(reject: Reject, plan: ColumnPlan) -> bytes:
    """The line of one rejected row, whose cells are those of the incoming file, untouched."""
    return reject_lines([reject], plan)


def reject_lines(rejects: Iterable[Reject], plan: ColumnPlan) -> bytes:
    """The lines of rejected rows. Written together, as a writer of its own for each takes as long as its line."""
    return _csv_lines(_reject_cells(reject, plan) for reject in rejects)


def _reject_cells(reject: Reject, plan: ColumnPlan) -> list[str]:
    row, faults = reject.row, reject.faults
    return [
        # What can't be a formula, as nearly every cell, is spared the call.
        *[cell if cell[:1] not in RISKY_FIRST else neutralise(cell) for cell in _original_cells(row.cells, plan)],
        str(row.number),
        str(row.line),
        faults[0].code.value if len(faults) == 1 else "; ".join(dict.fromkeys([fault.code.value for fault in faults])),
        neutralise("; ".join([fault.message for fault in faults])),
    ]


def _original_cells(cells: list[str], plan: ColumnPlan) -> list[str]:
    width = len(plan.headers)
    if len(cells) == width and not plan.is_error_file:
        return cells
    padded = cells if len(cells) >= width else cells + [""] * (width - len(cells))
    kept = [padded[index] for index in plan.original_indexes]
    if plan.is_error_file:
        kept = [restore(cell) for cell in kept]
    if len(cells) > width:
        kept[-1] = _csv_line([kept[-1], *cells[width:]]).decode().removesuffix("\r\n")
    return kept


def _csv_line(cells: Sequence[str]) -> bytes:
    return _csv_lines([cells])


def _csv_lines(rows: Iterable[Sequence[str]]) -> bytes:
    text = StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode("utf-8", "backslashreplace")


def lines_by_row(part: bytes) -> dict[int, bytes]:
    """The lines of a part of the file, which has no header, by the number of their row."""
    read = csv.reader(StringIO(part.decode("utf-8"), newline=""))
    return {int(cells[-len(ERROR_COLUMNS)]): _csv_line(cells) for cells in read}
