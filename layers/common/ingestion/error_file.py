"""The error file: the rejected rows as they were, with what is wrong with each; mended, it can be uploaded again.

Its delimiter is that of the original, so that the spreadsheet that wrote the one opens the other. What a spreadsheet
would run as a formula gets an apostrophe, reversibly for every text. A row is as wide as the header, always, so that
the `_error_*` columns never shift: short rows get empty cells, and what a long row has too much is told by the message,
where it can't be taken for a value when the file comes back.
"""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import StringIO
from itertools import chain
from uuid import UUID

from ingestion.columns import ERROR_COLUMNS, ColumnPlan
from ingestion.faults import Reject
from ingestion.formulas import any_may_be_formula, neutralise, restore
from ingestion.rejects import fitted, kept_headers

__all__ = ["ErrorFile", "header_line", "neutralise", "reject_lines", "restore"]

_BOM = b"\xef\xbb\xbf"
_DELIMITERS = ",;\t|"
_MOST_SURPLUS_CHARS = 10_000
"""A spreadsheet holds three times as many in a cell."""


@dataclass(frozen=True, slots=True)
class ErrorFile:
    """What all lines of an error file have in common."""

    plan: ColumnPlan
    delimiter: str
    """That of the incoming file."""
    batch_id: UUID


def header_line(file: ErrorFile) -> bytes:
    """The BOM and the first line, with the header cells as the incoming file has them."""
    return _BOM + _csv_lines(file, [[*map(neutralise, kept_headers(file.plan)), *ERROR_COLUMNS]])


def reject_lines(rejects: Sequence[Reject], file: ErrorFile) -> bytes:
    """The lines of rejected rows, whose cells are the file's own: see `rejects.as_kept`.

    Written together, as a writer of its own for each takes as long as its line.
    """
    width, batch = len(file.plan.original_indexes), str(file.batch_id)
    lines = [_line(reject, width, batch) for reject in rejects]
    if any_may_be_formula(chain.from_iterable(lines)):
        lines = [list(map(neutralise, line)) for line in lines]
    return _csv_lines(file, lines)


def _line(reject: Reject, width: int, batch: str) -> list[str]:
    (number, line, cells), faults = reject.row, reject.faults
    if len(faults) == 1 and len(cells) == width:
        return [*cells, str(number), str(line), faults[0].code.value, faults[0].message, batch]
    codes = "; ".join(dict.fromkeys([fault.code.value for fault in faults]))
    return [*fitted(cells, width), str(number), str(line), codes, _message(reject, width), batch]


def _message(reject: Reject, width: int) -> str:
    """All that is wrong with the row, and the cells that it has too many."""
    said, surplus = [fault.message for fault in reject.faults], reject.row.cells[width:]
    if surplus:
        text = ", ".join([f'"{cell}"' for cell in surplus[:_MOST_SURPLUS_CHARS]])
        said.append(f"beyond the columns: {text[:_MOST_SURPLUS_CHARS]}" + "…" * (len(text) > _MOST_SURPLUS_CHARS))
    return "; ".join([*(message.removesuffix(".") for message in said[:-1]), said[-1]])


def _csv_lines(file: ErrorFile, rows: Iterable[Sequence[str]]) -> bytes:
    text = StringIO()
    delimiter = file.delimiter if file.delimiter in _DELIMITERS else ","
    csv.writer(text, delimiter=delimiter, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode("utf-8", "backslashreplace")
