"""Accepts an examined file as a batch, unless the programme holds the same bytes already.

The database decides: an index allows one live batch per file and programme, whoever asks at the same moment.
"""

from typing import Any
from uuid import UUID, uuid4

from pydantic import BaseModel, ConfigDict

from ingestion.config import Settings
from ingestion.csv_file.chunk_reader import ChunkSpan
from ingestion.database.connection import Connection, transaction
from ingestion.database.tables import audit, chunks, new_batches, programmes, uploads
from ingestion.database.tables.new_batches import Live, NewBatch
from ingestion.database.tables.uploads import Upload
from ingestion.errors import RefusalCode, Refused
from ingestion.file_warnings import FileWarning, WarningCode
from ingestion.uploads.identification import Instance
from ingestion.uploads.upload_options import UploadOptions
from intake.examine import Examined


class Decision(BaseModel):
    """What became of an upload, for the log."""

    model_config = ConfigDict(frozen=True)

    state: str
    batch_id: UUID | None = None
    refusal: RefusalCode | None = None


def accept(upload: Upload, examined: Examined, options: UploadOptions, db: Connection, settings: Settings) -> Decision:
    """Create the batch and the plan of its chunks, or refuse the upload as imported already."""
    with transaction(db):
        if uploads.lock(db, upload.id) != "waiting":
            return Decision(state="decided by another report")
        new = _new_batch(upload, examined, options, db, settings)
        live = new_batches.find_live(db, new.file_hash, new.program_type)
        if live is None and not new_batches.create(db, new):
            # Somebody else was quicker, by less than the time between the two statements.
            live = new_batches.find_live(db, new.file_hash, new.program_type)
        if live and not options.is_forced:
            return _refuse(upload, examined, live, options, db)
        if live:
            new = new.model_copy(update={"forced": True, "force_reason": options.force_reason})
            new_batches.create(db, new)
        chunks.plan(db, new.id, [span.model_dump(mode="json") for span in _spans(examined)])
        uploads.accept(db, upload.id, new.file_hash)
        if live:
            # The reason is the batch's: it may tell of somebody, and the trail never forgets.
            details = {"earlierBatch": str(live.id)}
            audit.write(db, actor=upload.uploader, action="import_forced", batch_id=new.id, details=details)
    return Decision(state="accepted", batch_id=new.id)


def _refuse(upload: Upload, examined: Examined, live: Live, options: UploadOptions, db: Connection) -> Decision:
    how = (
        "a force needs a reason too (force-reason)"
        if options.force
        else "to import it again all the same, upload it with force and a force-reason"
    )
    refused = Refused(
        RefusalCode.ALREADY_IMPORTED,
        f"The same file is in batch {live.id} of {live.date} already ({live.status}); {how}.",
    )
    uploads.refuse(db, upload.id, refused, examined.scanned.sha256, live.id)
    audit.write(
        db,
        actor=audit.SERVICE,
        action="upload_refused",
        upload_id=upload.id,
        details={"code": refused.code.value, "batchId": str(live.id)},
    )
    return Decision(state="refused", refusal=refused.code)


def _new_batch(
    upload: Upload, examined: Examined, options: UploadOptions, db: Connection, settings: Settings
) -> NewBatch:
    scanned, instance = examined.scanned, examined.instance.value
    if isinstance(instance, Instance):
        instance = programmes.find_or_create_instance(db, instance)
    return NewBatch(
        id=uuid4(),
        upload_id=upload.id,
        program_type=examined.programme.value,
        program_instance_id=instance,
        parent_batch_id=examined.parent.id if examined.parent and examined.is_of_parents_programme else None,
        corrects_batch_id=examined.parent.id if examined.parent else None,
        file_name=examined.key.file_name,
        file_hash=scanned.sha256,
        file_size_bytes=scanned.size_bytes,
        imported_by=upload.uploaded_by,
        claimed_by=options.imported_by,
        forced=False,
        force_reason=None,
        dry_run=options.dry_run,
        max_error_percent=options.max_error_percent,
        date_order=options.date_order,
        time_zone=options.time_zone,
        format=scanned.format.model_dump(mode="json"),
        work_key=examined.work_key,
        csv_metadata=_csv_metadata(examined, options),
        shard_count=min(256, -(-scanned.rows // settings.rows_per_shard) or 1),
        total_rows=scanned.rows,
    )


def _csv_metadata(examined: Examined, options: UploadOptions) -> dict[str, Any]:
    """What was found in the file and how, as the API shows it; holds no cell."""
    scanned = examined.scanned
    return {
        "delimiter": scanned.format.delimiter,
        "encoding": scanned.encoding,
        "encodingChosenBy": scanned.encoding_chosen_by,
        "headers": list(scanned.format.header),
        "unknownHeaders": list(examined.plan.unknown_headers),
        "nearestNames": examined.plan.nearest_names,
        "detectedSchemaVersion": examined.plan.schema_version,
        "rowCount": scanned.rows,
        "hasHeaderRow": scanned.format.has_header_row,
        "ratingScale": None,
        "dateOrder": options.date_order,
        "timeZone": options.time_zone,
        "isErrorFile": examined.plan.is_error_file,
        "programChosenBy": examined.programme.chosen_by,
        "programInstanceChosenBy": examined.instance.chosen_by,
        "warnings": [warning.model_dump() for warning in _warnings(examined)],
    }


def _warnings(examined: Examined) -> list[FileWarning]:
    """What is odd about the file; and that nothing is left to hold a corrected one against, if so."""
    lost = examined.parent is not None and examined.parent.has_lost_rejects and examined.scanned.rows > 0
    gone = [FileWarning(code=WarningCode.CORRECTED_ROWS_GONE, count=examined.scanned.rows)] if lost else []
    return [*examined.scanned.warnings, *gone]


def _spans(examined: Examined) -> list[ChunkSpan]:
    """The chunks; a file without rows has one that is empty."""
    empty = ChunkSpan(number=1, start=0, end=0, first_row=1, first_line=1, rows=0)
    return list(examined.scanned.chunks) or [empty]
