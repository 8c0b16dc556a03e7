"""Errors as RFC 9457 problems, each with a stable code that has one status.

| Status | When |
|---|---|
| 400 | the body is not JSON |
| 401, 403 | there is no token; the token does not give the right that the route requires |
| 404, 410 | the thing requested does not exist, or no longer; 404 `no_such_route` where there is no route |
| 405 | the route does not support the method; `Allow` names the methods that it supports |
| 413, 415 | the body is too large; it is not declared as JSON |
| 422 | a parameter, an id or the body breaks a rule; `errors` names each |
| 500 | the fault is ours; the log has the details, the answer has none |
| 503 | the database is out of reach; `Retry-After` says when to try again |
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field

from api.problem_codes import ProblemCode
from ingestion.batch import FailureCode
from ingestion.errors import NotStorable, RefusalCode, Refused, Unavailable
from ingestion.telemetry import logger

__all__ = [
    "PROBLEM_JSON",
    "STATUS",
    "ChangedRow",
    "Code",
    "Offence",
    "Problem",
    "ProblemCode",
    "ProblemShape",
    "of_anything",
    "of_not_storable",
    "of_refused",
    "of_unavailable",
    "of_validation",
]

PROBLEM_JSON: Final = "application/problem+json"
RETRY_AFTER_SECONDS: Final = 5


Code = ProblemCode | RefusalCode | FailureCode

STATUS: Final[dict[Code, HTTPStatus]] = {
    **{code: code.answered_with for code in ProblemCode},
    **dict.fromkeys(RefusalCode, HTTPStatus.UNPROCESSABLE_ENTITY),
    # A commit that is refused for what one may fail for later.
    FailureCode.PLAN_STALE: HTTPStatus.CONFLICT,
}


class Offence(BaseModel):
    """One parameter, or one field of the body, that breaks a rule."""

    field: str
    message: str


class ChangedRow(BaseModel):
    """A row whose stored version is another than the one that was planned upon."""

    rowNumber: int  # noqa: N815
    externalSessionId: str  # noqa: N815


class ProblemShape(BaseModel):
    """The body of every error. Only `plan_stale` has `changedRows` and a `sample` of them."""

    status: int
    title: str
    detail: str
    code: str
    errors: list[Offence] | None = Field(default=None, exclude_if=lambda errors: errors is None)
    changedRows: int | None = Field(default=None, exclude_if=lambda count: count is None)  # noqa: N815
    sample: list[ChangedRow] | None = Field(default=None, exclude_if=lambda rows: rows is None)


class Problem(Exception):
    """An error that becomes the answer, wherever below a route it is raised."""

    def __init__(
        self,
        code: Code,
        detail: str,
        errors: list[Offence] | None = None,
        *,
        status: HTTPStatus | None = None,
        **headers: str,
    ) -> None:
        super().__init__(detail)
        self.status = status or STATUS[code]
        # No `type` is given, so the title is that of the status (RFC 9457, 4.2.1).
        self.shape = ProblemShape(
            status=self.status, title=self.status.phrase, detail=detail, code=code.value, errors=errors
        )
        self.headers = {name.replace("_", "-").title(): value for name, value in headers.items()}

    def as_response(self) -> Response[str]:
        """The answer that a route returns."""
        return Response(
            status_code=int(self.status),
            content_type=PROBLEM_JSON,
            body=self.shape.model_dump_json(),
            headers={**self.headers},
        )

    def as_result(self) -> dict[str, Any]:
        """The result that the function returns if no route has run."""
        return {
            "statusCode": int(self.status),
            "headers": {"Content-Type": PROBLEM_JSON, **self.headers},
            "body": self.shape.model_dump_json(),
            "isBase64Encoded": False,
        }


def of_refused(refused: Refused) -> Problem:
    """The problem of a request for an upload that intake would refuse."""
    return Problem(refused.code, refused.message)


def of_unavailable(_unavailable: Unavailable) -> Problem:
    """The problem of a dependency that is out of reach; the caller may retry."""
    logger.exception("a dependency is unavailable")
    return Problem(
        ProblemCode.DATABASE_UNAVAILABLE,
        "The database is out of reach; try again in a moment.",
        retry_after=str(RETRY_AFTER_SECONDS),
    )


def of_not_storable(_not_storable: NotStorable) -> Problem:
    """The problem of a value that the database can't hold. Routes that know which value it is say more."""
    logger.warning("the database cannot hold a value of the request")
    return Problem(ProblemCode.INVALID_REQUEST, "The request holds a value that can't be stored or searched for.")


def of_anything(_error: Exception) -> Problem:
    """The problem of an unexpected error. The log gets the stack trace, the caller doesn't."""
    logger.exception("the request failed")
    return Problem(ProblemCode.INTERNAL_ERROR, "Something went wrong on our side; it has been logged.")


# A path whose id is not a UUID names nothing, so it is answered with 404, not 422.
_NAMED_BY_PATH: Final = {
    ("path", "batchId"): (ProblemCode.NO_SUCH_BATCH, "batch"),
    ("path", "uploadId"): (ProblemCode.NO_SUCH_UPLOAD, "upload"),
}


def of_validation(invalid: RequestValidationError) -> Problem:
    """The problem of a request that breaks a rule. If an answer breaks one, the error has this class too: our fault."""
    faults = invalid.errors()
    if any(fault["loc"][:1] == ("response",) for fault in faults):
        return of_anything(invalid)
    if any(fault["type"] == "json_invalid" for fault in faults):
        return Problem(ProblemCode.NOT_JSON, "The body is not JSON.")
    for fault in faults:
        if missing := _NAMED_BY_PATH.get(tuple(fault["loc"])):
            code, thing = missing
            return Problem(code, f"There is no {thing} {fault.get('input')}; its id is a UUID.")
    errors = [Offence(field=_name(fault["loc"]), message=_sentence(fault)) for fault in faults]
    detail = " ".join(f"{error.field}: {error.message}." for error in errors)
    return Problem(ProblemCode.INVALID_REQUEST, detail, errors)


def _name(location: Sequence[str | int]) -> str:
    """`("query", "limit")` is limit, `("body",)` the body."""
    return ".".join(map(str, location[1:] or location))


def _sentence(fault: Mapping[str, Any]) -> str:
    """The sentence of our own rule, without the words that pydantic prepends; otherwise pydantic's."""
    ours = fault.get("ctx", {}).get("error") if fault["type"] == "value_error" else None
    return str(ours or fault["msg"]).rstrip(".")
