"""Mentors for Ukraine: mentoring sessions between a participant and a mentor."""

from ingestion.records.programme import Programme
from ingestion.records.session import COMMON, SESSION

MENTORS_UKRAINE = Programme(
    program_type="mentors_ukraine",
    name="Mentors for Ukraine",
    record=SESSION,
    session_type="mentorship",
    aliases=("mentors_for_ukraine", "mfu", "mentorship"),
    id_prefixes=("MS-", "MENTOR-"),
    telltale_columns=frozenset({"focus_area", "goals_discussed", "mentor_email"}),
    columns=(
        *SESSION.columns("external_session_id", "participant_email"),
        SESSION.field("volunteer_email").column.named(
            "mentor_email", aliases=("volunteer_email",), in_other_words=("mentor", "ментор")
        ),
        *COMMON,
        *SESSION.columns("focus_area"),
        SESSION.field("topics").column.named("goals_discussed", in_other_words=("mål", "цілі")),
    ),
)
