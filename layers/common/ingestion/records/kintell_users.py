"""The roster of people: who they are and in which role they joined; the only file whose rows are not sessions."""

import re

from ingestion.faults import Fault, FaultCode
from ingestion.file_warnings import WarningCode
from ingestion.records.programme import Column, Kind, Programme
from ingestion.values import cells, dates, emails, spreadsheets

VOLUNTEERS = frozenset({"advisor", "mentor", "tutor", "volunteer"})
PARTICIPANTS = frozenset({"learner", "mentee", "student"})

_WORD = re.compile(r"[^\W_]+")


def role(field: str, text: str) -> str | Fault:
    """Advisors, mentors, tutors and volunteers are volunteers; anyone else, said or not, is a participant."""
    value = spreadsheets.bare(text)
    if spreadsheets.is_damaged(value) and not spreadsheets.is_nothing(value):
        return Fault(FaultCode.DAMAGED_BY_SPREADSHEET, field, spreadsheets.damaged(field, value), text)
    words = _words(text)
    return "volunteer" if words & VOLUNTEERS and not words & PARTICIPANTS else "participant"


def doubt_of_role(text: str) -> WarningCode | None:
    """Whether the text names both roles, or none."""
    words = _words(text)
    is_clear = words.isdisjoint(VOLUNTEERS) != words.isdisjoint(PARTICIPANTS)
    return None if is_clear else WarningCode.ROLES_UNCLEAR


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.lower()))


KINTELL_USERS = Programme(
    program_type="kintell_users",
    name="Kintell users",
    kind=Kind.PEOPLE,
    aliases=("users",),
    fills_short_rows=True,
    telltale_columns=frozenset({"linkedin_url", "role_when_joined", "joined_kg_at"}),
    columns=(
        Column(name="email", fills="email", rule=emails.email, required=True),
        Column(name="name", fills="name", rule=cells.label_up_to(255), is_text=True),
        Column(name="linkedin_url", fills="linkedin_url", rule=cells.label_up_to(500), is_text=True),
        Column(name="verification_status", fills="verification_status", rule=cells.label_up_to(100), is_text=True),
        Column(name="role_when_joined", fills="role", rule=role, doubt=doubt_of_role),
        Column(name="grant_access", fills="grant_access", rule=cells.label_up_to(100), is_text=True),
        Column(name="joined_kg_at", fills="joined_at", rule=dates.date),
    ),
)
