"""How the values of a record's fields stand in an answer of the API, and in what is kept for one."""

from datetime import UTC, datetime
from functools import cache
from typing import Annotated, Any, Final

from pydantic import AfterValidator, TypeAdapter

from ingestion.records.record_type import Field, Type

_Utc = Annotated[datetime, AfterValidator(lambda at: at.astimezone(UTC))]

TYPES: Final[dict[Type, Any]] = {
    Type.TEXT: str,
    Type.LABEL: str,
    Type.WORD: str,
    Type.INTEGER: int,
    Type.DECIMAL: float,
    Type.MOMENT: _Utc,
    Type.TEXTS: list[str],
    Type.JSON: Any,
}


def as_answered(field: Field, value: Any) -> Any:
    """Return a stored value as an answer has it."""
    if value is None:
        return None
    adapter = _adapter(field.type)
    return adapter.dump_python(adapter.validate_python(value), mode="json")


@cache
def _adapter(of: Type) -> TypeAdapter[Any]:
    return TypeAdapter(TYPES[of])
