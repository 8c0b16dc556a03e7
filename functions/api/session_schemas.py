"""The shapes of a session: as a batch's row left it, and with every row and file that it came from."""

from typing import Any, Literal, Self
from uuid import UUID

from api.schemas import Page, Shape, Utc, left_out


class BatchSession(Shape):
    """A session as one row of a batch inserted or updated it; a later row may have updated it again."""

    id: str
    external_session_id: str
    program_type: str
    program_instance: str
    row_number: int
    outcome: Literal["inserted", "updated"]
    participant_email: str
    volunteer_email: str
    scheduled_at: Utc
    completed_at: Utc | None
    duration_minutes: int | None
    rating: float | None
    feedback_text: str | None
    language_level: str | None
    topics: list[str] | None
    metadata: Any

    @classmethod
    def of(cls, row: dict[str, Any]) -> Self:
        """From a row of the database. Ids are texts: a JSON number may lose digits."""
        outcome = "inserted" if row["version"] == 1 else "updated"
        return cls.model_validate({**row, "id": str(row["id"]), "outcome": outcome})


class SessionVersion(Shape):
    """The content of a session at one version, 1 as inserted."""

    id: str
    external_session_id: str
    program_type: str
    program_instance: str
    version: int
    participant_email: str
    volunteer_email: str
    scheduled_at: Utc
    completed_at: Utc | None
    duration_minutes: int | None
    rating: float | None
    feedback_text: str | None
    focus_area: str | None
    language_level: str | None
    topics: list[str] | None
    metadata: Any

    @classmethod
    def of(cls, row: dict[str, Any]) -> Self:
        """From a row of the database. Ids are texts: a JSON number may lose digits."""
        return cls.model_validate({**row, "id": str(row["id"])})


class SourceBatch(Shape):
    """The batch that a version came with."""

    batch_id: UUID
    status: str
    created_at: Utc


class SourceRow(Shape):
    """`number` counts the file's data rows from 1; `line` is the row's first physical line, from 1."""

    number: int
    line: int


class SourceFile(Shape):
    """The object version in S3 that the row stands in."""

    name: str
    key: str
    version_id: str | None
    sha256: str


class EarlierVersion(Shape):
    """What a later row replaced."""

    session: SessionVersion
    batch: SourceBatch
    row: SourceRow
    file: SourceFile
    replaced_at: Utc

    @classmethod
    def of(cls, row: dict[str, Any]) -> Self:
        """From a row of the database."""
        return cls(**_sources(row), replaced_at=row["replaced_at"])


class SessionLineage(Shape):
    """What a session is and which row of which file says so; then what it was before, newest first."""

    session: SessionVersion
    batch: SourceBatch
    row: SourceRow
    file: SourceFile
    imported_by: str | None
    imported_at: Utc | None
    earlier_versions: list[EarlierVersion]
    next_cursor: str | None = left_out()

    @classmethod
    def of(cls, now: dict[str, Any], earlier: Page[EarlierVersion]) -> Self:
        """From a row of the database and a page of what was before."""
        return cls(
            **_sources(now),
            imported_by=now["imported_by"],
            imported_at=now["imported_at"],
            earlier_versions=earlier.items,
            next_cursor=earlier.next_cursor,
        )


def _sources(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "session": SessionVersion.of(row),
        "batch": SourceBatch(batch_id=row["batch_id"], status=row["batch_status"], created_at=row["batch_created_at"]),
        "row": SourceRow(number=row["row_number"], line=row["line"]),
        "file": SourceFile(name=row["file_name"], key=row["key"], version_id=row["version_id"], sha256=row["sha256"]),
    }
