"""Renders pages: a template, the reader's language, and headers that restrict a page to our own content.

Anything from a file, a header or a cell is text: Jinja always escapes it, and the Content-Security-Policy lets only
scripts and styles run that we serve.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.shared.cookies import Cookie, SameSite
from markupsafe import Markup

from api.caller import caller_of
from api.problems import Problem
from api.route_rights import Right, RightMissing, held
from dashboard import WEB
from dashboard.assets import addresses
from dashboard.charts import shares
from dashboard.reader_language import LANGUAGES, Words, language_of
from ingestion.aws.s3 import address_of
from ingestion.config import Authentication, settings
from ingestion.database.connection import to_json
from ingestion.records import PROGRAMMES

if TYPE_CHECKING:
    from jinja2 import Environment

HTML: Final = "text/html; charset=utf-8"
_A_YEAR: Final = 365 * 24 * 60 * 60

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'{uploads}; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


def page(event: Mapping[str, Any], template: str, status: int = 200, **values: Any) -> Response[str]:
    """Render the template with these values in the caller's language."""
    language = language_of(event)
    body = _environment(language).get_template(template).render(_frame(event, language), **values)
    query = event.get("queryStringParameters") or {}
    chosen = [_remember(language)] if query.get("lang") == language else []
    return Response(status_code=status, content_type=HTML, body=body, headers=_headers(), cookies=chosen)


def problem_page(event: Mapping[str, Any], problem: Problem) -> Response[str]:
    """A problem as a page."""
    right = problem.right if isinstance(problem, RightMissing) else None
    answer = page(event, "problem.html", int(problem.status), problem=problem.shape, right=right)
    answer.headers.update(problem.headers)
    return answer


def page_as_result(answer: Response[str]) -> dict[str, Any]:
    """The page as the function's result if no route has run."""
    headers = {"Content-Type": str(answer.content_type), **answer.headers}
    return {"statusCode": answer.status_code, "headers": headers, "body": answer.body, "isBase64Encoded": False}


def redirect_to(path: str) -> Response[str]:
    """Redirect to another page."""
    return Response(status_code=303, content_type=HTML, body="", headers={"Location": path})


def wants_page(event: Mapping[str, Any]) -> bool:
    """Whether a browser asks for a page, not for a route of the API."""
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    return "text/html" in headers.get("accept", "") and not str(event.get("rawPath", "")).startswith("/v1/")


def _headers() -> dict[str, str | list[str]]:
    # Uploads go straight to S3, and only to the folder of incoming files.
    uploads = f" {address_of(settings().uploads_bucket)}incoming/"
    return {
        "Content-Security-Policy": POLICY.format(uploads=uploads),
        "Referrer-Policy": "same-origin",
        "Vary": "Accept-Language, Cookie",
    }


def _remember(language: str) -> Cookie:
    return Cookie(
        name="lang",
        value=language,
        path="/",
        max_age=_A_YEAR,
        same_site=SameSite.LAX_MODE,
        http_only=True,
        # Not Secure: the cookie holds no secret, and the local system has no TLS.
        secure=False,
    )


def _frame(event: Mapping[str, Any], language: str) -> dict[str, Any]:
    """Values for the frame around every page."""
    known = caller_of(event)
    # A path that starts with two slashes would be an address on another host.
    path = "/" + str(event.get("rawPath") or "").lstrip("/\\")
    query = {name: value for name, value in (event.get("queryStringParameters") or {}).items() if name != "lang"}
    others = {
        code: f"{quote(path, safe='/%:')}?{urlencode({**query, 'lang': code})}"
        for code in LANGUAGES
        if code != language
    }
    may = held(event)
    return {
        "path": path,
        "caller": known.actor.name if known else None,
        "is_local": settings().authentication is Authentication.NONE,
        "is_known": known is not None,
        "may_read": Right.IMPORTS_READ in may,
        "may_write": Right.IMPORTS_WRITE in may,
        "may_read_errors": Right.ERRORS_READ in may,
        "other_languages": others,
    }


@cache
def _environment(language: str) -> "Environment":
    # Imported with the first page, so that calls of the API don't wait for it.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    words = Words(language)
    environment = Environment(
        loader=FileSystemLoader(WEB / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals.update(
        words=words,
        t=words.t,
        n=words.n,
        label=words.label,
        has_text=words.has,
        asset=addresses().__getitem__,
        languages=LANGUAGES,
        programmes=PROGRAMMES,
        when=when,
        programme_name=programme_name,
        address=address,
        shares=shares,
    )
    environment.filters.update(
        number=words.number,
        size=words.size,
        span=words.span,
        month=words.month,
        day=words.day,
        segment=_segment,
        json=to_json,
    )
    return environment


def when(at: datetime | None) -> Markup:
    """A time in UTC, which hovering shows; a script rewrites it in the reader's time zone and format."""
    if at is None:
        return Markup("–")
    utc = at.astimezone(UTC)
    return Markup('<time datetime="{iso}" title="{full} UTC">{short} UTC</time>').format(
        iso=utc.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        full=f"{utc:%Y-%m-%d %H:%M:%S}",
        short=f"{utc:%Y-%m-%d %H:%M}",
    )


def programme_name(program_type: str | None) -> str:
    """The programme's name, or its id if the programme no longer exists."""
    programme = PROGRAMMES.get(program_type or "")
    return programme.name if programme else program_type or ""


def address(path: str, **query: Any) -> str:
    """A path with those parameters that have a value."""
    given = {name: value for name, value in query.items() if value not in (None, "", False)}
    return f"{path}?{urlencode(given)}" if given else path


def _segment(text: object) -> str:
    """Encode as one segment of a path."""
    return quote(str(text), safe="")
