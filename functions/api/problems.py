"""Everything that an answer can't be: RFC 9457 problems, each with a stable code that has one status.

| Status | When |
|---|---|
| 400 | the body is not JSON |
| 401, 403 | there is no token; it does not give the right that this needs |
| 404, 410 | what was asked for is not there, or no longer; 404 `no_such_route` also where there is no route |
| 405 | the route is there, the method isn't; `Allow` names those that are |
| 413, 415 | the body is too large, or not declared as JSON |
| 422 | a parameter, an id or the body breaks a rule; `errors` names each |
| 500 | our fault; the log has what the answer withholds |
| 503 | the database is out of reach; `Retry-After` says when to try again |
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field

from api.problem_codes import ProblemCode
from ingestion.errors import NotStorable, RefusalCode, Refused, Unavailable
from ingestion.telemetry import logger

__all__ = [
    "PROBLEM_JSON",
    "STATUS",
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


Code = ProblemCode | RefusalCode

STATUS: Final[dict[Code, HTTPStatus]] = {
    **{code: code.answered_with for code in ProblemCode},
    **dict.fromkeys(RefusalCode, HTTPStatus.UNPROCESSABLE_ENTITY),
}


class Offence(BaseModel):
    """One parameter, or one field of the body, that breaks a rule."""

    field: str
    message: str


class ProblemShape(BaseModel):
    """The body of every error."""

    status: int
    title: str
    detail: str
    code: str
    errors: list[Offence] | None = Field(default=None, exclude_if=lambda errors: errors is None)


class Problem(Exception):
    """Raised anywhere below a route, it becomes the answer."""

    def __init__(self, code: Code, detail: str, errors: list[Offence] | None = None, **headers: str) -> None:
        super().__init__(detail)
        self.status = STATUS[code]
        # No `type` is given, so the title is that of the status (RFC 9457, 4.2.1).
        self.shape = ProblemShape(
            status=self.status, title=self.status.phrase, detail=detail, code=code.value, errors=errors
        )
        self.headers = {name.replace("_", "-").title(): value for name, value in headers.items()}

    def as_response(self) -> Response[str]:
        """As a route answers it."""
        return Response(
            status_code=int(self.status),
            content_type=PROBLEM_JSON,
            body=self.shape.model_dump_json(),
            headers={**self.headers},
        )

    def as_result(self) -> dict[str, Any]:
        """As the function returns it where no route has been reached."""
        return {
            "statusCode": int(self.status),
            "headers": {"Content-Type": PROBLEM_JSON, **self.headers},
            "body": self.shape.model_dump_json(),
            "isBase64Encoded": False,
        }


def of_refused(refused: Refused) -> Problem:
    """What would refuse the upload refuses its announcement."""
    return Problem(refused.code, refused.message)


def of_unavailable(_unavailable: Unavailable) -> Problem:
    """The caller may try again."""
    logger.exception("a dependency is unavailable")
    return Problem(
        ProblemCode.DATABASE_UNAVAILABLE,
        "The database is out of reach; try again in a moment.",
        retry_after=str(RETRY_AFTER_SECONDS),
    )


def of_not_storable(_not_storable: NotStorable) -> Problem:
    """What the database can't take, nobody can have stored. Routes say more where they know which value it is."""
    logger.warning("a value of a request was none that the database takes")
    return Problem(ProblemCode.INVALID_REQUEST, "The request holds a value that can't be stored or looked for.")


def of_anything(_error: Exception) -> Problem:
    """A fault of ours. The log has the stack, the answer hasn't."""
    logger.exception("a request could not be answered")
    return Problem(ProblemCode.INTERNAL_ERROR, "Something went wrong on our side; it has been logged.")


# What is no id names nothing, so a path with it leads nowhere.
_NAMED_BY_PATH: Final = {
    ("path", "batchId"): (ProblemCode.NO_SUCH_BATCH, "batch"),
    ("path", "uploadId"): (ProblemCode.NO_SUCH_UPLOAD, "upload"),
}


def of_validation(invalid: RequestValidationError) -> Problem:
    """What the caller sent breaks a rule; what we would have answered must not, but has this class too."""
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
    """Our own rule's sentence, which pydantic puts words in front of; of any other rule pydantic's."""
    ours = fault.get("ctx", {}).get("error") if fault["type"] == "value_error" else None
    return str(ours or fault["msg"]).rstrip(".")
