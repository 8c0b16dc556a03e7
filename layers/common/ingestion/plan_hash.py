"""The hash of a plan: over the file, the rules, the options that it was read with, and the outcome of each row.

Whoever commits a plan sends its hash back, and so commits what they were shown. The rules are the source of the
packages that make values of a file's bytes: with another version of them a plan is stale, even if each row would come
out the same.
"""

import json
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final

from ingestion.database.tables.batches import Batch

RULES: Final = ("csv_file", "values", "records", "rows")


@cache
def rules_version(folder: Path = Path(__file__).parent) -> str:
    """The hash of the rules as they are installed."""
    digest = sha256()
    for package in RULES:
        for source in sorted((folder / package).rglob("*.py")):
            digest.update(f"{source.relative_to(folder)}\0".encode() + source.read_bytes() + b"\0")
    return digest.hexdigest()


def hash_of(batch: Batch, rows_digest: str) -> str:
    """The hash of the plan of a dry run, of which the digests of the valid rows add up to *rows_digest*.

    All other rows are rejected, so that these too are decided by it.
    """
    facts = {
        "file": batch.file_hash,
        "rules": rules_version(),
        "programme": batch.program_type,
        "instance": batch.program_instance_id,
        "dateOrder": batch.date_order,
        "timeZone": batch.time_zone,
        "scale": batch.rating_scale,
        "corrects": str(batch.corrects_batch_id) if batch.compares_rejects else None,
        "rows": batch.total_rows,
        "digest": rows_digest,
    }
    return sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
