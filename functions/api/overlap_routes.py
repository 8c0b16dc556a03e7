"""Overlap: how much a batch's file has in common with earlier imports of its programme."""

from typing import Self
from uuid import UUID

from pydantic import Field as Described

from api.openapi import answers
from api.problems import ProblemCode
from api.route_rights import Right, needs
from api.routing import BatchId, database, get_batch, new_router
from api.schemas import Shape, Utc
from ingestion.database.queries import earlier_files
from ingestion.database.queries.earlier_files import Overlap
from ingestion.records import Programme, get_programme

router = new_router()

MOST = 50
"""So many of the nearest are recorded."""


class ChangedField(Shape):
    """How many rows differ in a column."""

    field: str
    rows: int = Described(description="Rows that differ in this column")


class OverlapLine(Shape):
    """What a batch has in common with an earlier one, by the ids of their valid rows."""

    batch_id: UUID = Described(description="The earlier batch")
    file_name: str
    created_at: Utc
    percent_same: float = Described(description="`sameRows` of the rows here, in percent")
    same_rows: int = Described(description="Ids with the same content in both")
    changed_rows: int = Described(description="Ids with other content")
    only_here: int = Described(description="Ids that the earlier batch does not have")
    only_there: int = Described(description="Ids that only the earlier batch has")
    changed_fields: list[ChangedField] = Described(description="The columns in which rows differ, most rows first")

    @classmethod
    def of(cls, found: Overlap, programme: Programme) -> Self:
        """Build it from what was counted."""
        changed = sorted(found.changed_fields.items(), key=lambda entry: (-entry[1], entry[0]))
        return cls(
            batch_id=found.batch_id,
            file_name=found.file_name,
            created_at=found.created_at,
            percent_same=found.percent_same,
            same_rows=found.same_rows,
            changed_rows=found.changed_rows,
            only_here=found.only_here,
            only_there=found.only_there,
            changed_fields=[
                ChangedField(field=programme.column_of(programme.record.field(name).staged).name, rows=rows)
                for name, rows in changed
            ],
        )


class Overlaps(Shape):
    """The earlier batches with any of a batch's ids, nearest first."""

    items: list[OverlapLine]


@router.get(
    "/v1/import/batches/<batchId>/overlap",
    summary="What a batch has in common with earlier imports of its programme",
    tags=["Imports"],
    operation_id="getOverlapOfBatch",
    security=needs(Right.IMPORTS_READ),
    responses=answers(Overlaps, ProblemCode.NO_SUCH_BATCH),
)
def overlap(batch_id: BatchId) -> Overlaps:
    """Counted before the batch publishes anything, so a dry run has it too; the 50 nearest that are still imported."""
    db = database()
    programme = get_programme(get_batch(db, batch_id)["program_type"])
    return Overlaps(items=[OverlapLine.of(each, programme) for each in earlier_files.overlaps(db, batch_id, MOST)])
