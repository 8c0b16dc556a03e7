"""Logs who made a request with a session cookie: API Gateway's access log knows tokens, but not our cookies.

The gateway's request id joins a line here to one there. The name is hashed with a key, so a reader of the logs can
tell visitors apart, and follow one whose name they already know, but learns no names.
"""

import hmac
from collections.abc import Mapping
from typing import Any

from api.caller import shown_cookie
from ingestion.aws.cookie_key import cookie_key
from ingestion.config import settings
from ingestion.sign_in.actors import Actor
from ingestion.telemetry import logger


def note(event: Mapping[str, Any], request: Mapping[str, Any], status: int) -> None:
    """Log the answer to *request*, which is *event* with the caller from its cookie; log nothing without a cookie."""
    shown = shown_cookie(request)
    if shown is not None:
        gateway_request = event.get("requestContext", {}).get("requestId")
        logger.info(
            "asked with a session cookie", gateway_request=gateway_request, status=status, visitor=hashed(shown.holder)
        )


def hashed(visitor: Actor) -> str:
    """A hash that is stable for one person of one issuer, within this system only."""
    who = f"access log:{visitor.issuer}\n{visitor.subject}"
    return hmac.digest(cookie_key(settings().work_bucket), who.encode(), "sha256").hex()[:16]
