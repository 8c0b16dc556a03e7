"""How each value of a row came from its cell: the text, and the rule that turned one into the other.

The rules are those of an import (`validate`), with the settings of the batch, so what is explained is what was stored.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from ingestion.catalogue import Text
from ingestion.faults import Fault, RawRow, RawRows
from ingestion.records import Field
from ingestion.records.record_type import Type
from ingestion.records.rule_words import NO_COLUMN, NOTHING, REJECTED, SCALES
from ingestion.rows.columns import ColumnPlan
from ingestion.rows.formulas import restore
from ingestion.rows.validation import Validated, validate
from ingestion.values.ratings import Scale, normalised


class ReadWith(NamedTuple):
    """What a file was read with."""

    plan: ColumnPlan
    scale: Scale | None
    now: datetime
    """When it was read: dates may not be too long ago."""


class Explained(NamedTuple):
    """A field of a row. Without a cell, the file has no such column."""

    field: Field
    value: Any
    """As it is stored; None if the row was rejected."""
    column: int | None
    """The column of the file, from 0."""
    read_as: str | None
    """The text that was read; of a corrected file it may be another than that of the cell."""
    rule: Text


def explain(row: RawRow, settings: ReadWith) -> tuple[list[Explained], tuple[Fault, ...]]:
    """Explain each field of a row with as many cells as the header; and the row's faults, if it has any."""
    plan = settings.plan
    validated = validate(RawRows.of([row]), plan, now=settings.now, scale=settings.scale)
    faults = validated.rejects[0].faults if validated.rejects else ()
    fields = plan.programme.record.fields
    return [_explained(field, row, validated, settings) for field in fields if _is_of(field, plan)], faults


def read_stored(rows: RawRows, read_with: ReadWith) -> Iterator[tuple[int, dict[str, Any]]]:
    """Read rows, and give the number of each valid one and its values, as they are stored, by field.

    Fields of which the file has no column are left out.
    """
    plan = read_with.plan
    validated = validate(rows, plan, now=read_with.now, scale=read_with.scale)
    fields = [field for field in plan.programme.record.fields if field.staged in validated.cells]
    columns = [_as_read_back(field, stored_values(validated, field, read_with.scale)) for field in fields]
    names = [field.name for field in fields]
    for number, *values in zip(validated.columns["row_number"], *columns, strict=True):
        yield number, dict(zip(names, values, strict=True))


def _as_read_back(field: Field, values: Sequence[Any]) -> Sequence[Any]:
    """JSON as the database hands it out."""
    if field.type is not Type.JSON:
        return values
    return [None if value is None else json.loads(value) for value in values]


def stored_values(validated: Validated, field: Field, scale: Scale | None) -> Sequence[Any]:
    """Return the values of a field as they are stored; JSON as text."""
    values = validated.columns[field.staged]
    if field.has_scale:
        return [None if value is None else _on_scale(value, scale) for value in values]
    return [list(value) or None for value in values] if field.type is Type.TEXTS else values


def _on_scale(value: Decimal, scale: Scale | None) -> Decimal:
    return value if scale is None else normalised(value, scale)


def _is_of(field: Field, plan: ColumnPlan) -> bool:
    return any(column.fills == field.staged for column in plan.programme.columns)


def _explained(field: Field, row: RawRow, validated: Validated, settings: ReadWith) -> Explained:
    plan = settings.plan
    column = plan.programme.column_of(field.staged)
    index = plan.indexes.get(column.name)
    if index is None:
        return Explained(field, None, None, None, NO_COLUMN)
    text = restore(row.cells[index]) if plan.is_error_file else row.cells[index]
    if validated.rejects:
        return Explained(field, None, index, text, REJECTED)
    value = stored_values(validated, field, settings.scale)[0]
    if value is None:
        return Explained(field, None, index, text, NOTHING)
    value = _as_read_back(field, [value])[0]
    return Explained(field, value, index, text, filled_in(column.in_words, _gaps(settings)))


def filled_in(text: Text, gaps: Mapping[str, Text]) -> Text:
    """Fill in a rule's sentence."""
    return Text(text.read("en", gaps), text.read("nb", gaps))


def _gaps(settings: ReadWith) -> dict[str, Text]:
    zone = str(settings.plan.declared.zone or "UTC")
    return {"zone": Text(zone, zone), "scale": SCALES[settings.scale]}
