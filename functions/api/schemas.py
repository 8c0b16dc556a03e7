"""What all answers have in common: camelCase names, times in UTC, paged lists."""

from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

T = TypeVar("T")

Utc = Annotated[datetime, AfterValidator(lambda at: at.astimezone(UTC))]
"""A time that is serialised with a `Z`."""


def left_out() -> Any:
    """The default of a field that the answer omits when it is null."""
    return Field(default=None, exclude_if=lambda value: value is None)


class Shape(BaseModel):
    """A JSON object of the API: snake_case here, camelCase outside."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, validate_by_alias=True, frozen=True)


class Page(Shape, Generic[T]):
    """A part of a list. `nextCursor` is null on the last."""

    items: list[T]
    next_cursor: str | None
