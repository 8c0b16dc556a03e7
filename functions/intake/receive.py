"""Receives an object version and always creates an upload record, whatever happens to the file.

S3 may report a version late, repeatedly or twice at the same time; the upload's row decides which event acts.
"""

from ingestion.aws import s3
from ingestion.database.connection import Connection, transaction
from ingestion.database.tables import audit, uploads
from ingestion.database.tables.uploads import Arrival, Upload
from ingestion.errors import RefusalCode, Refused
from ingestion.uploads import option_names
from ingestion.uploads.upload_links import UploadLink, is_of_a_link, names_a_link
from ingestion.uploads.upload_options import UploadOptions, decode_metadata


def read_metadata(arrival: Arrival) -> dict[str, str]:
    """The object's metadata; empty if the object is gone. Raises Unavailable."""
    try:
        return s3.metadata(arrival.bucket, arrival.key, arrival.version_id)
    except s3.NoSuchFile:
        return {}


def receive(arrival: Arrival, metadata: dict[str, str], db: Connection) -> Upload:
    """The upload's record, either the one that the API announced or a new one, with its entry in the audit trail."""
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
    """Record an unannounced upload. Its uploader is the one that S3 names, whatever the object's metadata claims."""
    given = {
        option_names.spelled(name): decode_metadata(value) for name, value in metadata.items() if not is_of_a_link(name)
    }
    claimed_by = given.pop("imported-by", None)
    return uploads.receive(db, arrival, arrival.key.rsplit("/", 1)[-1], claimed_by, given)


def options_of(upload: Upload, metadata: dict[str, str]) -> UploadOptions:
    """The options; an announced upload keeps those that were announced, whatever its object says. Raises Refused."""
    if upload.is_announced:
        return UploadOptions.from_stored(upload.options)
    if names_a_link(metadata):
        raise Refused(
            RefusalCode.INVALID_OPTION,
            "The file claims to be uploaded with a link of the API, but it was not, or the link has been used before; "
            "request a new link, or upload the file without upload-id and upload-token.",
        )
    return UploadOptions.from_metadata(metadata)
