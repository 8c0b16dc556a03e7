"""The text of a batch's file, read back by chunks."""

from collections.abc import Iterator
from itertools import islice

from pydantic import BaseModel, ConfigDict

from ingestion import files
from ingestion.faults import RawRow, Reject
from ingestion.reading import ChunkSpan, FileFormat, read_chunk
from ingestion.tables.batches import Batch

ROWS_AT_ONCE = 2_000
"""Rows that are validated together: enough to read each distinct cell once, few enough to stay in the cache."""


class Source(BaseModel):
    """Where the text of a file is: the object version that was uploaded, or its unpacked copy."""

    model_config = ConfigDict(frozen=True)

    bucket: str
    key: str
    version_id: str | None
    format: FileFormat

    def rows(self, span: ChunkSpan) -> Iterator[RawRow | Reject]:
        """The rows of a chunk in file order. Raises NoSuchFile, Unavailable."""
        data = files.read_range(self.bucket, self.key, self.version_id, span.start, span.fetch_end)
        return read_chunk(data, span, self.format)


def source_of(batch: Batch, work_bucket: str) -> Source:
    """Where the text of a batch's file is."""
    if batch.work_key:
        return Source(bucket=work_bucket, key=batch.work_key, version_id=None, format=batch.file_format)
    return Source(bucket=batch.bucket, key=batch.key, version_id=batch.version_id, format=batch.file_format)


def together(rows: Iterator[RawRow | Reject]) -> Iterator[tuple[list[RawRow], list[Reject]]]:
    """The rows a few thousand at a time, the readable ones and the rejects apart."""
    while some := list(islice(rows, ROWS_AT_ONCE)):
        yield [row for row in some if isinstance(row, RawRow)], [row for row in some if isinstance(row, Reject)]
