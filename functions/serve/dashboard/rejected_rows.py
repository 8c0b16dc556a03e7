"""Some of a batch's rejected rows and what is wrong with each: personal data, so asked for alone, and audited."""

from typing import Final, NamedTuple

from aws_lambda_powertools.event_handler import Response

from ingestion.config import settings
from ingestion.error_file import read_lines
from ingestion.files import BLOCK_BYTES, NoSuchFile, blocks
from ingestion.formulas import restore
from ingestion.tables import audit
from serve.dashboard.batch_pages import BatchId, id_of
from serve.dashboard.rendering import page
from serve.error_files import error_file_key
from serve.incoming import caller
from serve.problems import Problem, ProblemCode
from serve.rights import Right, needs
from serve.routing import database, get_batch, new_router

router = new_router()

ROWS_SHOWN: Final = 20


class RejectedRow(NamedTuple):
    """What the error file says of a row."""

    row: str
    line: str
    codes: str
    message: str


@router.get("/batches/<batchId>/rejected", include_in_schema=False, compress=True, security=needs(Right.ERRORS_READ))
def rejected(batch_id: BatchId) -> Response[str]:
    """The first of them. Reading them counts as a download: whoever may not download the file may not see them here."""
    event = router.current_event.raw_event
    db = database()
    batch = get_batch(db, id_of(batch_id))
    shown = _first_rows(error_file_key(batch["id"], batch))
    audit.write(
        db,
        actor=caller(event),
        action="error_file_downloaded",
        batch_id=batch["id"],
        details={"rows": len(shown), "shownOnPage": True},
    )
    return page(event, "_rejected.html", batch=batch, rows=shown)


def _first_rows(key: str) -> list[RejectedRow]:
    try:
        head = next(blocks(settings().work_bucket, key, None), b"")
    except NoSuchFile as gone:
        raise Problem(ProblemCode.ERROR_FILE_EXPIRED, "The error file is gone.") from gone
    rows = read_lines(head.decode("utf-8-sig", "replace"))
    if len(head) >= BLOCK_BYTES:
        # The last row may be cut off, in the middle of a quoted text even.
        rows.pop()
    # The header, then the rows; what is said of each stands in the last four columns.
    data_rows = rows[1 : ROWS_SHOWN + 1]
    return [RejectedRow._make([*row[-4:-1], restore(row[-1])]) for row in data_rows if len(row) >= 4]
