"""Totals over batches, and the health check."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import Field

from api.openapi import answers, without_guard
from api.problems import RETRY_AFTER_SECONDS, Offence, Problem, ProblemCode
from api.route_rights import Right, needs
from api.routing import database, new_router
from api.schemas import Shape
from ingestion.config import Authentication, Settings, settings
from ingestion.database.connection import DatabaseError
from ingestion.database.queries import batch_record
from ingestion.uploads.identification import get_programme_of_alias

router = new_router()

_A_DATE = "2024-11-13"
# The range in which a day can still be added, or an offset subtracted.
_FIRST_YEAR, _LAST_YEAR = 2, 9998


class Totals(Shape):
    """Sums over finished batches, dry runs excluded: `totalRows = successRows + errorRows + skippedRows`."""

    batches: int
    total_rows: int
    success_rows: int
    error_rows: int
    open_rows: int
    corrected_rows: int
    skipped_rows: int
    inserted_rows: int
    updated_rows: int
    failed_batches: int = Field(description="How many of `batches` failed")
    unfinished_batches: int = Field(description="Pending or running; not counted in any sum")
    dry_runs: int = Field(description="Not counted in any sum")


class SignIn(Shape):
    """Where people get the tokens that this API accepts; the client is the command line's."""

    issuer: str
    client_id: str
    scopes: str
    audience: str = Field(
        description="The audience that a token must have: an ID token if it is the client, otherwise an access token"
    )


class Health(Shape):
    """The service is up and can reach its database."""

    status: str = "ok"
    schema_version: str
    sign_in: SignIn | None = Field(
        default=None,
        description="Where people sign in; absent if no token is required",
        exclude_if=lambda sign_in: sign_in is None,
    )


@router.get(
    "/v1/import/summary",
    summary="Totals over batches",
    tags=["Imports"],
    operation_id="getSummary",
    security=needs(Right.IMPORTS_READ),
    responses=answers(Totals),
)
def summary(
    program_type: Annotated[
        str | None, Query(alias="programType", description="The programme, by its name or an alias")
    ] = None,
    start: Annotated[
        str | None,
        Query(alias="from", description="Batches created at this time or later; a date means the start of that day"),
    ] = None,
    end: Annotated[
        str | None, Query(alias="to", description="Batches created before this time; a date includes the whole day")
    ] = None,
) -> Totals:
    """Times without an offset are UTC."""
    named = get_programme_of_alias(program_type) if program_type is not None else None
    begins, ends = _moment("from", start), _moment("to", end, days=1)
    return Totals.model_validate(batch_record.totals(database(), named, begins, ends))


def _moment(name: str, text: str | None, days: int = 0) -> datetime | None:
    """A date-time, or the start of the day that lies *days_later* after a date. Raises Problem."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
            raise ValueError
    except ValueError as wrong:
        offence = Offence(
            field=name, message=f"Write a date such as {_A_DATE}, or a date-time such as {_A_DATE}T10:00:00Z"
        )
        raise Problem(ProblemCode.INVALID_REQUEST, f"{name}: {offence.message}.", [offence]) from wrong
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment + timedelta(days=days) if len(text) == len(_A_DATE) else moment


@router.get(
    "/health",
    summary="Whether the service is up",
    tags=["Service"],
    operation_id="getHealth",
    responses=without_guard(answers(Health)),
)
def health() -> Health:
    """Includes the newest migration of the database and where `kintell login` signs in."""
    try:
        version = batch_record.schema_version(database())
    except DatabaseError:
        version = None
    if version is None:
        raise Problem(
            ProblemCode.DATABASE_UNAVAILABLE, "The database has no schema yet.", retry_after=str(RETRY_AFTER_SECONDS)
        )
    return Health(schema_version=version, sign_in=_sign_in(settings()))


def _sign_in(settings: Settings) -> SignIn | None:
    if settings.authentication is Authentication.NONE:
        return None
    return SignIn(
        issuer=settings.issuer,
        client_id=settings.command_line_client_id,
        scopes=settings.scopes,
        audience=settings.audience,
    )
