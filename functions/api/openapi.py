"""The OpenAPI document at /openapi.json, readable at /docs, and the answers that each route documents."""

import re
from base64 import b64encode
from hashlib import sha256
from typing import Any, Final

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.middlewares import NextMiddleware
from aws_lambda_powertools.event_handler.openapi.models import HTTPBearer, OpenAPI, Tag
from aws_lambda_powertools.event_handler.openapi.params import Path
from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse

from api.field_descriptions import describe
from api.problems import PROBLEM_JSON, STATUS, Code, ProblemCode, ProblemShape
from api.route_rights import SCHEME
from ingestion.database.tables.idempotency_keys import KEPT_HOURS

TITLE: Final = "Kintell Ingest"
VERSION: Final = "1.0.0"
DESCRIPTION: Final = (
    "Imports Kintell's CSV exports: send a file, see the outcome of each of its rows, and trace a session back to the "
    "row and the file that it came from. Errors are RFC 9457 problems with a stable `code`. Lists take `limit` and "
    "`cursor` and return `items` and `nextCursor`, which is null on the last page. Every POST takes an "
    f"`Idempotency-Key`: a request sent again with the same key and body within {KEPT_HOURS} hours gets the same "
    "answer and is not carried out again."
)
TAGS: Final = {
    "Imports": "Batches: attempts to import a file",
    "Uploads": "Files before they become batches",
    "Lineage": "The way from a figure back to its row",
    "Service": "The system itself",
}
ANYWHERE: Final[tuple[Code, ...]] = (ProblemCode.INTERNAL_ERROR, ProblemCode.DATABASE_UNAVAILABLE)

_INLINE: Final = {name: re.compile(rf"<{name}>(.*?)</{name}>", re.DOTALL) for name in ("script", "style")}

GUARDED: Final[tuple[Code, ...]] = (ProblemCode.UNAUTHENTICATED, ProblemCode.FORBIDDEN)


class DescribedApi(APIGatewayHttpResolver):
    """A resolver whose OpenAPI document describes every field."""

    def get_openapi_schema(self, **given: Any) -> OpenAPI:
        """Powertools' document, with descriptions."""
        return describe(super().get_openapi_schema(**given))


def path_parameter(name: str, description: str) -> Any:
    """A path parameter under its public name."""
    return Path(alias=name, description=description)


def answers(model: Any, *codes: Code, status: int = 200) -> dict[int, OpenAPIResponse]:
    """The answers of a route: *model*, or a problem with one of these codes.

    Unless both are spelled out, Powertools omits its own 200 and adds a 422 in a shape that we don't serve.
    """
    found: dict[int, OpenAPIResponse] = {
        status: {"description": "As asked for", "content": {"application/json": {"model": model}}}
    }
    for code in (ProblemCode.INVALID_REQUEST, *GUARDED, *codes, *ANYWHERE):
        problem = found.setdefault(int(STATUS[code]), _problem())
        problem["description"] = " or ".join(filter(None, (problem["description"], f"`{code.value}`")))
    return found


def without_guard(found: dict[int, OpenAPIResponse]) -> dict[int, OpenAPIResponse]:
    """The answers of a route that requires no token."""
    return {status: answer for status, answer in found.items() if status not in {STATUS[code] for code in GUARDED}}


def _problem() -> OpenAPIResponse:
    return {"description": "", "content": {PROBLEM_JSON: {"model": ProblemShape}}}


def redirect(to: str) -> OpenAPIResponse:
    """A 302, whose body is empty."""
    return {
        "description": to,
        "headers": {"Location": {"description": to, "schema": {"type": "string"}}},
        "content": {},
    }


def serve_documents(api: APIGatewayHttpResolver) -> None:
    """Add /openapi.json and /docs; last, when all other routes are there."""
    api.configure_openapi(
        title=TITLE,
        version=VERSION,
        description=DESCRIPTION,
        security_schemes={
            SCHEME: HTTPBearer(
                description="A token from the issuer that the deployment names; the local system requires none"
            )
        },
        tags=[Tag(name=name, description=about) for name, about in TAGS.items()],
    )

    @api.get("/openapi.json", include_in_schema=False, compress=True)
    def openapi() -> Response[str]:
        """The OpenAPI document, which is the same for every caller."""
        return Response(status_code=200, content_type="application/json", body=api.get_openapi_json_schema())

    # Scripts and styles are part of the page, so the browser fetches nothing from elsewhere.
    api.enable_swagger(path="/docs", compress=True, middlewares=[_with_policy])


def _with_policy(api: Any, following: NextMiddleware) -> Response[str]:
    """Add a policy under which only the scripts and styles of the page as served may run."""
    answer: Response[str] = following(api)
    page = str(answer.body)
    scripts, styles = (_hashes(_INLINE[name].findall(page)) for name in ("script", "style"))
    answer.headers["Content-Security-Policy"] = (
        f"default-src 'none'; script-src {scripts}; style-src {styles}; img-src data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return answer


def _hashes(texts: list[str]) -> str:
    digests = (b64encode(sha256(text.encode()).digest()).decode() for text in texts)
    return " ".join(f"'sha256-{digest}'" for digest in digests) or "'none'"
