"""SignIn: browsers sign in here, and sign out of the issuer. It runs outside the private network, where it can reach
the issuer but no data."""

from html import escape
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from aws_lambda_powertools.utilities.typing import LambdaContext

from ingestion.aws.cookie_key import cookie_key
from ingestion.config import settings
from ingestion.errors import Unavailable
from ingestion.sign_in.http_edge import guard, may_come_from_here, regular_texts
from ingestion.telemetry import logger
from sign_in.code_flow import Answer, begin, finish, leave_issuer
from sign_in.oidc_issuer import SignInFailed

_SIGN_OUT: Final = ("POST", "/logout/issuer")
_HTML: Final = "text/html; charset=utf-8"
_NOT_ASKED_FOR_HERE: Final = "<!doctype html><title>403</title>This was not asked for by a page of this system."


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Answer with a redirect, or refuse; the pages that people read are the dashboard's."""
    request = regular_texts(event)
    if _route(request) == _SIGN_OUT and not may_come_from_here(request):
        return guard({"statusCode": 403, "headers": {"Content-Type": _HTML}, "body": _NOT_ASKED_FOR_HERE}, event)
    try:
        answer = _answer(request)
    except SignInFailed as failed:
        logger.warning("nobody was signed in or out", reason=failed.reason, detail=str(failed))
        answer = _sorry(failed.reason)
    except Unavailable:
        logger.exception("nobody can be signed in")
        answer = _sorry("unreachable")
    is_form_to_elsewhere = _route(request) == _SIGN_OUT and not answer.location.startswith("/")
    return guard(_page_that_leads_on(answer) if is_form_to_elsewhere else _redirect(answer), event)


def _redirect(answer: Answer) -> dict[str, Any]:
    return {"statusCode": 303, "headers": {"Location": answer.location}, "cookies": list(answer.cookies), "body": ""}


def _page_that_leads_on(answer: Answer) -> dict[str, Any]:
    """A browser follows no redirect of a form's to another host: the form's page says `form-action 'self'`."""
    host = escape(str(urlsplit(answer.location).hostname))
    body = f'<!doctype html><title>{host}</title><a href="{escape(answer.location)}">{host}</a>'
    headers = {"Content-Type": _HTML, "Refresh": f"0; url={answer.location}"}
    return {"statusCode": 200, "headers": headers, "cookies": list(answer.cookies), "body": body}


def _sorry(reason: str) -> Answer:
    return Answer(f"/sign-in-failed?{urlencode({'reason': reason})}")


def _answer(event: dict[str, Any]) -> Answer:
    if _route(event) == _SIGN_OUT:
        return leave_issuer(settings(), event)
    key = cookie_key(settings().work_bucket)
    return finish(settings(), key, event) if _route(event) == ("GET", "/callback") else begin(settings(), key, event)


def _route(event: dict[str, Any]) -> tuple[str, str]:
    return event["requestContext"]["http"]["method"], event["rawPath"]
