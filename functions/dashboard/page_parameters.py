"""Reads the parameters of a page's address, ids, filters and cursors, and the fields of its forms."""

from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

from api.problems import Problem, ProblemCode

MAX_QUERY_CHARACTERS = 400
MAX_FIELDS = 20


def uuid_of(text: str, missing: ProblemCode, thing: str) -> UUID:
    """The id in a path. Raises Problem if it is not a UUID, since then it names nothing."""
    try:
        return UUID(text)
    except ValueError as wrong:
        raise Problem(missing, f"There is no {thing} {text}; its id is a UUID.") from wrong


def query_of(event: dict[str, Any], name: str) -> str | None:
    """A parameter of the address; None if it is absent or empty. Raises Problem."""
    text: str = (event.get("queryStringParameters") or {}).get(name, "").strip()
    if len(text) > MAX_QUERY_CHARACTERS:
        raise Problem(ProblemCode.INVALID_REQUEST, f"{name} is longer than {MAX_QUERY_CHARACTERS} characters.")
    return text or None


def form_of(event: dict[str, Any]) -> dict[str, str]:
    """The fields of a form that a page sent, the last of each name. Raises Problem."""
    try:
        fields = parse_qs(event.get("body") or "", errors="strict", max_num_fields=MAX_FIELDS)
    except ValueError as wrong:
        raise Problem(ProblemCode.INVALID_REQUEST, "The form is not valid.") from wrong
    if any("\0" in value for values in fields.values() for value in values):
        raise Problem(ProblemCode.INVALID_REQUEST, "The form holds a NUL character.")
    return {name: values[-1] for name, values in fields.items()}
