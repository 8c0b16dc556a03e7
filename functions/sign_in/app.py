"""SignIn: browsers sign in here, and sign out of the issuer. It runs outside the private network, where it can reach
the issuer but no data."""

from functools import cache
from typing import Any
from urllib.parse import urlencode

from aws_lambda_powertools.utilities.typing import LambdaContext

from ingestion.aws.secrets import read_secret
from ingestion.config import settings
from ingestion.errors import Unavailable
from ingestion.sign_in.http_edge import guard, regular_texts
from ingestion.telemetry import logger
from sign_in.code_flow import Answer, begin, finish, leave_issuer
from sign_in.oidc_issuer import SignInFailed


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Answer with a redirect, always; the dashboard has the pages."""
    try:
        answer = _answer(regular_texts(event))
    except SignInFailed as failed:
        logger.warning("nobody was signed in", reason=failed.reason, detail=str(failed))
        answer = _sorry(failed.reason)
    except Unavailable:
        logger.exception("nobody can be signed in")
        answer = _sorry("unreachable")
    headers = {"Location": answer.location}
    return guard({"statusCode": 303, "headers": headers, "cookies": list(answer.cookies), "body": ""}, event)


def _sorry(reason: str) -> Answer:
    return Answer(f"/sign-in-failed?{urlencode({'reason': reason})}")


def _answer(event: dict[str, Any]) -> Answer:
    route = (event["requestContext"]["http"]["method"], event["rawPath"])
    if route == ("GET", "/logout"):
        return leave_issuer(settings(), event)
    key = _key(settings().cookie_key_arn)
    return finish(settings(), key, event) if route == ("GET", "/callback") else begin(settings(), key, event)


@cache
def _key(arn: str) -> bytes:
    return read_secret(arn).encode()
