"""The rejects of a batch, joined from its chunks' parts in file order: as values, and as the error file."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from ingestion import paths
from ingestion.config import Settings
from ingestion.db import Connection
from ingestion.error_file import header_line
from ingestion.files import MultipartWriter
from ingestion.tables import chunks
from ingestion.tables.batches import Batch


def join_error_file(batch: Batch, db: Connection, settings: Settings) -> str:
    """Write the values, then the error file, over an earlier try's; the key of the error file."""
    numbers = chunks.with_rejects(db, batch.id)

    def join(key: str, head: bytes, part: Callable[[UUID, int], str]) -> None:
        writer = MultipartWriter(settings.work_bucket, key)
        try:
            writer.write(head)
            for number in numbers:
                writer.append(settings.work_bucket, part(batch.id, number))
            writer.finish()
        except BaseException:
            writer.abandon()
            raise

    key = paths.error_file(batch.id)
    with ThreadPoolExecutor(max_workers=1) as beside:
        values = beside.submit(join, paths.reject_values(batch.id), b"", paths.reject_values_part)
        join(key, header_line(batch.error_file), paths.reject_part)
        values.result()
    return key
