"""Where the values of a session, or of any row of a batch, come from: cells of the upload, read again."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from api.problems import Problem, ProblemCode
from api.session_routes import get_versions
from ingestion.aws import object_keys, s3
from ingestion.catalogue import Text
from ingestion.config import settings
from ingestion.csv_file.cell_places import column_letters
from ingestion.database.connection import Connection
from ingestion.database.tables import batches
from ingestion.faults import Fault, RawRow, Reject
from ingestion.original import OriginalRow, PlacedCell, get_row
from ingestion.original_text import TooFar
from ingestion.records import Field
from ingestion.records.rule_words import KEPT
from ingestion.rows.columns import ColumnPlan
from ingestion.rows.explanations import Explained, ReadWith, explain, filled_in
from ingestion.rows.rejects import read_rejects
from ingestion.values.ratings import Scale

MOST_VERSIONS = 50
"""How many earlier versions are looked through for the one that a value was kept from."""


class ExplainedCell(NamedTuple):
    """A field of a row, and the cell that it came from, if the file has one for it."""

    field: Field
    name: str
    """The column's name in the programme."""
    value: Any
    rule: Text
    header: str | None = None
    text: str | None = None
    read_as: str | None = None
    """What was read instead of the text, if something else was."""
    cell: str | None = None
    place: tuple[int, int] | None = None
    """The bytes of the upload; None if it is packed."""
    from_version: int | None = None


class ExplainedRow(NamedTuple):
    """A row, read again."""

    original: OriginalRow
    fields: list[ExplainedCell]
    faults: tuple[Fault, ...]


def get_version(db: Connection, asked_for: str, version: int | None) -> dict[str, Any]:
    """Return a session as it is, or one of its versions, with its lineage. Raises Problem."""
    if version is None:
        return get_versions(db, asked_for, 0)[0]
    found = get_versions(db, asked_for, 1, version + 1)
    chosen = next((one for one in found if one["version"] == version), None)
    if chosen is None:
        raise Problem(ProblemCode.NO_SUCH_SESSION, f"Session {asked_for} has no version {version}.")
    return chosen


def explain_version(db: Connection, version: dict[str, Any]) -> ExplainedRow:
    """Explain each field of a version of a session. Raises Problem."""
    row = explain_row(db, version["batch_id"], version["row_number"])
    earlier: list[dict[str, Any]] | None = None
    fields: list[ExplainedCell] = []
    for field in row.fields:
        if field.header is not None or version[field.field.name] is None:
            fields.append(field)
            continue
        if earlier is None:
            earlier = get_versions(db, str(version["id"]), MOST_VERSIONS, version["version"])[1:]
        fields.append(_kept(db, field, version, earlier))
    return row._replace(fields=fields)


def _kept(
    db: Connection, field: ExplainedCell, version: dict[str, Any], earlier: list[dict[str, Any]]
) -> ExplainedCell:
    """The field of a file without its column: its value is that of the last version whose file has it."""
    value = version[field.field.name]
    for one in earlier:
        if field.name in batches.get(db, one["batch_id"]).column_plan.indexes:
            number = str(one["version"])
            rule = filled_in(KEPT, {"version": Text(number, number)})
            return field._replace(value=value, rule=rule, from_version=one["version"])
    return field._replace(value=value)


def explain_row(db: Connection, batch_id: UUID, number: int) -> ExplainedRow:
    """Explain each field of a row of a batch. Raises Problem."""
    try:
        original = get_row(db, batch_id, number, settings().work_bucket)
    except s3.NoSuchFile:
        raise Problem(ProblemCode.ORIGINAL_GONE, f"The file of batch {batch_id} has been deleted.") from None
    except s3.InColdStorage:
        detail = f"The file of batch {batch_id} is in cold storage and must be restored first."
        raise Problem(ProblemCode.ORIGINAL_IN_COLD_STORAGE, detail) from None
    except TooFar:
        detail = f"Row {number:,} lies too far into a compressed file to be read while you wait."
        raise Problem(ProblemCode.TOO_MUCH_TO_READ, detail) from None
    except LookupError:
        raise Problem(ProblemCode.NO_SUCH_ROW, f"Batch {batch_id} has no row {number:,}.") from None
    if not original.is_whole:
        return ExplainedRow(original, [], original.taken.faults if isinstance(original.taken, Reject) else ())
    batch = original.batch
    scale = Scale(batch.rating_scale) if batch.rating_scale else None
    read_with = ReadWith(batch.column_plan, scale, batch.started_at or datetime.now(UTC))
    taken = original.taken if isinstance(original.taken, RawRow) else original.raw
    fields, faults = explain(taken, read_with)
    if isinstance(original.taken, Reject):
        faults = original.taken.faults
    return ExplainedRow(original, [_placed(field, original, read_with.plan) for field in fields], faults)


def _placed(explained: Explained, original: OriginalRow, plan: ColumnPlan) -> ExplainedCell:
    name = plan.programme.column_of(explained.field.staged).name
    if explained.column is None:
        return ExplainedCell(explained.field, name, explained.value, explained.rule)
    text, place = original.raw.cells[explained.column], original.cells[explained.column]
    return ExplainedCell(
        field=explained.field,
        name=name,
        value=explained.value,
        rule=explained.rule,
        header=plan.headers[explained.column],
        text=text,
        read_as=explained.read_as if explained.read_as != text else None,
        cell=_name_of(place, original.sheet_row),
        place=place.bytes if place else None,
    )


def _name_of(place: PlacedCell | None, sheet_row: int | None) -> str | None:
    return f"{column_letters(place.column)}{sheet_row}" if place and sheet_row is not None else None


def find_kept_reject(batch_id: UUID, number: int) -> Reject | None:
    """Find a row among the rejects of its batch, while these are kept."""
    try:
        return next(_rejects(batch_id, number), None)
    except s3.NoSuchFile:
        return None


def _rejects(batch_id: UUID, number: int) -> Iterator[Reject]:
    return read_rejects(s3.blocks(settings().work_bucket, object_keys.reject_values(batch_id), None), {number})
