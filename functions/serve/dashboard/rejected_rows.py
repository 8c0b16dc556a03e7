"""Some of a batch's rejected rows, a few for each fault: personal data, so asked for alone, and audited."""

from collections.abc import Iterable
from itertools import islice
from typing import Any, Final, NamedTuple

from aws_lambda_powertools.event_handler import Response

from ingestion.config import settings
from ingestion.error_file import read_lines
from ingestion.faults import WHOLE_ROW
from ingestion.files import BLOCK_BYTES, NoSuchFile, blocks
from ingestion.formulas import restore
from ingestion.tables import audit
from serve import error_files
from serve.callers import caller
from serve.dashboard.batch_pages import BatchId, id_of
from serve.dashboard.rendering import page
from serve.error_files import error_file_key
from serve.problems import Problem, ProblemCode
from serve.rights import Right, needs
from serve.routing import database, get_batch, new_router

router = new_router()

SAMPLES: Final = 3
"""So many rows of each fault; with its other faults, a row may stand below several."""
BLOCKS_READ: Final = 4
"""Mebibytes of the error file that are looked through: some thousands of rows."""

LONGEST_CELL: Final = 200
LONGEST_MESSAGE: Final = 4_000

Group = tuple[str, str]
"""Code and field, as the summary of faults has them."""


class RejectedRow(NamedTuple):
    """What the error file says of a row. `first_cell` is what its reader knows it by, most often the session's id."""

    first_cell: str
    row: str
    line: str
    codes: str
    message: str

    def has(self, code: str, field: str) -> bool:
        """Whether this is among its faults: a message begins with the name of its field."""
        return code in self.codes.split("; ") and (field == WHOLE_ROW or f"{field}: " in self.message)


@router.get("/batches/<batchId>/rejected", include_in_schema=False, compress=True, security=needs(Right.ERRORS_READ))
def rejected(batch_id: BatchId) -> Response[str]:
    """The faults with samples: whoever may not download the file may not see them here."""
    event = router.current_event.raw_event
    db = database()
    batch = get_batch(db, id_of(batch_id))
    groups = [(fault["code"], fault["field"]) for fault in batch["error_summary"]]
    samples = _samples(_rows(error_file_key(batch["id"], batch)), groups)
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
def error_file(batch_id: BatchId) -> Response[Any]:
    """The error file itself, audited, for who has a pass in place of a token."""
    return error_files.errors(id_of(batch_id))


def _samples(rows: Iterable[RejectedRow], groups: list[Group]) -> dict[Group, list[RejectedRow]]:
    found: dict[Group, list[RejectedRow]] = {group: [] for group in groups}
    for row in rows:
        for (code, field), some in found.items():
            if len(some) < SAMPLES and row.has(code, field):
                some.append(row)
        if all(len(some) == SAMPLES for some in found.values()):
            break
    return found


def _rows(key: str) -> Iterable[RejectedRow]:
    try:
        head = b"".join(islice(blocks(settings().work_bucket, key, None), BLOCKS_READ))
    except NoSuchFile as gone:
        raise Problem(ProblemCode.ERROR_FILE_EXPIRED, "The error file is gone.") from gone
    rows = read_lines(head.decode("utf-8-sig", "replace"))
    if len(head) >= BLOCKS_READ * BLOCK_BYTES:
        # The last row may be cut off, in the middle of a quoted text even.
        rows.pop()
    # The header, then the rows; what is said of each stands in the last four columns.
    for row in islice(rows, 1, None):
        if len(row) >= 4:
            number, line, codes, message = row[-4:]
            first_cell = restore(row[0])[:LONGEST_CELL] if len(row) > 4 else ""
            yield RejectedRow(first_cell, number, line, codes, restore(message)[:LONGEST_MESSAGE])
