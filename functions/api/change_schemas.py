"""The shapes of what a batch changes, row by row, and of a commit."""

from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field

from api.schemas import Shape
from ingestion.database.publishing.plans import old
from ingestion.faults import Reject
from ingestion.records import Programme
from ingestion.records.answers import as_answered


class Outcome(StrEnum):
    """What becomes, or became, of a row."""

    INSERTED = "inserted"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    REJECTED = "rejected"
    LEFT_OUT = "left_out"


class FieldChange(Shape):
    """A field that a row changes."""

    field: str = Field(description="The column's name in the programme, such as `duration_minutes`")
    before: Any = Field(description="The value that is replaced; null in a new record")
    after: Any = Field(description="The value of the row, as it is stored")


class RowChange(Shape):
    """What one row changes. Rejected rows come without their cells, which require the right `errors.read`."""

    row_number: int
    line: int | None
    external_session_id: str | None = Field(description="Id of the session in Kintell; null for a rejected row")
    outcome: Outcome = Field(description="What becomes, or became, of the row")
    session_id: str | None = Field(description="Id of the session that is stored; null if none is")
    fields: list[FieldChange] = Field(description="The fields that differ; of a new record those that have a value")

    @classmethod
    def of(cls, row: dict[str, Any]) -> Self:
        """Build it from a row that `of_record` or `of_reject` made."""
        return cls.model_validate(row)


def of_record(row: dict[str, Any], programme: Programme, hidden: frozenset[str]) -> dict[str, Any]:
    """A database row as a change, without the fields in *hidden*."""
    record = programme.record
    is_new = row["outcome"] == Outcome.INSERTED
    shown = (*record.people, *record.stored) if is_new else record.stored
    # Under the names of the programme's columns; stored content that it has no column for has that of its field.
    names = {column.fills: column.name for column in programme.columns}
    fields = [
        FieldChange(
            field=names.get(field.staged, field.name),
            before=as_answered(field, row.get(old(field.name))),
            after=as_answered(field, row[field.name]),
        )
        for field in shown
        if field.name not in hidden and row[field.name] != row.get(old(field.name))
    ]
    return {
        "row_number": row["row_number"],
        "line": row["line"],
        "external_session_id": row[record.key.name],
        "outcome": row["outcome"],
        "session_id": str(row["id"]) if row["id"] is not None and record.people else None,
        "fields": fields,
    }


def of_reject(reject: Reject) -> dict[str, Any]:
    """A rejected row as a change."""
    place = {"row_number": reject.row.number, "line": reject.row.line}
    return {**place, "external_session_id": None, "outcome": Outcome.REJECTED, "session_id": None, "fields": []}


class CommitRequest(Shape):
    """Which plan to carry out, and what to do about rows that have changed since."""

    model_config = ConfigDict(extra="forbid")

    plan_hash: Annotated[str, Field(max_length=64, description="`planHash` of the dry run, as it was shown")]
    on_change: Literal["refuse", "skip"] = Field(
        default="refuse",
        description="If the stored version of a row is another one by now: import nothing, or leave these rows out",
    )
