"""A row of each programme, what a later file changes of it, and what may be wrong with it."""

from dataclasses import dataclass
from typing import Any

from ingestion.records import PROGRAMMES, Programme
from tests.conformance.course_completions import COURSES


@dataclass(frozen=True)
class Specimen:
    """Cells by column. `answer` is what the API says of the fields of the row."""

    programme: Programme
    row: dict[str, str]
    answer: dict[str, Any]
    change: tuple[str, str]
    changed_answer: tuple[str, Any]
    fault: tuple[str, str, str]
    """A column, a text that it can't be, and the code that says so."""

    @property
    def key(self) -> str:
        """What the row is known by."""
        return self.row[self.programme.key_column.name]

    @property
    def has_people(self) -> bool:
        """Whether the rows name people, and so have lineage, versions and pages of their own."""
        return bool(self.programme.record.people)

    def file(self, *rows: dict[str, str]) -> bytes:
        """A file of rows that differ from the specimen in these cells."""
        lines = [",".join(self.row), *(",".join({**self.row, **cells}.values()) for cells in rows)]
        return ("\n".join(lines) + "\n").encode()


SESSION = {
    "participant_email": "oksana@example.org",
    "scheduled_at": "2024-11-05T10:00:00Z",
    "completed_at": "2024-11-05T11:00:00Z",
    "duration_minutes": "60",
    "rating": "4",
    "feedback_text": "Fint",
}
SESSION_ANSWER = {
    "participantEmail": "oksana@example.org",
    "volunteerEmail": "kari@acme.com",
    "scheduledAt": "2024-11-05T10:00:00Z",
    "completedAt": "2024-11-05T11:00:00Z",
    "durationMinutes": 60,
    "rating": 0.75,
    "feedbackText": "Fint",
}

SPECIMENS = [
    Specimen(
        PROGRAMMES["mentors_ukraine"],
        row={
            "session_id": "MS-1",
            "mentor_email": "kari@acme.com",
            **SESSION,
            "focus_area": "career",
            "goals_discussed": "CV",
        },
        answer={
            "externalSessionId": "MS-1",
            **SESSION_ANSWER,
            "focusArea": "career",
            "languageLevel": None,
            "topics": ["CV"],
            "metadata": None,
        },
        change=("focus_area", "education"),
        changed_answer=("focusArea", "education"),
        fault=("duration_minutes", "an hour", "E004"),
    ),
    Specimen(
        PROGRAMMES["language_ukraine"],
        row={
            "session_id": "LS-1",
            "volunteer_email": "kari@acme.com",
            **SESSION,
            "language_level": "b1",
            "topics": "vær",
            "metadata": "7",
        },
        answer={
            "externalSessionId": "LS-1",
            **SESSION_ANSWER,
            "focusArea": None,
            "languageLevel": "B1",
            "topics": ["vær"],
            "metadata": 7,
        },
        change=("language_level", "B2"),
        changed_answer=("languageLevel", "B2"),
        fault=("language_level", "good", "E005"),
    ),
    Specimen(
        PROGRAMMES["kintell_users"],
        row={
            "email": "olena@example.org",
            "name": "Olena",
            "linkedin_url": "",
            "verification_status": "Pending",
            "role_when_joined": "Learner",
            "grant_access": "yes",
            "joined_kg_at": "2024-11-05",
        },
        answer={},
        change=("verification_status", "Verified"),
        changed_answer=("verificationStatus", "Verified"),
        fault=("joined_kg_at", "soon", "E003"),
    ),
    Specimen(
        COURSES,
        row={
            "credential": "CC-1",
            "learner": "oksana@example.org",
            "course": "Norsk A1",
            "completed_at": "2024-11-05T10:00:00Z",
            "score": "80",
        },
        answer={
            "credential": "CC-1",
            "learnerEmail": "oksana@example.org",
            "course": "Norsk A1",
            "completedAt": "2024-11-05T10:00:00Z",
            "score": 80,
        },
        change=("score", "95"),
        changed_answer=("score", 95),
        fault=("score", "101", "E006"),
    ),
]
