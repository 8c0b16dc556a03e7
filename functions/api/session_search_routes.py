"""The sessions of a person. Their email address comes in the body, because URLs are logged."""

from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field, SerializeAsAny, field_validator

from api.caller import caller
from api.cursors import BY_ID, DEFAULT_LIMIT, MAX_LIMIT
from api.openapi import answers
from api.problems import ProblemCode
from api.route_rights import Right, needs
from api.routing import database, new_router
from api.schemas import Page, Shape
from api.session_schemas import RecordVersion, SessionVersion
from ingestion.database.queries import people_lookups
from ingestion.database.tables import audit
from ingestion.faults import Fault
from ingestion.values import emails

router = new_router()


class SessionSearch(Shape):
    """Whose sessions to find, and which page of them."""

    model_config = ConfigDict(extra="forbid")

    email: Annotated[str, Field(max_length=255)]
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT
    cursor: Annotated[str, Field(max_length=400)] | None = None

    @field_validator("email")
    @classmethod
    def is_an_address(cls, text: str) -> str:
        """Read the address as a file's cells are read, so that every spelling of it is found."""
        found = emails.email("email", text)
        if found is None or isinstance(found, Fault):
            raise ValueError("write an email address such as name@example.org")
        return found


@router.post(
    "/v1/sessions/search",
    summary="The sessions of a person, by their email address",
    description="The audit trail records each search that finds somebody.",
    tags=["Lineage"],
    operation_id="searchSessions",
    security=needs(Right.IMPORTS_READ),
    responses=answers(
        Page[SessionVersion],
        ProblemCode.INVALID_CURSOR,
        ProblemCode.NOT_JSON,
        ProblemCode.BODY_TOO_LARGE,
        ProblemCode.UNSUPPORTED_MEDIA_TYPE,
    ),
)
def search_sessions(search: SessionSearch) -> Page[SerializeAsAny[RecordVersion]]:
    """Finds sessions as participant and as volunteer; an unknown address has none."""
    db = database()
    (after,) = BY_ID.after(search.cursor) or (None,)
    person = people_lookups.find_person(db, search.email)
    if person is None:
        return Page(items=[], next_cursor=None)
    found = people_lookups.sessions_of_person(db, person, search.limit + 1, after)
    shown = BY_ID.page(found, search.limit, RecordVersion.of)
    audit.write(
        db,
        actor=caller(router.current_event.raw_event),
        action="person_looked_up",
        person_id=UUID(int=person),
        details={"sessions": len(shown.items)},
    )
    return shown
