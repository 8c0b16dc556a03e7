"""The shapes of a record: as one row of a batch wrote it, and with every row and file that it came from.

The API's document shows sessions. Records of other types have the fields of their own type.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, ClassVar, Generic, Literal, Self, TypeVar
from uuid import UUID

from pydantic import Field as Described
from pydantic import create_model

from api.schemas import Page, Shape, Utc, left_out
from ingestion.records import PROGRAMMES, SESSION, Field, RecordType
from ingestion.records.answers import TYPES


class Record(Shape):
    """A record; `shape_of` adds the fields of its type to those that every record has."""

    frame: ClassVar[dict[str, Any]] = {"program_type": str, "program_instance": str}

    @classmethod
    def of(cls, row: dict[str, Any]) -> Self:
        """Build it from a database row. Ids are strings, since a JSON number may lose digits."""
        shape: type[Self] = shape_of(cls, PROGRAMMES[row["program_type"]].record)
        return shape.model_validate({**row, "id": str(row["id"])})


class BatchRecord(Record):
    """A record as one row of a batch inserted or updated it; a later row may have updated it again."""

    frame = {**Record.frame, "row_number": int, "outcome": Literal["inserted", "updated"]}  # noqa: RUF012

    @classmethod
    def of(cls, row: dict[str, Any]) -> Self:
        """Read a row of the database."""
        return super().of({**row, "outcome": "inserted" if row["version"] == 1 else "updated"})


class RecordVersion(Record):
    """The content of a record at one version; version 1 is the record as inserted."""

    frame = {**Record.frame, "version": int}  # noqa: RUF012


R = TypeVar("R", bound=Record)


@cache
def shape_of(shape: type[R], record: RecordType) -> type[R]:
    """The shape with the fields of a record type, in the order of the answer: ids, frame, people, content."""
    own: dict[str, Any] = {
        field.name: (_type_of(field), Described(description=field.meaning)) for field in record.fields
    }
    frame = {name: (type_, ...) for name, type_ in shape.frame.items()}
    fields = {"id": (str, ...), record.key.name: own.pop(record.key.name), **frame, **own}
    return create_model(shape.__name__, __base__=shape, __doc__=shape.__doc__, __module__=__name__, **fields)


def _type_of(field: Field) -> Any:
    is_always_there = field.column.required and not field.is_confidential
    return TYPES[field.type] if is_always_there else TYPES[field.type] | None


def with_fields_of(record: RecordType) -> Callable[[type[R]], type[R]]:
    """Decorate a shape that the API's document names."""
    return lambda shape: shape_of(shape, record)


@with_fields_of(SESSION)
class BatchSession(BatchRecord):
    """A session as one row of a batch inserted or updated it; a later row may have updated it again."""


@with_fields_of(SESSION)
class SessionVersion(RecordVersion):
    """The content of a session at one version; version 1 is the session as inserted."""


class SourceBatch(Shape):
    """The batch that wrote a version."""

    batch_id: UUID
    status: str
    created_at: Utc


class SourceRow(Shape):
    """`number` counts the file's data rows from 1; `line` is the row's first physical line, from 1.

    In a workbook, `line` is the row of the sheet, and `sheet` its name.
    """

    number: int
    line: int
    sheet: str | None = left_out()


class SourceFile(Shape):
    """The object version in S3 that holds the row."""

    name: str
    key: str
    version_id: str | None
    sha256: str


V = TypeVar("V", bound=RecordVersion)


class EarlierVersion(Shape, Generic[V]):
    """A version that a later row replaced."""

    session: V
    batch: SourceBatch
    row: SourceRow
    file: SourceFile
    replaced_at: Utc

    @classmethod
    def of(cls, row: dict[str, Any]) -> Self:
        """Read a row of the database."""
        return cls(**sources_of(row), replaced_at=row["replaced_at"])


class Lineage(Shape, Generic[V]):
    """A record, the row and the file that it came from, and its earlier versions, newest first."""

    session: V
    batch: SourceBatch
    row: SourceRow
    file: SourceFile
    imported_by: str | None
    imported_at: Utc | None
    earlier_versions: list[EarlierVersion[V]]
    next_cursor: str | None = left_out()

    @classmethod
    def of(cls, now: dict[str, Any], earlier: Page[EarlierVersion[V]]) -> Self:
        """Build it from a database row and a page of earlier versions."""
        return cls(
            **sources_of(now),
            imported_by=now["imported_by"],
            imported_at=now["imported_at"],
            earlier_versions=earlier.items,
            next_cursor=earlier.next_cursor,
        )


class SessionLineage(Lineage[SessionVersion]):
    """A session, the row and the file that it came from, and its earlier versions, newest first."""


def sources_of(row: dict[str, Any]) -> dict[str, Any]:
    """Return the version, and the batch, row and file that it came from, of a database row."""
    return {
        "session": RecordVersion.of(row),
        "batch": SourceBatch(batch_id=row["batch_id"], status=row["batch_status"], created_at=row["batch_created_at"]),
        "row": SourceRow(number=row["row_number"], line=row["line"], sheet=row["sheet"]),
        "file": SourceFile(name=row["file_name"], key=row["key"], version_id=row["version_id"], sha256=row["sha256"]),
    }
