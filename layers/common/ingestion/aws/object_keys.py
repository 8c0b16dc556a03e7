"""The keys of a batch's files in the work bucket."""

from uuid import UUID


def unpacked(upload_id: UUID) -> str:
    """The unpacked text of an upload whose own bytes can't be cut into chunks."""
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


def error_workbook(batch_id: UUID) -> str:
    """The error file as a workbook, made when somebody asks for it."""
    return f"errors/{batch_id}.xlsx"


def reject_values(batch_id: UUID) -> str:
    """The rejected rows of a batch as values, kept as long as its error file and for the same readers."""
    return f"errors/{batch_id}.jsonl.gz"
