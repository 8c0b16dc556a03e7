"""What becomes of an object version: an upload record, always; then a batch, or a refusal that says why.

S3 may report a version more than once, late or twice at the same time: the upload's row decides which report acts.
"""

from uuid import UUID

from pydantic import BaseModel, ConfigDict

from ingestion.aws import s3
from ingestion.aws.event_bus import Event, tell
from ingestion.aws.start_workflow import launch
from ingestion.batch import BatchStatus
from ingestion.config import Settings
from ingestion.database.connection import Connection, transaction
from ingestion.database.tables import audit, new_batches, uploads
from ingestion.database.tables.uploads import Arrival, Upload
from ingestion.errors import RefusalCode, Refused
from ingestion.telemetry import logger, metrics
from ingestion.uploads import option_names
from ingestion.uploads.upload_links import UploadLink, is_of_a_link, names_a_link
from ingestion.uploads.upload_options import UploadOptions, decode_metadata
from intake.accept import Decision, accept
from intake.examine import Examination, examine


class Outcome(BaseModel):
    """What became of an upload."""

    model_config = ConfigDict(frozen=True)

    upload_id: UUID
    state: str
    batch_id: UUID | None = None
    refusal: RefusalCode | None = None


def take(arrival: Arrival, db: Connection, settings: Settings) -> Outcome:
    """Receive an object version and decide on it, once. Raises Unavailable."""
    metadata = _metadata(arrival)
    upload = _receive(arrival, metadata, db)
    logger.append_keys(upload_id=str(upload.id))
    if upload.state == "waiting":
        decision = _decide(arrival, upload, metadata, db, settings)
        logger.info("upload decided", state=decision.state, batch_id=decision.batch_id, refusal=decision.refusal)
        metrics.add_metric(f"Uploads{decision.state.title()}", "Count", 1)
    return _start(upload, db, settings)


def _metadata(arrival: Arrival) -> dict[str, str]:
    try:
        return s3.metadata(arrival.bucket, arrival.key, arrival.version_id)
    except s3.NoSuchFile:
        return {}


def _receive(arrival: Arrival, metadata: dict[str, str], db: Connection) -> Upload:
    """The upload's record: the one that the API announced, or a new one; with its line in the audit trail."""
    with transaction(db):
        upload = uploads.find(db, arrival)
        link = UploadLink.from_metadata(metadata)
        if upload is None and link:
            upload = uploads.receive_announced(db, link.upload_id, link.token_hash, arrival)
        if upload is None:
            upload = _receive_new(arrival, metadata, db)
        if upload.is_new:
            details = {"versionId": arrival.version_id, "sizeBytes": arrival.size_bytes, "principal": arrival.principal}
            audit.write(db, actor=upload.uploader, action="upload_received", upload_id=upload.id, details=details)
    return upload


def _receive_new(arrival: Arrival, metadata: dict[str, str], db: Connection) -> Upload:
    """An upload that nobody announced: its uploader is whom S3 names, whoever the object says it is from."""
    given = {
        option_names.spelled(name): decode_metadata(value) for name, value in metadata.items() if not is_of_a_link(name)
    }
    claimed_by = given.pop("imported-by", None)
    return uploads.receive(db, arrival, arrival.key.rsplit("/", 1)[-1], claimed_by, given)


def _options(upload: Upload, metadata: dict[str, str]) -> UploadOptions:
    """Of an announced upload those that were announced, whatever its object says. Raises Refused."""
    if upload.is_announced:
        return UploadOptions.from_stored(upload.options)
    if names_a_link(metadata):
        raise Refused(
            RefusalCode.INVALID_OPTION,
            "The file says to come by a link of the API, but it did not, or the link had brought a file before; "
            "ask for a link of its own, or upload it without upload-id and upload-token.",
        )
    return UploadOptions.from_metadata(metadata)


def _decide(arrival: Arrival, upload: Upload, metadata: dict[str, str], db: Connection, settings: Settings) -> Decision:
    examination = Examination(arrival, upload.id)
    try:
        options = _options(upload, metadata)
        examined = examine(examination, options, db, settings)
        return accept(upload, examined, examined.options, db, settings)
    except Refused as refused:
        return _refuse(upload, refused, examination.sha256, db)


def _refuse(upload: Upload, refused: Refused, sha256: str | None, db: Connection) -> Decision:
    with transaction(db):
        if uploads.lock(db, upload.id) != "waiting":
            return Decision(state="refused", refusal=refused.code)
        uploads.refuse(db, upload.id, refused, sha256, None)
        audit.write(
            db,
            actor=audit.SERVICE,
            action="upload_refused",
            upload_id=upload.id,
            details={"code": refused.code.value},
        )
    return Decision(state="refused", refusal=refused.code)


def _tell_refused(upload: Upload, db: Connection, settings: Settings) -> Outcome:
    """Tell other systems; again, if S3 reports the object again, since the telling may have failed before."""
    code = uploads.refusal(db, upload.id)
    tell(
        Event.UPLOAD_REFUSED,
        {"uploadId": str(upload.id), "refusal": code, "uploadsBucket": settings.uploads_bucket},
    )
    return Outcome(upload_id=upload.id, state="refused", refusal=code)


def _start(upload: Upload, db: Connection, settings: Settings) -> Outcome:
    """Start the import of an accepted upload; again, if an earlier try broke off before it could."""
    batch = new_batches.find_of_upload(db, upload.id)
    if batch is None:
        return _tell_refused(upload, db, settings)
    batch_id, chunk_count, status = batch
    if status is BatchStatus.PENDING:
        launch(batch_id, chunk_count, settings, name=str(batch_id))
    return Outcome(upload_id=upload.id, state="accepted", batch_id=batch_id)
