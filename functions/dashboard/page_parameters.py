"""Reads the parameters of a page's address: ids, filters, cursors."""

from typing import Any
from uuid import UUID

from api.problems import Problem, ProblemCode

MAX_QUERY_CHARACTERS = 400


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
