"""The error file of a batch, joined from its chunks' parts in file order, without holding them in memory."""

from ingestion import paths
from ingestion.config import Settings
from ingestion.db import Connection
from ingestion.error_file import header_line
from ingestion.files import MultipartWriter
from ingestion.tables import chunks
from ingestion.tables.batches import Batch


def join_error_file(batch: Batch, db: Connection, settings: Settings) -> str:
    """Write the error file, over an earlier try's; its key."""
    key = paths.error_file(batch.id)
    writer = MultipartWriter(settings.work_bucket, key)
    try:
        writer.write(header_line(batch.file_format.header))
        for number in chunks.with_rejects(db, batch.id):
            writer.append(settings.work_bucket, paths.reject_part(batch.id, number))
        writer.finish()
    except BaseException:
        writer.abandon()
        raise
    return key
