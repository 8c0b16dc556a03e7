"""The rejects of a batch, joined from its chunks' parts in file order: as values, and as the error file."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from ingestion.aws import object_keys
from ingestion.aws.s3 import MultipartWriter
from ingestion.config import Settings
from ingestion.database.tables.batches import Batch
from ingestion.rows.error_file import header_line


def join_error_file(batch: Batch, numbers: Sequence[int], settings: Settings) -> str:
    """Join the parts of these chunks, over an earlier try's file; the key of the error file."""

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

    key = object_keys.error_file(batch.id)
    with ThreadPoolExecutor(max_workers=1) as beside:
        values = beside.submit(join, object_keys.reject_values(batch.id), b"", object_keys.reject_values_part)
        join(key, header_line(batch.error_file), object_keys.reject_part)
        values.result()
    return key
