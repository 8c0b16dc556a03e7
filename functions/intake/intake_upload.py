"""Takes in an object version: always an upload record, then either a batch or a refusal that says why."""

from contextlib import nullcontext

from ingestion.config import Settings
from ingestion.contracts import Decision
from ingestion.database.connection import Connection, away
from ingestion.database.tables import new_batches, uploads
from ingestion.database.tables.uploads import Arrival, Upload
from ingestion.errors import Refused
from ingestion.telemetry import logger, metrics
from intake.accept import accept
from intake.examine import Examination, examine
from intake.identify import identify, read_claims
from intake.receive import options_of, read_metadata, receive
from intake.refuse import refuse

READ_AT_ONCE_BYTES = 1024 * 1024
"""What takes less than the time for which an idle connection is kept, however well it was compressed."""


def intake_upload(arrival: Arrival, db: Connection, settings: Settings) -> Decision:
    """Receive an object version and decide on it exactly once. Raises Unavailable."""
    metadata = read_metadata(arrival)
    upload = receive(arrival, metadata, db)
    logger.append_keys(upload_id=str(upload.id))
    if upload.state == "waiting":
        decision = _decide(arrival, upload, metadata, db, settings)
        logger.info("upload decided", state=decision.state, batch_id=decision.batch_id, refusal=decision.refusal)
        metrics.add_metric(f"Uploads{decision.state.title()}", "Count", 1)
    return _decision(upload, db)


def _decide(arrival: Arrival, upload: Upload, metadata: dict[str, str], db: Connection, settings: Settings) -> Decision:
    examination = Examination(arrival, upload.id)
    try:
        claims = read_claims(arrival, options_of(upload, metadata), db)
        with away(db) if arrival.size_bytes > READ_AT_ONCE_BYTES else nullcontext():
            examined = examine(examination, settings)
        identified = identify(examined, claims, db)
        return accept(upload, identified, db, settings)
    except Refused as refused:
        return refuse(upload, refused, examination.sha256, db)


def _decision(upload: Upload, db: Connection) -> Decision:
    """What was decided for this event of S3, or for an earlier one about the same object."""
    batch_id = new_batches.find_of_upload(db, upload.id)
    if batch_id is None:
        return Decision(upload_id=upload.id, state="refused", refusal=uploads.refusal(db, upload.id))
    return Decision(upload_id=upload.id, state="accepted", batch_id=batch_id)
