"""Start the import of a batch: write the manifest of its chunks, then start the workflow."""

from uuid import UUID

from ingestion.aws import object_keys, s3, step_functions
from ingestion.config import Settings
from ingestion.contracts import ImportInput, manifest


def launch(batch_id: UUID, chunk_count: int, settings: Settings, name: str) -> None:
    """Start an execution called *name*; a second start with the same name does nothing. Raises Unavailable."""
    manifest_key = object_keys.manifest(batch_id, "chunks")
    if chunk_count > 1:
        s3.write(settings.work_bucket, manifest_key, manifest(range(1, chunk_count + 1)))
    given = ImportInput(batch_id=batch_id, chunks=chunk_count, manifest_key=manifest_key)
    step_functions.start_import(settings.state_machine_arn, name, given)
