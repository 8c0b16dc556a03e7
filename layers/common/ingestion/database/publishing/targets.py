"""Where the records of a programme go: the table they are merged into, and what makes two rows the same.

All record types take the same road; reconciling, merging and taking back are written once, for a `Target`, which
follows from the `RecordType`.
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
    """A table, its versions and the staged rows that are merged into it. All names are of columns."""

    table: str
    versions: str
    version_of: str
    """The column of `versions` that names the row of `table`."""
    staged: str
    """The shape of the staging table."""
    staged_columns: tuple[str, ...]
    """The columns of a staged row, in the order of COPY."""
    key: str
    """Unique in the table (within the programme, where `scope` says so); a key lives in one shard."""
    people: tuple[Field, ...]
    """The addresses that a staged row names people by."""
    content: tuple[str, ...]
    """What differs if a row is an update."""
    ratings: Mapping[str, str]
    """The content that is stored from 0 to 1 whatever the file's scale, and as what it is staged."""
    kept: tuple[str, ...] = ()
    """Content that, once there, stays: the first value wins."""
    scope: tuple[str, ...] = ()
    """Columns that are the same for all rows of a batch, given as parameters of these names."""

    @property
    def owners(self) -> tuple[str, ...]:
        """Who the row belongs to: a row of the same key but of other owners is rejected."""
        return tuple(field.id_name for field in self.people)

    @property
    def ids_name_rows(self) -> bool:
        """Whether a row's id names the batch and the row that inserted it: see `inserted_by_batch`."""
        return bool(self.scope)

    def of_batch(self, row: str, id_column: str = "id") -> str:
        """SQL: *row* of the table, or of its versions, has the content that the batch :batch_id gave it."""
        if not self.ids_name_rows:
            return f"{row}.batch_id = :batch_id"
        named = f"{inserted_by_batch(f'{row}.{id_column}')} AND {row}.version = 1"
        return f"{row}.batch_id = :batch_id AND ({named} OR {row}.version > 1)"


def inserted_by_batch(record_id: str) -> str:
    """SQL: the batch :batch_id inserted the record of this id, whatever became of it later.

    The id is number of the batch * 2^30 + number of the row (migrations/0001). In a SELECT of its own a function is
    asked once for a statement, not once for a row.
    """
    return f"{record_id} BETWEEN (SELECT first_session_id(:batch_id)) AND (SELECT last_session_id(:batch_id))"


def of_later_row(row: str) -> str:
    """SQL: *row* has the content that an updating row of the batch :batch_id gave it."""
    return f"{row}.batch_id = :batch_id AND {row}.version > 1"


@cache
def target_of(record: RecordType) -> Target:
    """Where records of this type go."""
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
    """The columns of the target that a file says something of."""
    filled = {column.fills for column in plan.programme.columns if column.name in plan.indexes}
    return frozenset(field.name for field in plan.programme.record.fields if field.staged in filled)


def staged_value(target: Target, column: str, scale: Scale | None) -> str:
    """SQL for what a staged row `r` says of a column; ratings are stored from 0 to 1."""
    if column not in target.ratings:
        return f"r.{column}"
    if scale is Scale.ZERO_TO_ONE:
        return f"r.{target.ratings[column]}"
    # (r - 1) / 4 without the digits that a division adds.
    return f"trim_scale((r.{target.ratings[column]} - 1) * 0.25)"
