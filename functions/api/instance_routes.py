"""Programme instances and their batches."""

from datetime import date
from typing import Annotated, Any, Self
from urllib.parse import unquote

from api.batch_routes import batch_page
from api.batch_schemas import BatchSummary
from api.cursors import BY_ID, DEFAULT_LIMIT, Cursor, Limit
from api.openapi import answers, path_parameter
from api.problems import Problem, ProblemCode
from api.route_rights import Right, needs
from api.routing import database, new_router
from api.schemas import Page, Shape, Utc
from ingestion.database.queries import lists

router = new_router()

Slug = Annotated[str, path_parameter("slug", "Slug of a programme instance")]


class ProgramInstance(Shape):
    """One run of a programme; its dates are null if its slug has none."""

    id: str
    slug: str
    name: str
    program_type: str
    starts_on: date | None
    ends_on: date | None
    owner: str | None
    created_at: Utc

    @classmethod
    def of(cls, row: dict[str, Any]) -> Self:
        """Build it from a database row. Ids are strings everywhere."""
        return cls.model_validate({**row, "id": str(row["id"])})


@router.get(
    "/v1/program-instances",
    summary="Programme instances, newest first",
    tags=["Imports"],
    operation_id="listProgramInstances",
    security=needs(Right.IMPORTS_READ),
    responses=answers(Page[ProgramInstance], ProblemCode.INVALID_CURSOR),
)
def program_instances(limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> Page[ProgramInstance]:
    """The instance that was created last comes first."""
    (before,) = BY_ID.after(cursor) or (None,)
    return BY_ID.page(lists.program_instances(database(), limit + 1, before), limit, ProgramInstance.of)


@router.get(
    "/v1/program-instances/<slug>/batches",
    summary="The batches of a programme instance, newest first",
    tags=["Imports"],
    operation_id="listBatchesOfProgramInstance",
    security=needs(Right.IMPORTS_READ),
    responses=answers(Page[BatchSummary], ProblemCode.NO_SUCH_PROGRAM_INSTANCE, ProblemCode.INVALID_CURSOR),
)
def batches_of_instance(slug: Slug, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> Page[BatchSummary]:
    """Only batches whose instance has been determined."""
    name = unquote(slug)
    if lists.find_programme_of_instance(database(), name) is None:
        raise Problem(ProblemCode.NO_SUCH_PROGRAM_INSTANCE, f'There is no programme instance "{name}".')
    return batch_page(lists.BatchFilter(slug=name), limit, cursor)
