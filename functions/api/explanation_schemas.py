"""The shapes of explanations: a session, or a row of a batch, field by field with the cells that they came from."""

from typing import Any, Generic, Self

from pydantic import Field as Described
from pydantic import SerializeAsAny

from api.explanations import ExplainedCell, ExplainedRow
from api.schemas import Shape, left_out
from api.session_schemas import (
    RecordVersion,
    SessionVersion,
    SourceBatch,
    SourceFile,
    SourceRow,
    V,
    sources_of,
)
from ingestion.faults import Fault
from ingestion.original import OriginalRow
from ingestion.records.answers import as_answered


class ByteRange(Shape):
    """Bytes of the file as it was uploaded: from `from` up to, but not including, `to`."""

    from_: int = Described(alias="from", description="The first byte, from 0")
    to: int = Described(description="The byte after the last one")


class ExplainedField(Shape):
    """A field, and the cell that it came from; header, text, cell and bytes are null if the file has none for it."""

    field: str = Described(description="The column's name in the programme")
    value: Any = Described(description="The value as it is stored; null if there is none")
    header: str | None = Described(description="Header of the column in the file")
    text: str | None = Described(description="Text of the cell")
    read_as: str | None = left_out()
    cell: str | None = Described(description="The cell as a spreadsheet names it, such as `D12`")
    sheet: str | None = left_out()
    row: int
    line: int
    bytes: ByteRange | None = Described(
        description="Where the cell stands in the file, with its quotes; null if the file is compressed or a workbook"
    )
    rule: str = Described(description="The rule that turned the text into the value")
    from_version: int | None = left_out()

    @classmethod
    def of(cls, field: ExplainedCell, original: OriginalRow) -> Self:
        """Build it from what was found in the row."""
        row, sheet = original.raw, original.batch.file_format.sheet
        return cls(
            field=field.name,
            value=as_answered(field.field, field.value),
            header=field.header,
            text=field.text,
            read_as=field.read_as,
            cell=field.cell,
            sheet=sheet.name if sheet and field.cell else None,
            row=row.number,
            line=row.line,
            bytes=None if field.place is None else ByteRange(**{"from": field.place[0], "to": field.place[1]}),
            rule=field.rule.en,
            from_version=field.from_version,
        )


class Explanation(Shape, Generic[V]):
    """A record, and where each of its values comes from."""

    session: V
    batch: SourceBatch
    row: SourceRow
    file: SourceFile
    fields: list[ExplainedField]

    @classmethod
    def of(cls, version: dict[str, Any], explained: ExplainedRow) -> Self:
        """Build it from a version and its row, read again."""
        return cls(
            **sources_of(version),
            fields=[ExplainedField.of(field, explained.original) for field in explained.fields],
        )


class SessionExplanation(Explanation[SessionVersion]):
    """A session, and where each of its values comes from."""


AnyExplanation = Explanation[SerializeAsAny[RecordVersion]]


class RowFault(Shape):
    """One thing that is wrong with a row."""

    code: str
    field: str
    value: str | None = Described(description="Text of the cell at fault; null if the fault is not in a single cell")
    message: str

    @classmethod
    def of(cls, fault: Fault) -> Self:
        """Build it from the fault."""
        return cls(code=fault.code.value, field=fault.field, value=fault.value, message=fault.message)


class SessionOfRow(Shape):
    """The session that a row gave, or that already had its content."""

    id: str
    version: int


class RowExplanation(Shape):
    """The outcome of a row of a batch, and how each of its cells was read."""

    batch: SourceBatch
    row: SourceRow
    file: SourceFile
    outcome: str | None = Described(
        description="`inserted`, `updated`, `unchanged`, `rejected` or `unpublished`; null if it is no longer known"
    )
    faults: list[RowFault] = Described(description="What is wrong with the row, if it was rejected")
    session: SessionOfRow | None = Described(
        description="The session that the row wrote, or that already had its content"
    )
    fields: list[ExplainedField]
    cells: list[str] | None = left_out()
