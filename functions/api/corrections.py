"""Corrections: rows mended by API become an error file in the uploads bucket, imported as if somebody had sent it."""

import re
from dataclasses import dataclass
from hashlib import sha256
from time import monotonic, sleep
from typing import Final
from uuid import UUID, uuid4

from api import rejected_rows
from api.judged_rows import faults_of
from api.problems import Offence, Problem, ProblemCode
from api.upload_requests import Accepted, UploadRequest, check
from ingestion.aws import s3
from ingestion.config import settings
from ingestion.corrected_chunk import Correction
from ingestion.csv_file.chunk_reader import read_blocks
from ingestion.csv_file.file_limits import Limits
from ingestion.csv_file.file_pass import FilePass
from ingestion.database.connection import Connection
from ingestion.database.queries import lists, rejects
from ingestion.database.tables import announced_uploads, audit
from ingestion.database.tables.announced_uploads import Announcement
from ingestion.database.tables.batches import Batch
from ingestion.errors import RefusalCode, Refused
from ingestion.faults import Fault, RawRow, Reject
from ingestion.records import known_headers
from ingestion.rows.error_file import header_line, reject_lines
from ingestion.rows.rejects import fitted
from ingestion.sign_in.actors import Actor
from ingestion.uploads.identification import error_file_name
from ingestion.uploads.upload_options import PROMISED_BATCH

WAIT_SECONDS: Final = 10.0
"""How long to wait for Intake, which usually takes a tenth of a second. Its batch has the promised id in any case."""
_LONGEST_STEM: Final = 180
_UNFIT: Final = re.compile(r"[/\\\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Corrected:
    """Mended rows of a batch, as the error file that somebody would have uploaded."""

    batch: Batch
    numbers: list[int]
    body: bytes


def corrected(db: Connection, batch: Batch, cells: dict[int, dict[str, str]]) -> Corrected:
    """The rows with these cells by header, and all others as they were handed out. Raises Problem."""
    names = {name: at for at, name in enumerate(rejected_rows.column_names(batch))}
    closed = rejects.corrections(db, batch.id, sorted(cells))
    handed_out = {reject.row.number: reject for reject in rejected_rows.read(batch.id, cells.keys())}
    _check(cells, names, closed, handed_out)
    mended = []
    for number in sorted(cells):
        reject = handed_out[number]
        texts = fitted(list(reject.row.cells), len(names))
        for name, text in cells[number].items():
            texts[names[name]] = text
        mended.append(Reject(RawRow(number, reject.row.line, texts), reject.faults))
    return Corrected(batch, sorted(cells), header_line(batch.error_file) + reject_lines(mended, batch.error_file))


def _check(
    cells: dict[int, dict[str, str]], names: dict[str, int], closed: dict[int, UUID], handed_out: dict[int, Reject]
) -> None:
    wrong = [
        *(
            Offence(field="rowNumber", message=f"Row {n} is no rejected row of the batch")
            for n in sorted(cells.keys() - handed_out)
        ),
        *(Offence(field="rowNumber", message=f"Row {n} has been corrected by batch {closed[n]}") for n in closed),
        *(
            Offence(field="cells", message=f"Row {number}: the file has no column {header[:100]}")
            for number, given in cells.items()
            for header in given.keys() - names
        ),
        *(
            Offence(field="cells", message=f"Row {number}: a cell holds a NUL character")
            for number, given in cells.items()
            if any("\0" in text for text in given.values())
        ),
    ]
    if wrong or not cells:
        detail = wrong[0].message if wrong else "There is no row to correct"
        raise Problem(ProblemCode.INVALID_REQUEST, f"{detail}.", wrong[:20] or None)


def judge(db: Connection, mended: Corrected) -> dict[int, tuple[Fault, ...]]:
    """What would be wrong with each row if it were imported now, by its number: none if it would pass."""
    batch = mended.batch
    one_pass = FilePass(Limits(), known_headers(), lambda _: None)
    one_pass.feed(mended.body)
    scanned = one_pass.finish()
    child = batch.model_copy(
        update={
            "format": scanned.format.model_dump(mode="json"),
            "corrects_batch_id": batch.id,
            "compares_rejects": True,
            "retries_batch_id": None,
        }
    )
    correction = Correction(batch, child, settings().work_bucket)
    found: dict[int, tuple[Fault, ...]] = {}
    for span in scanned.chunks:
        data = mended.body[span.start : span.fetch_end]
        for block in correction.apply(list(read_blocks(data, span, scanned.format))):
            found |= {reject.row.number: reject.faults for reject in block.rejects}
            found |= faults_of(db, child, child.column_plan, block.rows)
    return {number: found.get(at, ()) for at, number in enumerate(mended.numbers, 1)}


def import_rows(db: Connection, mended: Corrected, actor: Actor) -> UUID:
    """Upload the rows; the id of their batch. Raises Problem, Refused, Unavailable."""
    batch, promised = mended.batch, uuid4()
    request = UploadRequest(
        file_name=_name(batch.file_name, mended.body),
        parent_batch_id=batch.id,
        size_bytes=len(mended.body),
    )
    accepted = check(db, request, settings().max_file_bytes)
    _announce(db, request, accepted, promised, actor)
    s3.upload(settings().uploads_bucket, accepted.key, mended.body, accepted.as_signed())
    child = _decided(db, accepted.link.upload_id, promised)
    details = {"rows": len(mended.numbers), "correctedBy": str(child)}
    audit.write(db, actor=actor, action="import_corrected", batch_id=batch.id, details=details)
    return child


def _name(file_name: str, body: bytes) -> str:
    """A name under the parent's, another one for other rows."""
    stem = error_file_name(_UNFIT.sub("_", file_name)).removesuffix(".csv")[:_LONGEST_STEM]
    return f"{stem}-corrected-{sha256(body).hexdigest()[:8]}.csv"


def _announce(db: Connection, request: UploadRequest, accepted: Accepted, promised: UUID, actor: Actor) -> None:
    announced_uploads.announce(
        db,
        Announcement(
            id=accepted.link.upload_id,
            bucket=settings().uploads_bucket,
            key=accepted.key,
            file_name=request.file_name,
            size_bytes=request.size_bytes,
            uploader=actor,
            options={**accepted.as_stored(), PROMISED_BATCH: str(promised)},
            token_hash=accepted.link.token_hash,
        ),
    )


def _decided(db: Connection, upload_id: UUID, promised: UUID) -> UUID:
    """The batch that Intake has made, or will make; of the same rows that are being imported, the batch that does."""
    until = monotonic() + WAIT_SECONDS
    while True:
        found = lists.find_upload(db, upload_id)
        if found and found["state"] == "accepted":
            return UUID(str(found["batch_id"]))
        if found and found["refusal_code"] == RefusalCode.ALREADY_IMPORTED and found["refusal_batch_id"]:
            return UUID(str(found["refusal_batch_id"]))
        if found and found["state"] == "refused":
            raise Refused(RefusalCode(found["refusal_code"]), found["refusal_message"])
        if monotonic() > until:
            return promised
        sleep(0.05)
