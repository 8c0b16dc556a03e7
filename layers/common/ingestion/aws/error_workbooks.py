"""Make the error file of a batch as a workbook, from its rejected rows as values."""

from tempfile import TemporaryFile
from typing import Final
from uuid import UUID

from ingestion.aws import object_keys, s3
from ingestion.rows.error_file import ErrorFile
from ingestion.rows.error_workbook import write_error_workbook
from ingestion.rows.rejects import read_rejects

MOST_ROWS: Final = 100_000
MOST_BYTES: Final = 100 * 1024 * 1024
"""The size of the error file as CSV. The API makes a workbook of so much in half of its 29 seconds (decision 0030)."""


class TooManyRows(Exception):
    """The workbook can't be made while somebody waits."""


def make_workbook(bucket: str, batch_id: UUID, rows: int, file: ErrorFile) -> str:
    """Write the workbook over one made earlier, and return its key. Raises TooManyRows, NoSuchFile, Unavailable."""
    if rows > MOST_ROWS or s3.size_bytes(bucket, object_keys.error_file(batch_id)) > MOST_BYTES:
        raise TooManyRows
    key = object_keys.error_workbook(batch_id)
    with TemporaryFile() as book:
        write_error_workbook(book, read_rejects(s3.blocks(bucket, object_keys.reject_values(batch_id), None)), file)
        book.seek(0)
        s3.write(bucket, key, book.read())
    return key
