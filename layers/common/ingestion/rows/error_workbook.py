"""The error file as a workbook: the same cells as in CSV, as texts, with those at fault marked and what to do noted."""

from collections.abc import Iterable, Iterator
from typing import IO, Final

from ingestion.faults import WHOLE_ROW, Reject
from ingestion.rows.columns import ERROR_COLUMNS, places_in_error_file
from ingestion.rows.error_file import ErrorFile, codes_of, message_of, neutralise
from ingestion.rows.rejects import fitted, kept_headers
from ingestion.workbook.written import Row, write_workbook

SHEET: Final = "Errors"


def write_error_workbook(out: IO[bytes], rejects: Iterable[Reject], file: ErrorFile) -> None:
    """Write the workbook of rejected rows, whose cells must be the file's own (see `rejects.as_kept`)."""
    header = [*map(neutralise, kept_headers(file.plan)), *ERROR_COLUMNS]
    write_workbook(out, SHEET, header, _rows(rejects, file))


def _rows(rejects: Iterable[Reject], file: ErrorFile) -> Iterator[Row]:
    plan = file.plan
    width, batch = len(plan.original_indexes), str(file.batch_id)
    places = places_in_error_file(plan.headers, plan.programme, corrects=plan.is_error_file)
    for reject in rejects:
        cells = [neutralise(cell) for cell in fitted(reject.row.cells, width)]
        told = [str(reject.row.number), str(reject.row.line), codes_of(reject), message_of(reject, width), batch]
        marked: set[int] = set()
        notes: dict[int, list[str]] = {}
        for fault in reject.faults:
            at = 0 if fault.field == WHOLE_ROW else places.get(fault.field, 0)
            marked |= set(range(width)) if fault.field == WHOLE_ROW else {at}
            notes.setdefault(at, []).append(f"{fault.code.value}: {fault.message}")
        noted = [(at, "\n".join(messages)) for at, messages in sorted(notes.items())]
        yield Row([*cells, *map(neutralise, told)], frozenset(marked), noted)
