"""Examples of a batch's rejected rows, a few for each fault. They hold personal data, so each request is audited."""

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any, Final, NamedTuple
from uuid import UUID

from aws_lambda_powertools.event_handler import Response

from api import error_file_routes
from api.caller import caller
from api.error_file_routes import error_file_key
from api.problems import Problem, ProblemCode
from api.route_rights import Right, needs
from api.routing import database, get_batch, new_router
from dashboard.batch_pages import BatchId, id_of
from dashboard.rendering import page
from ingestion.aws import object_keys
from ingestion.aws.s3 import NoSuchFile, blocks
from ingestion.config import settings
from ingestion.database.tables import audit
from ingestion.faults import Fault, Reject
from ingestion.records import get_programme
from ingestion.rows.columns import places_in_error_file
from ingestion.rows.rejects import read_rejects

router = new_router()

SAMPLES: Final = 3
"""Rows shown for each fault; a row with several faults may be shown below each."""
CHARS_READ: Final = 3_000_000
"""How much of the rejected rows is searched, in characters of their cells."""

LONGEST_CELL: Final = 200
LONGEST_MESSAGE: Final = 4_000

Group = tuple[str, str]
"""Code and field, as in the batch's error summary."""


class Sample(NamedTuple):
    """A rejected row below one of its faults. `first_cell` is what readers know it by, mostly the session's id; `cell`
    is where a spreadsheet shows the fault in the error file, such as `D12`."""

    row: int
    line: int
    first_cell: str
    cell: str
    faults: tuple[Fault, ...]


@router.get("/batches/<batchId>/rejected", include_in_schema=False, compress=True, security=needs(Right.ERRORS_READ))
def rejected(batch_id: BatchId) -> Response[str]:
    """The faults with example rows, which require the same right as the error file."""
    event = router.current_event.raw_event
    db = database()
    batch = get_batch(db, id_of(batch_id))
    groups = [(fault["code"], fault["field"]) for fault in batch["error_summary"]]
    error_file_key(batch["id"], batch)
    samples = _samples(_rejects(batch["id"]), groups, _places(batch))
    shown = {row.row for rows in samples.values() for row in rows}
    if shown:
        audit.write(
            db,
            actor=caller(event),
            action="rejected_rows_shown",
            batch_id=batch["id"],
            details={"rows": len(shown)},
        )
    return page(event, "_faults.html", batch=batch, samples=samples)


@router.get("/batches/<batchId>/errors", include_in_schema=False, security=needs(Right.ERRORS_READ))
def error_file(batch_id: BatchId, format: error_file_routes.Format = "csv") -> Response[Any]:  # noqa: A002
    """The error file itself, audited, for browsers, which have a session cookie in place of a token."""
    return error_file_routes.errors(id_of(batch_id), format)


def _samples(rejects: Iterable[Reject], groups: list[Group], places: dict[str, int]) -> dict[Group, list[Sample]]:
    found: dict[Group, list[Sample]] = {group: [] for group in groups}
    for ordinal, reject in enumerate(rejects):
        for fault in reject.faults:
            some = found.get((fault.code.value, fault.field), [])
            if len(some) < SAMPLES and (not some or some[-1].row != reject.row.number):
                some.append(_sample(reject, cell_name(places.get(fault.field), ordinal)))
        if all(len(some) == SAMPLES for some in found.values()):
            break
    return found


def _sample(reject: Reject, cell: str) -> Sample:
    number, line, cells = reject.row
    faults = tuple(replace(fault, message=fault.message[:LONGEST_MESSAGE]) for fault in reject.faults)
    return Sample(number, line, cells[0][:LONGEST_CELL] if cells else "", cell, faults)


def cell_name(column: int | None, ordinal: int) -> str:
    """A spreadsheet's name for a cell of a rejected row, both counted from 0; None if no column is at fault."""
    if column is None:
        return ""
    letters, rest = "", column + 1
    while rest:
        rest, letter = divmod(rest - 1, 26)
        letters = chr(ord("A") + letter) + letters
    # The header is the first row of the error file, and the file has no blank rows.
    return f"{letters}{ordinal + 2}"


def _places(batch: dict[str, Any]) -> dict[str, int]:
    said = batch["csv_metadata"]
    programme = get_programme(batch["program_type"])
    return places_in_error_file(said.get("headers") or (), programme, corrects=bool(said.get("isErrorFile")))


def _rejects(batch_id: UUID) -> Iterator[Reject]:
    """The first rejects, read lazily: a file with few kinds of faults needs little reading."""
    read = 0
    with closing(blocks(settings().work_bucket, object_keys.reject_values(batch_id), None)) as file:
        try:
            for reject in read_rejects(file):
                read += sum(map(len, reject.row.cells))
                if read > CHARS_READ:
                    return
                yield reject
        except NoSuchFile as gone:
            raise Problem(ProblemCode.ERROR_FILE_EXPIRED, "The rejected rows are gone.") from gone
