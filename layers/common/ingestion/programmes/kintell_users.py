"""The roster of people: who they are and in which role they joined; the only file whose rows are not sessions."""

from ingestion import cells, dates
from ingestion.programmes.programme import Column, Kind, Programme

VOLUNTEERS = frozenset({"advisor", "mentor", "tutor"})


def role(_field: str, text: str) -> str:
    """Advisors, mentors and tutors are volunteers; anyone else, said or not, is a participant."""
    return "volunteer" if text.strip(cells.BLANKS).lower() in VOLUNTEERS else "participant"


KINTELL_USERS = Programme(
    program_type="kintell_users",
    name="Kintell users",
    kind=Kind.PEOPLE,
    aliases=("users",),
    telltale_columns=frozenset({"linkedin_url", "role_when_joined", "joined_kg_at"}),
    columns=(
        Column(name="email", fills="email", rule=cells.email, required=True),
        Column(name="name", fills="name", rule=cells.text_up_to(255)),
        Column(name="linkedin_url", fills="linkedin_url", rule=cells.text_up_to(500)),
        Column(name="verification_status", fills="verification_status", rule=cells.text_up_to(100)),
        Column(name="role_when_joined", fills="role", rule=role),
        Column(name="grant_access", fills="grant_access", rule=cells.text_up_to(100)),
        Column(name="joined_kg_at", fills="joined_at", rule=dates.date),
    ),
)
