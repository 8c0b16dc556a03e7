"""Idempotency-Key: a request that is sent again, as after a lost answer, is answered again and not carried out again.

Keys are the caller's own, and each route's: nobody meets the answer of somebody else.
"""

import re
from collections.abc import Callable, Mapping
from hashlib import sha256
from http import HTTPStatus
from typing import Any, Final

from api.caller import caller
from api.problems import Problem, ProblemCode
from api.routing import database
from ingestion.database.tables import idempotency_keys
from ingestion.database.tables.idempotency_keys import Request

HEADER: Final = "idempotency-key"
LONGEST_KEY: Final = 255
_KEY: Final = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?")
_READ_ONLY: Final = frozenset({"/v1/sessions/search"})
"""Routes that only answer: to carry them out twice does no harm, and their answers hold what people are asked for."""

Answer = dict[str, Any]


def once(event: Mapping[str, Any], answer: Callable[[], Answer]) -> Answer:
    """The answer to a request; the earlier one if it has been sent before under its key. Raises Problem."""
    request = _request(event)
    if request is None:
        return answer()
    earlier = idempotency_keys.claim(database(), request)
    if earlier is None:
        return _carried_out(request, answer)
    if earlier.body_hash != request.body_hash:
        raise Problem(ProblemCode.IDEMPOTENCY_KEY_REUSED, "This Idempotency-Key was sent with another body.")
    if earlier.status is None:
        raise Problem(ProblemCode.REQUEST_IN_FLIGHT, "The first request with this Idempotency-Key is still at work.")
    is_problem = earlier.status >= HTTPStatus.BAD_REQUEST
    return {
        "statusCode": earlier.status,
        "headers": {"Content-Type": "application/problem+json" if is_problem else "application/json"},
        "body": earlier.answer,
        "isBase64Encoded": False,
    }


def _carried_out(request: Request, answer: Callable[[], Answer]) -> Answer:
    """A failure of ours is not kept: trying again may help."""
    try:
        result = answer()
    except BaseException:
        idempotency_keys.release(database(), request)
        raise
    if result["statusCode"] < HTTPStatus.INTERNAL_SERVER_ERROR:
        idempotency_keys.answered(database(), request, result["statusCode"], result["body"] or "")
    else:
        idempotency_keys.release(database(), request)
    return result


def _request(event: Mapping[str, Any]) -> Request | None:
    http, path = event["requestContext"]["http"], event["rawPath"]
    key = {name.lower(): value for name, value in (event.get("headers") or {}).items()}.get(HEADER)
    if key is None or http["method"] != "POST" or not path.startswith("/v1/") or path in _READ_ONLY:
        return None
    if not _KEY.fullmatch(key):
        raise Problem(
            ProblemCode.INVALID_REQUEST,
            f"Idempotency-Key: send 1 to {LONGEST_KEY} printable ASCII characters, such as a UUID.",
        )
    actor = caller(event)
    who = "\0".join((actor.kind, actor.issuer or "", actor.subject or actor.name))
    return Request(_hash(who), path, key, _hash(event.get("body") or ""))


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()
