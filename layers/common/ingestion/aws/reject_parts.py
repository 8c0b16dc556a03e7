"""The parts of a batch's rejects: the rejected rows of one chunk, in file order, as values and as lines to hand out."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from operator import itemgetter

from ingestion.aws import object_keys, s3
from ingestion.faults import Reject
from ingestion.rows.error_file import ErrorFile, reject_lines
from ingestion.rows.rejects import all_as_kept, read_rejects, write_rejects


def write_part(bucket: str, chunk: int, rejects: Iterable[Reject], file: ErrorFile) -> None:
    """Write the chunk's part, over an earlier try's; nothing if nothing was rejected."""
    write_kept(bucket, chunk, all_as_kept(rejects, file.plan), file)


def write_kept(bucket: str, chunk: int, kept: list[Reject], file: ErrorFile) -> None:
    """The same, of rows whose cells are the file's own already."""
    kept.sort(key=itemgetter(0))
    if not kept:
        return
    with ThreadPoolExecutor(max_workers=1) as beside:
        # S3 takes the values while the lines are being made.
        values = beside.submit(
            s3.write, bucket, object_keys.reject_values_part(file.batch_id, chunk), write_rejects(kept)
        )
        s3.write(bucket, object_keys.reject_part(file.batch_id, chunk), reject_lines(kept, file))
        values.result()


def read_part(bucket: str, chunk: int, file: ErrorFile) -> list[Reject]:
    """What was written. Raises NoSuchFile, Unavailable."""
    blocks = s3.blocks(bucket, object_keys.reject_values_part(file.batch_id, chunk), None)
    return list(read_rejects(blocks))
