"""Accepts an identified file as a batch, unless the programme already has the same bytes.

The database decides: an index allows one live batch per file and programme, even for simultaneous uploads.
"""

from dataclasses import replace
from typing import Any
from uuid import uuid4

from ingestion.aws.chunk_manifests import prepare_import
from ingestion.config import Settings
from ingestion.contracts import Decision, ImportToStart
from ingestion.csv_file.chunk_spans import ChunkSpan
from ingestion.database.connection import Connection, transaction
from ingestion.database.tables import audit, chunks, new_batches, outbox, programmes, uploads
from ingestion.database.tables.new_batches import Live, NewBatch
from ingestion.database.tables.uploads import Upload
from ingestion.errors import RefusalCode, Refused
from ingestion.file_warnings import FileWarning, WarningCode
from ingestion.uploads.identification import Instance
from intake.identify import Identified
from intake.parent_batch import lock_parent
from intake.refuse import write_refusal


def accept(upload: Upload, file: Identified, db: Connection, settings: Settings) -> Decision:
    """Create the batch and the plan of its chunks, or refuse the upload as already imported."""
    options = file.options
    with transaction(db):
        if uploads.lock(db, upload.id) != "waiting":
            return Decision(upload_id=upload.id, state="decided by another event")
        file = replace(file, parent=lock_parent(file.parent, db))
        new = _new_batch(upload, file, db, settings)
        live = new_batches.find_live(db, new.file_hash, new.program_type)
        if live is None and not new_batches.create(db, new):
            # Another upload created its batch between the two statements.
            live = new_batches.find_live(db, new.file_hash, new.program_type)
        if live and not options.is_forced:
            return _refuse(upload, file, live, db)
        if live:
            new = new.model_copy(update={"forced": True, "force_reason": options.force_reason})
            new_batches.create(db, new)
        spans = _spans(file)
        chunks.plan(db, new.id, [span.model_dump(mode="json") for span in spans])
        uploads.accept(db, upload.id, new.file_hash)
        given = prepare_import(new.id, len(spans), settings)
        outbox.add(db, upload.id, ImportToStart(name=str(new.id), input=given), in_transit=True)
        if live:
            # The reason stays with the batch: it may mention somebody, and the trail is never deleted.
            details = {"earlierBatch": str(live.id)}
            audit.write(db, actor=upload.uploader, action="import_forced", batch_id=new.id, details=details)
    return Decision(upload_id=upload.id, state="accepted", batch_id=new.id)


def _refuse(upload: Upload, file: Identified, live: Live, db: Connection) -> Decision:
    how = (
        "force also requires a reason (force-reason)"
        if file.options.force
        else "to import it again anyway, upload it with force and a force-reason"
    )
    refused = Refused(
        RefusalCode.ALREADY_IMPORTED,
        f"Batch {live.id} of {live.date} already has the same file ({live.status}); {how}.",
    )
    return write_refusal(upload, refused, file.scanned.sha256, live.id, db)


def _new_batch(upload: Upload, file: Identified, db: Connection, settings: Settings) -> NewBatch:
    scanned, options, instance = file.scanned, file.options, file.instance.value
    if isinstance(instance, Instance):
        instance = programmes.find_or_create_instance(db, instance)
    return NewBatch(
        id=upload.promised_batch or uuid4(),
        upload_id=upload.id,
        program_type=file.programme.value,
        program_instance_id=instance,
        parent_batch_id=file.parent.id if file.parent and file.is_of_parents_programme else None,
        corrects_batch_id=file.parent.id if file.parent else None,
        compares_rejects=file.parent is not None and file.parent.has_rejects,
        file_name=file.key.file_name,
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
        work_key=file.work_key,
        csv_metadata=_csv_metadata(file),
        shard_count=min(256, -(-scanned.rows // settings.rows_per_shard) or 1),
        total_rows=scanned.rows,
    )


def _csv_metadata(file: Identified) -> dict[str, Any]:
    """What was found in the file and how, as the API shows it; holds no cells."""
    scanned, options = file.scanned, file.options
    return {
        "delimiter": scanned.format.delimiter,
        "encoding": scanned.encoding,
        "encodingChosenBy": scanned.encoding_chosen_by,
        "sheet": scanned.format.sheet.name if scanned.format.sheet else None,
        "headers": list(scanned.format.header),
        "unknownHeaders": list(file.plan.unknown_headers),
        "nearestNames": file.plan.nearest_names,
        "detectedSchemaVersion": file.plan.schema_version,
        "rowCount": scanned.rows,
        "hasHeaderRow": scanned.format.has_header_row,
        "ratingScale": None,
        "dateOrder": options.date_order,
        "timeZone": options.time_zone,
        "isErrorFile": file.plan.is_error_file,
        "programChosenBy": file.programme.chosen_by,
        "programInstanceChosenBy": file.instance.chosen_by,
        "warnings": [warning.model_dump() for warning in _warnings(file)],
    }


def _warnings(file: Identified) -> list[FileWarning]:
    """Warnings about the file, including one if a corrected file's parent no longer has its rejects."""
    parent, count = file.parent, file.scanned.rows
    # An error file whose batch was started over since, and then had no rejects, can't be compared with anything either.
    is_void = parent is not None and file.plan.is_error_file and not parent.has_rejects
    has_lost = parent is not None and parent.has_lost_rejects
    gone = [FileWarning(code=WarningCode.CORRECTED_ROWS_GONE, count=count)] if count and (has_lost or is_void) else []
    return [*file.scanned.warnings, *gone]


def _spans(file: Identified) -> list[ChunkSpan]:
    """The chunks; a file without rows has one that is empty."""
    empty = ChunkSpan(number=1, start=0, end=0, first_row=1, first_line=1, rows=0)
    return list(file.scanned.chunks) or [empty]
