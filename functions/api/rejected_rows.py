"""The rejected rows of a batch: their cells as they are handed out, their faults, and whether they are open."""

from collections.abc import Container, Generator, Sequence
from contextlib import closing
from typing import Any, Final
from uuid import UUID

from pydantic import Field as Described

from api.error_file_routes import error_file_key
from api.explanation_schemas import RowFault
from api.problems import Problem, ProblemCode
from api.schemas import Shape, left_out
from ingestion.aws import object_keys
from ingestion.aws.s3 import NoSuchFile, blocks
from ingestion.config import settings
from ingestion.database.connection import Connection
from ingestion.database.queries import rejects
from ingestion.database.tables.batches import Batch
from ingestion.faults import Reject
from ingestion.rows.rejects import fitted, kept_headers, read_rejects

OPEN: Final = "open"
CORRECTED: Final = "corrected"


class RejectedRow(Shape):
    """A rejected row. `beyond` are cells that have no column."""

    row_number: int
    line: int
    cells: dict[str, str] = Described(description="Texts by header, as they are handed out")
    beyond: list[str] | None = left_out()
    faults: list[RowFault] = Described(description="All that is wrong with the row")
    state: str
    corrected_by_batch_id: UUID | None = left_out()


def column_names(batch: Batch) -> list[str]:
    """The headers of a batch's rejected rows; of those that are repeated, each after the first has its number."""
    names: list[str] = []
    for header in kept_headers(batch.column_plan):
        count = 1
        name = header
        while name in names:
            count += 1
            name = f"{header} ({count})"
        names.append(name)
    return names


def page_of(db: Connection, batch: Batch, found: dict[str, Any], limit: int, after: int) -> list[dict[str, Any]]:
    """At most *limit* rejected rows behind the row *after*, in file order. Raises Problem."""
    if found["error_file_key"] is None and found["completed_at"]:
        return []
    error_file_key(batch.id, found)
    some: list[Reject] = []
    with closing(read(batch.id)) as rows:
        for reject in rows:
            if reject.row.number > after:
                some.append(reject)
            if len(some) == limit:
                break
    corrected = rejects.corrections(db, batch.id, [reject.row.number for reject in some])
    names = column_names(batch)
    return [_row(reject, names, corrected.get(reject.row.number)) for reject in some]


def _row(reject: Reject, names: Sequence[str], corrected_by: UUID | None) -> dict[str, Any]:
    cells = fitted(reject.row.cells, len(names))
    return {
        "row_number": reject.row.number,
        "line": reject.row.line,
        "cells": dict(zip(names, cells, strict=True)),
        "beyond": reject.row.cells[len(names) :] or None,
        "faults": [RowFault.of(fault) for fault in reject.faults],
        "state": CORRECTED if corrected_by else OPEN,
        "corrected_by_batch_id": corrected_by,
    }


def read(batch_id: UUID, numbers: Container[int] | None = None) -> Generator[Reject]:
    """Read the rejected rows, or those with these *numbers*, in file order. Raises Problem."""
    with closing(blocks(settings().work_bucket, object_keys.reject_values(batch_id), None)) as file:
        try:
            yield from read_rejects(file, numbers)
        except NoSuchFile as gone:
            raise Problem(ProblemCode.ERROR_FILE_EXPIRED, "The rejected rows are gone.") from gone
