"""Fields that their record keeps from users without errors.read, who get null for them, in the API and on pages."""

from collections.abc import Iterable, Mapping
from typing import Any

from api.route_rights import Right, held
from ingestion.records import RecordType


def without_confidential(
    found: Iterable[dict[str, Any]], record: RecordType, event: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Rows of a record as the caller may see them."""
    hidden = dict.fromkeys(field.name for field in record.fields if field.is_confidential)
    if not hidden or Right.ERRORS_READ in held(event):
        return list(found)
    return [{**row, **hidden} for row in found]
