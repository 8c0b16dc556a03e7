"""Where the records of a programme go: the table they are merged into, and what makes two rows the same.

Reconciling, merging and undoing are written once for all record types, for a `Target` derived from the `RecordType`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from ingestion.records import PERSON, SESSION, Kind, RecordType
from ingestion.records.record_type import Field, Part
from ingestion.rows.columns import ColumnPlan
from ingestion.values.ratings import Scale

PLACE_OF_STAGED = ("chunk", "shard", "row_number", "line")


@dataclass(frozen=True, slots=True)
class Target:
    """A table, its versions and the staged rows that are merged into it."""

    table: str
    versions: str
    version_of: str
    """The column of `versions` that refers to `table`."""
    staged: str
    """The table that staging tables are modelled on."""
    staged_columns: tuple[str, ...]
    """The columns of a staged row, in the order of COPY."""
    key: str
    """Unique in the table, or in the programme if `scope` says so; a key belongs to one shard."""
    people: tuple[Field, ...]
    """The fields with the addresses of a staged row's people."""
    content: tuple[str, ...]
    """The columns that an update changes."""
    ratings: Mapping[str, str]
    """The columns that are stored from 0 to 1 whatever the file's scale, each with its staged column."""
    kept: tuple[str, ...] = ()
    """Columns that no update changes: the first value wins."""
    scope: tuple[str, ...] = ()
    """Columns that are the same for all rows of a batch, given as parameters of these names."""

    @property
    def owners(self) -> tuple[str, ...]:
        """The people of a row: a row with the same key but other people is rejected."""
        return tuple(field.id_name for field in self.people)

    @property
    def ids_name_rows(self) -> bool:
        """Whether a row's id identifies the batch and the row that inserted it (see `inserted_by_batch`)."""
        return bool(self.scope)

    def of_batch(self, row: str, id_column: str = "id") -> str:
        """SQL: *row* of the table, or of its versions, has the content that the batch :batch_id gave it."""
        if not self.ids_name_rows:
            return f"{row}.batch_id = :batch_id"
        named = f"{inserted_by_batch(f'{row}.{id_column}')} AND {row}.version = 1"
        return f"{row}.batch_id = :batch_id AND ({named} OR {row}.version > 1)"


def inserted_by_batch(record_id: str) -> str:
    """SQL: the batch :batch_id inserted the record with this id, even if it has changed since.

    The id is number of the batch * 2^30 + number of the row (migrations/0001). In a subquery, a function is called once
    for each statement instead of once for each row.
    """
    return f"{record_id} BETWEEN (SELECT first_session_id(:batch_id)) AND (SELECT last_session_id(:batch_id))"


def of_later_row(row: str) -> str:
    """SQL: *row* has the content that an updating row of the batch :batch_id gave it."""
    return f"{row}.batch_id = :batch_id AND {row}.version > 1"


@cache
def target_of(record: RecordType) -> Target:
    """Return the target of records of this type."""
    people = record.people
    content = record.of_part(Part.CONTENT)
    return Target(
        table=record.table,
        versions=record.versions,
        version_of=record.version_of,
        staged=record.staged,
        staged_columns=(
            *PLACE_OF_STAGED,
            record.key.staged,
            *(field.id_name for field in people),
            *(field.staged for field in record.fields if field is not record.key),
        ),
        key=record.key.name,
        people=people,
        content=tuple(field.name for field in content),
        ratings={field.name: field.staged for field in content if field.has_scale},
        kept=tuple(field.name for field in record.of_part(Part.KEPT)),
        scope=("program_type", "program_instance_id") if record.kind is Kind.SESSIONS else (),
    )


SESSIONS = target_of(SESSION)
PEOPLE = target_of(PERSON)


def fields_of(plan: ColumnPlan) -> frozenset[str]:
    """Return the target's columns that a file has."""
    filled = {column.fills for column in plan.programme.columns if column.name in plan.indexes}
    return frozenset(field.name for field in plan.programme.record.fields if field.staged in filled)


def staged_value(target: Target, column: str, scale: Scale | None) -> str:
    """Return SQL for the stored value of a staged row `r` in a column; ratings are stored from 0 to 1."""
    if column not in target.ratings:
        return f"r.{column}"
    if scale is Scale.ZERO_TO_ONE:
        return f"r.{target.ratings[column]}"
    # (r - 1) / 4 without the digits that a division adds.
    return f"trim_scale((r.{target.ratings[column]} - 1) * 0.25)"
