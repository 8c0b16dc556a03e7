"""Who asked with a session cookie, for the access log: API Gateway knows the holders of tokens, and nothing of passes.

A line here and one there belong together by the gateway's id of the request. The name is hashed with a key: whoever
reads logs can tell one visitor from another, and follow one whose name they may know, but learns no name.
"""

import hmac
from collections.abc import Mapping
from typing import Any

from api.browsers import cookie_key
from api.caller import shown_cookie
from ingestion.sign_in.actors import Actor
from ingestion.telemetry import logger


def note(event: Mapping[str, Any], request: Mapping[str, Any], status: int) -> None:
    """Log an answer to *request*, which is *event* with what its pass said; nothing for who showed none."""
    shown = shown_cookie(request)
    if shown is not None:
        gateway_request = event.get("requestContext", {}).get("requestId")
        logger.info(
            "asked with a session cookie", gateway_request=gateway_request, status=status, visitor=hashed(shown.holder)
        )


def hashed(visitor: Actor) -> str:
    """The same for the same person of the same issuer, in this system alone."""
    who = f"access log:{visitor.issuer}\n{visitor.subject}"
    return hmac.digest(cookie_key(), who.encode(), "sha256").hex()[:16]
