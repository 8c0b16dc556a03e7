"""The manifest of a batch's chunks, which the workflow reads from the work bucket."""

from uuid import UUID

from ingestion.aws import object_keys, s3
from ingestion.config import Settings
from ingestion.contracts import ImportInput, manifest


def prepare_import(batch_id: UUID, chunk_count: int, settings: Settings) -> ImportInput:
    """Write the manifest, if there are several chunks; the input of an execution. Raises Unavailable."""
    manifest_key = object_keys.manifest(batch_id, "chunks")
    if chunk_count > 1:
        s3.write(settings.work_bucket, manifest_key, manifest(range(1, chunk_count + 1)))
    return ImportInput(batch_id=batch_id, chunks=chunk_count, manifest_key=manifest_key)
