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

    def join(key: str, add: Callable[[MultipartWriter], None]) -> None:
        writer = MultipartWriter(settings.work_bucket, key)
        try:
            add(writer)
            writer.finish()
        except BaseException:
            writer.abandon()
            raise

    def add_values(writer: MultipartWriter) -> None:
        # Compressed, they are always too small for a part of a multipart upload.
        for number in numbers:
            writer.write_object(settings.work_bucket, object_keys.reject_values_part(batch.id, number))

    def add_lines(writer: MultipartWriter) -> None:
        writer.write(header_line(batch.error_file))
        writer.append_all(settings.work_bucket, [object_keys.reject_part(batch.id, number) for number in numbers])

    key = object_keys.error_file(batch.id)
    with ThreadPoolExecutor(max_workers=1) as beside:
        values = beside.submit(join, object_keys.reject_values(batch.id), add_values)
        join(key, add_lines)
        values.result()
    return key
