"""Joins the rejects of a batch's chunks in file order, once as values and once as the error file."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from ingestion.aws import object_keys
from ingestion.aws.s3 import MultipartWriter
from ingestion.config import Settings
from ingestion.database.tables.batches import Batch
from ingestion.rows.error_file import header_line


def join_error_file(batch: Batch, numbers: Sequence[int], settings: Settings) -> str:
    """Join the parts of these chunks, overwriting the file of an earlier attempt; returns the error file's key."""

    def join(key: str, head: bytes, add: Callable[[MultipartWriter, int], None]) -> None:
        writer = MultipartWriter(settings.work_bucket, key)
        try:
            writer.write(head)
            for number in numbers:
                add(writer, number)
            writer.finish()
        except BaseException:
            writer.abandon()
            raise

    def add_values(writer: MultipartWriter, number: int) -> None:
        # Compressed, they are always too small for a part of a multipart upload.
        writer.write_object(settings.work_bucket, object_keys.reject_values_part(batch.id, number))

    def add_lines(writer: MultipartWriter, number: int) -> None:
        writer.append(settings.work_bucket, object_keys.reject_part(batch.id, number))

    key = object_keys.error_file(batch.id)
    with ThreadPoolExecutor(max_workers=1) as beside:
        values = beside.submit(join, object_keys.reject_values(batch.id), b"", add_values)
        join(key, header_line(batch.error_file), add_lines)
        values.result()
    return key
