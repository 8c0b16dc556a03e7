"""Normalises API Gateway's events (payload 2.0) before they are routed."""

import json
from base64 import b64decode
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, unquote

from api.problems import Offence, Problem, ProblemCode

MAX_BODY_BYTES: Final = 64 * 1024
FORM: Final = "application/x-www-form-urlencoded"

_HALF: Final = "it holds half a surrogate pair, which is not valid text"

_SESSIONS: Final = "/v1/sessions/"
_LINEAGE: Final = "/lineage"


def regular(event: Mapping[str, Any]) -> dict[str, Any]:
    """The event with its path encoded uniformly and its body as text. Raises Problem."""
    if not _is_text(event):
        raise Problem(ProblemCode.INVALID_REQUEST, f"The address or a header is not valid: {_HALF}.")
    texts = (unquote(event["rawPath"]), *(event.get("queryStringParameters") or {}).values())
    if any("\0" in text for text in texts):
        raise Problem(ProblemCode.INVALID_REQUEST, "The address holds a NUL character.")
    return {
        **_one_spelling_of_method(event),
        "rawPath": _path(event["rawPath"]),
        "body": _body(event),
        "isBase64Encoded": False,
    }


def _one_spelling_of_method(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """Powertools reads `get` as GET; the checks that run before it must read the same method."""
    context = event["requestContext"]
    http = {**context["http"], "method": context["http"]["method"].upper()}
    return {**event, "requestContext": {**context, "http": http}}


def _path(raw_path: str) -> str:
    """Encode the path again, which API Gateway has decoded, all but `%25`: then routes match every part of it.

    A session id may hold anything, even slashes; it is what stands before the last `/lineage`.
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
            raise Problem(ProblemCode.NOT_JSON, "The body is not UTF-8 text.") from wrong
    if len(body.encode("utf-8", "surrogatepass")) > MAX_BODY_BYTES:
        raise _too_large()
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    # A form or a script on another site's page could send any other type, or none. Forms of our pages go to their own
    # addresses, which take them from our pages only.
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == FORM and not event["rawPath"].startswith("/v1/"):
        return body
    if media_type != "application/json":
        raise Problem(ProblemCode.UNSUPPORTED_MEDIA_TYPE, "Send JSON, with Content-Type: application/json.")
    return body


def _too_large() -> Problem:
    return Problem(ProblemCode.BODY_TOO_LARGE, f"The body is larger than {MAX_BODY_BYTES:,} bytes.")


def read_json(text: str) -> Any:
    """The value of the body: standard JSON, without NaN, Infinity or lone surrogates. Raises Problem."""
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
        is_text = _is_text(value)
    except (ValueError, RecursionError) as wrong:
        raise Problem(ProblemCode.NOT_JSON, "The body is not JSON.") from wrong
    if not is_text:
        fields = value.items() if isinstance(value, dict) else []
        at_fault = [name for name, each in fields if _is_text(name) and not _is_text(each)]
        errors = [Offence(field=name, message=_HALF) for name in at_fault]
        raise Problem(ProblemCode.INVALID_REQUEST, f"The body is not valid: {_HALF}.", errors or None)
    return value


def _is_text(value: Any) -> bool:
    """Whether UTF-8 can encode all strings in it: JSON allows lone surrogates, UTF-8 doesn't."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
