"""Who asked with a pass, for the access log: API Gateway knows the holders of tokens, and nothing of passes.

A line here and one there belong together by the gateway's id of the request. The name is hashed with a key: whoever
reads logs can tell one visitor from another, and follow one whose name they may know, but learns no name.
"""

import hmac
from collections.abc import Mapping
from typing import Any

from ingestion.telemetry import logger
from serve.incoming import caller
from serve.rights import claims_of
from serve.visiting import pass_key


def note(event: Mapping[str, Any], request: Mapping[str, Any], status: int) -> None:
    """Log an answer to *request*, which is *event* with what its pass said; nothing for who showed none."""
    if claims_of(request) and not claims_of(event):
        gateway_request = event.get("requestContext", {}).get("requestId")
        logger.info(
            "asked with a pass", gateway_request=gateway_request, status=status, visitor=hashed(caller(request))
        )


def hashed(name: str) -> str:
    """The same for the same name, in this system alone."""
    return hmac.digest(pass_key(), f"access log:{name}".encode(), "sha256").hex()[:16]
