"""What API Gateway hands over (payload 2.0), made regular before it is routed, and who the caller is."""

import json
from base64 import b64decode
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, unquote

from ingestion.rights import name_of
from serve.problems import Problem, ProblemCode
from serve.rights import claims_of

MAX_BODY_BYTES: Final = 64 * 1024
LOCAL_CALLER: Final = "local"

_SESSIONS: Final = "/v1/sessions/"
_LINEAGE: Final = "/lineage"


def caller(event: Mapping[str, Any]) -> str:
    """The authenticated caller's email address, or subject; `local` where nobody had to authenticate."""
    return name_of(claims_of(event)) or LOCAL_CALLER


def regular(event: Mapping[str, Any]) -> dict[str, Any]:
    """The event with its path encoded in one way and its body as text. Raises Problem."""
    texts = (unquote(event["rawPath"]), *(event.get("queryStringParameters") or {}).values())
    if any("\0" in text for text in texts):
        raise Problem(ProblemCode.INVALID_REQUEST, "The address holds a NUL character.")
    return {**event, "rawPath": _path(event["rawPath"]), "body": _body(event), "isBase64Encoded": False}


def _path(raw_path: str) -> str:
    """API Gateway decodes the path, all but `%25`. Encoded again, each part of it has only what routes match.

    The id of a session may hold anything, also slashes: it is what stands before the last `/lineage`.
    """
    path = unquote(raw_path)
    if path.startswith(_SESSIONS) and path.endswith(_LINEAGE):
        session_id = path[len(_SESSIONS) : -len(_LINEAGE)]
        return f"{_SESSIONS}{quote(session_id, safe='')}{_LINEAGE}"
    return quote(path, safe="/")


def _body(event: Mapping[str, Any]) -> str | None:
    body: str | None = event.get("body")
    if not body:
        return None
    # Base64 takes four characters for three bytes.
    if len(body) > MAX_BODY_BYTES * 4 / 3 + 4:
        raise _too_large()
    if event.get("isBase64Encoded"):
        try:
            body = b64decode(body, validate=True).decode()
        except ValueError as wrong:
            raise Problem(ProblemCode.NOT_JSON, "The body is not text in UTF-8.") from wrong
    if len(body.encode("utf-8", "surrogatepass")) > MAX_BODY_BYTES:
        raise _too_large()
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    # Any other type, or none, could be sent by a form or a script on a page from elsewhere.
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise Problem(ProblemCode.UNSUPPORTED_MEDIA_TYPE, "Send JSON, with Content-Type: application/json.")
    return body


def _too_large() -> Problem:
    return Problem(ProblemCode.BODY_TOO_LARGE, f"The body has more than {MAX_BODY_BYTES:,} bytes.")


def read_json(text: str) -> Any:
    """The body's value: standard JSON, without NaN and Infinity. Raises Problem."""
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as wrong:
        raise Problem(ProblemCode.NOT_JSON, "The body is not JSON.") from wrong


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
