"""Write and read the rejected rows of one chunk in file order, as values and as lines of the error file."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from operator import itemgetter

from ingestion.aws import object_keys, s3
from ingestion.faults import Reject
from ingestion.rows.error_file import ErrorFile, reject_lines
from ingestion.rows.rejects import all_as_kept, read_rejects, write_rejects


def write_part(bucket: str, chunk: int, rejects: Iterable[Reject], file: ErrorFile) -> None:
    """Write the chunk's part over that of an earlier attempt; do nothing if no row was rejected."""
    write_kept(bucket, chunk, all_as_kept(rejects, file.plan), file)


def write_kept(bucket: str, chunk: int, kept: list[Reject], file: ErrorFile) -> None:
    """Write rows whose cells already are the file's own."""
    kept.sort(key=itemgetter(0))
    if not kept:
        return
    with ThreadPoolExecutor(max_workers=1) as beside:
        # S3 stores the values while the lines are being written.
        values = beside.submit(
            s3.write, bucket, object_keys.reject_values_part(file.batch_id, chunk), write_rejects(kept)
        )
        s3.write(bucket, object_keys.reject_part(file.batch_id, chunk), reject_lines(kept, file))
        values.result()


def read_part(bucket: str, chunk: int, file: ErrorFile) -> list[Reject]:
    """Read what `write_part` wrote. Raises NoSuchFile, Unavailable."""
    blocks = s3.blocks(bucket, object_keys.reject_values_part(file.batch_id, chunk), None)
    return list(read_rejects(blocks))
