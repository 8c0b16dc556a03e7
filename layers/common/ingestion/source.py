"""Read the text of a batch's file by chunks."""

from collections.abc import Iterator
from hashlib import sha256

from pydantic import BaseModel, ConfigDict

from ingestion.aws import s3
from ingestion.csv_file.chunk_reader import Block, only_asked_for, read_blocks
from ingestion.csv_file.chunk_spans import ChunkSpan, FileFormat
from ingestion.database.tables.batches import Batch
from ingestion.errors import BatchBroken
from ingestion.faults import RawRow, Reject
from ingestion.original_text import TooFar, read_span


class Source(BaseModel):
    """The object that holds a file's text: the uploaded version, or its unpacked copy."""

    model_config = ConfigDict(frozen=True)

    bucket: str
    key: str
    version_id: str | None
    format: FileFormat
    unpacked_from: Batch | None = None
    """The batch whose upload is unpacked again if the copy is gone."""

    def rows(self, span: ChunkSpan) -> Iterator[RawRow | Reject]:
        """Read the rows of a chunk in file order. Raises NoSuchFile, Unavailable, BatchBroken."""
        for block in self.blocks(span):
            yield from block.in_order()

    def blocks(self, span: ChunkSpan) -> Iterator[Block]:
        """Read the rows of a chunk, some thousand at a time."""
        data = self._read(span)
        if span.digest and span.digest != sha256(data[: span.shown_end - span.start]).hexdigest():
            raise BatchBroken(
                f"Chunk {span.number} of the unpacked text is not what was read from the upload; somebody has "
                "overwritten it. Upload the file again."
            )
        return only_asked_for(read_blocks(data, span, self.format), span)

    def _read(self, span: ChunkSpan) -> bytes:
        try:
            return s3.read_range(self.bucket, self.key, self.version_id, span.start, span.fetch_end)
        except s3.NoSuchFile:
            if self.unpacked_from is None:
                raise
        try:
            return read_span(self.unpacked_from, span).data
        except TooFar:
            raise BatchBroken(
                "The unpacked copy of the file has been deleted, and these rows lie too far into it to be unpacked "
                "again. Upload the error file."
            ) from None


def source_of(batch: Batch, work_bucket: str) -> Source:
    """Return the source of a batch's file."""
    if batch.work_key:
        return Source(
            bucket=work_bucket,
            key=batch.work_key,
            version_id=None,
            format=batch.file_format,
            unpacked_from=batch if batch.retries_batch_id else None,
        )
    return Source(bucket=batch.bucket, key=batch.key, version_id=batch.version_id, format=batch.file_format)
