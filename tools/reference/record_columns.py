"""cli/record_columns.json: what `kintell sessions` lists of a record; the command itself knows nothing but HTTP."""

import json
from typing import Any, Final

from pydantic.alias_generators import to_camel

from ingestion.records import SESSION, Field, RecordType
from ingestion.records.record_type import Part, Type

_TOO_LONG: Final = frozenset({Type.TEXT, Type.LABEL, Type.TEXTS, Type.JSON})
"""What is no key and no person and of these types would fill the terminal."""
_KEY, _DATE, _PEOPLE, _TIMES, _OTHERS = 0, 2, 3, 5, 7
"""Ranks: on a narrow terminal the highest goes first. The columns that frame the record have the others."""


def render() -> str:
    """The whole file."""
    columns = {to_camel(field.name): _column(field, SESSION) for field in SESSION.fields if _is_listed(field)}
    left_out = [to_camel(field.name) for field in SESSION.fields if not _is_listed(field)]
    return json.dumps({"columns": columns, "leftOut": left_out}, indent=2, ensure_ascii=False) + "\n"


def _is_listed(field: Field) -> bool:
    return field.part in (Part.KEY, Part.PERSON) or field.type not in _TOO_LONG


def _column(field: Field, record: RecordType) -> dict[str, Any]:
    return {
        "header": field.label.short or field.label.en,
        "rank": _rank(field, record),
        "isTime": field.type is Type.MOMENT,
        "isNumber": field.is_amount,
        "mayBeCut": field.type is Type.TEXT,
    }


def _rank(field: Field, record: RecordType) -> int:
    if field is record.key:
        return _KEY
    if field.name == record.dated_by:
        return _DATE
    if field in record.people:
        return _PEOPLE + record.people.index(field)
    if field.type is Type.MOMENT:
        return _TIMES
    others = [one for one in record.stored if one.type is not Type.MOMENT and _is_listed(one)]
    return _OTHERS + others.index(field)
