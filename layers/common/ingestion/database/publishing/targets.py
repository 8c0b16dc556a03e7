"""What a programme's rows become: the table they are merged into, and what makes two rows the same.

Sessions and people take the same road; reconciling, merging and taking back are written once, for a `Target`.
"""

from dataclasses import dataclass

from ingestion.records import Kind
from ingestion.rows.columns import ColumnPlan
from ingestion.values.ratings import Scale


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
    owners: tuple[str, ...]
    """Who the row belongs to: a row of the same key but of other owners is rejected."""
    content: tuple[str, ...]
    """What differs if a row is an update."""
    kept: tuple[str, ...] = ()
    """Content that, once there, stays: the first value wins."""
    scope: tuple[str, ...] = ()
    """Columns that are the same for all rows of a batch, given as parameters of these names."""
    ids_name_rows: bool = False
    """Whether a row's id names the batch and the row that inserted it: see `inserted_by_batch`."""

    def of_batch(self, row: str, id_column: str = "id") -> str:
        """SQL: *row* of the table, or of its versions, has the content that the batch :batch_id gave it."""
        if not self.ids_name_rows:
            return f"{row}.batch_id = :batch_id"
        named = f"{inserted_by_batch(f'{row}.{id_column}')} AND {row}.version = 1"
        return f"{row}.batch_id = :batch_id AND ({named} OR {row}.version > 1)"


def inserted_by_batch(session_id: str) -> str:
    """SQL: the batch :batch_id inserted the session of this id, whatever became of it later.

    The id is number of the batch * 2^30 + number of the row (migrations/0001). In a SELECT of its own a function is
    asked once for a statement, not once for a row.
    """
    return f"{session_id} BETWEEN (SELECT first_session_id(:batch_id)) AND (SELECT last_session_id(:batch_id))"


def of_later_row(row: str) -> str:
    """SQL: *row* has the content that an updating row of the batch :batch_id gave it."""
    return f"{row}.batch_id = :batch_id AND {row}.version > 1"


SESSIONS = Target(
    table="kintell_sessions",
    versions="kintell_session_versions",
    version_of="session_id",
    staged="session_rows",
    staged_columns=(
        "chunk",
        "shard",
        "row_number",
        "line",
        "external_session_id",
        "participant_id",
        "volunteer_id",
        "participant_email",
        "volunteer_email",
        "scheduled_at",
        "completed_at",
        "duration_minutes",
        "rating_given",
        "feedback_text",
        "focus_area",
        "language_level",
        "topics",
        "metadata",
    ),
    key="external_session_id",
    owners=("participant_id", "volunteer_id"),
    content=(
        "scheduled_at",
        "completed_at",
        "duration_minutes",
        "rating",
        "feedback_text",
        "focus_area",
        "language_level",
        "topics",
        "metadata",
    ),
    scope=("program_type", "program_instance_id"),
    ids_name_rows=True,
)

PEOPLE = Target(
    table="users",
    versions="user_versions",
    version_of="user_id",
    staged="person_rows",
    staged_columns=(
        "chunk",
        "shard",
        "row_number",
        "line",
        "email",
        "name",
        "linkedin_url",
        "verification_status",
        "role",
        "grant_access",
        "joined_at",
    ),
    key="email",
    owners=(),
    content=("linkedin_url", "verification_status", "grant_access", "joined_at"),
    kept=("name", "role"),
)

TARGETS = {Kind.SESSIONS: SESSIONS, Kind.PEOPLE: PEOPLE}


def fields_of(plan: ColumnPlan) -> frozenset[str]:
    """The columns of the target that a file says something of."""
    filled = {column.fills for column in plan.programme.columns if column.name in plan.indexes}
    return frozenset("rating" if name == "rating_given" else name for name in filled)


def staged_value(column: str, scale: Scale | None) -> str:
    """SQL for what a staged row `r` says of a column; ratings are stored from 0 to 1."""
    if column != "rating":
        return f"r.{column}"
    if scale is Scale.ZERO_TO_ONE:
        return "r.rating_given"
    # (r - 1) / 4 without the digits that a division adds.
    return "trim_scale((r.rating_given - 1) * 0.25)"
