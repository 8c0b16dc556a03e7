"""Keyset cursors: a page starts after the key of the last row of the previous page. So no row is skipped or repeated
when new rows arrive in between, however many rows share a timestamp.

A cursor is opaque to callers: base64url of the list's kind and that key, as JSON. Anybody may send one, so only the
exact text that a page could have returned is accepted.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import AwareDatetime, Field, TypeAdapter

from api.problems import Problem, ProblemCode
from api.schemas import Page

K = TypeVar("K", bound=tuple[Any, ...])
T = TypeVar("T")

DEFAULT_LIMIT = 50
MAX_LIMIT = 200
MAX_PAGE_BYTES = 4_000_000
"""Lambda limits an answer to 6 MB: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Maximum number of items on a page")]
Cursor = Annotated[str | None, Query(description="`nextCursor` of the previous page", max_length=400)]

_Int = Annotated[int, Field(ge=0, lt=2**31)]
_BigInt = Annotated[int, Field(ge=0, lt=2**63)]
# Far from the ends of the calendar, where a change of offset would leave the range of datetime.
_Moment = Annotated[AwareDatetime, Field(ge=datetime(1970, 1, 1, tzinfo=UTC), lt=datetime(2970, 1, 1, tzinfo=UTC))]


class Ordered(Generic[K]):
    """The order of a kind of list: *columns* make up the key, and *shape* gives their types."""

    def __init__(self, kind: str, shape: Any, columns: tuple[str, ...]) -> None:
        self._kind = kind
        self._columns = columns
        self._cursor: TypeAdapter[tuple[str, K]] = TypeAdapter(tuple[str, shape])

    def after(self, cursor: str | None) -> K | None:
        """The key after which the page starts; None for the first page. Raises Problem."""
        if cursor is None:
            return None
        try:
            text = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
            kind, key = self._cursor.validate_json(text, strict=True)
            if (kind, self._written(key)) != (self._kind, cursor):
                raise ValueError("no page has returned this")
        except ValueError as wrong:
            raise Problem(
                ProblemCode.INVALID_CURSOR,
                "This cursor belongs to another list; use the nextCursor of the previous page.",
            ) from wrong
        return key

    def page(self, found: list[dict[str, Any]], limit: int, shape: Callable[[dict[str, Any]], T]) -> Page[T]:
        """Make a page of the rows in *found*, which holds one row more than *limit* if another page follows."""
        shown = found[: _fitting(found[:limit])]
        has_more = len(found) > len(shown)
        return Page(items=[shape(row) for row in shown], next_cursor=self._behind(shown[-1]) if has_more else None)

    def _behind(self, row: dict[str, Any]) -> str:
        key: Any = tuple(row[column] for column in self._columns)
        return self._written(key)

    def _written(self, key: K) -> str:
        return urlsafe_b64encode(self._cursor.dump_json((self._kind, key))).decode().rstrip("=")


def _fitting(found: list[dict[str, Any]]) -> int:
    """How many of these rows fit into one answer: at least one, if there are any."""
    size = 0
    for number, row in enumerate(found):
        size += sum(len(str(value).encode()) for value in row.values())
        if size > MAX_PAGE_BYTES and number:
            return number
    return len(found)


NEWEST_FIRST = Ordered[tuple[datetime, UUID]]("newest", tuple[_Moment, UUID], ("created_at", "id"))
BY_ROW = Ordered[tuple[int]]("row", tuple[_Int], ("row_number",))
BY_VERSION = Ordered[tuple[int]]("version", tuple[_Int], ("version",))
BY_ID = Ordered[tuple[int]]("id", tuple[_BigInt], ("id",))
