"""Where the files of a batch are in the work bucket."""

from uuid import UUID


def unpacked(upload_id: UUID) -> str:
    """The text of an upload that can't be cut by its own bytes."""
    return f"work/uploads/{upload_id}/text"


def manifest(batch_id: UUID, name: str) -> str:
    """A list of chunks for the Distributed Map."""
    return f"work/batches/{batch_id}/{name}.json"


def reject_part(batch_id: UUID, chunk: int) -> str:
    """The rejected rows of one chunk, as lines of the error file."""
    return f"work/batches/{batch_id}/rejects/{chunk:06}.csv"


def reject_values_part(batch_id: UUID, chunk: int) -> str:
    """The rejected rows of one chunk, as values."""
    return f"work/batches/{batch_id}/rejects/{chunk:06}.jsonl.gz"


def error_file(batch_id: UUID) -> str:
    """The error file of a batch."""
    return f"errors/{batch_id}.csv"


def reject_values(batch_id: UUID) -> str:
    """The rejected rows of a batch as values: beside its error file, for as long, for the same eyes."""
    return f"errors/{batch_id}.jsonl.gz"
