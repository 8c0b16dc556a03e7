"""Mentors for Ukraine: mentoring sessions of a participant and a mentor."""

from ingestion.records.programme import Column, Kind, Programme
from ingestion.records.session_columns import OUTCOME, PARTICIPANT, SESSION_ID
from ingestion.values import cells, emails

MENTORS_UKRAINE = Programme(
    program_type="mentors_ukraine",
    name="Mentors for Ukraine",
    kind=Kind.SESSIONS,
    session_type="mentorship",
    aliases=("mentors_for_ukraine", "mfu", "mentorship"),
    id_prefixes=("MS-", "MENTOR-"),
    telltale_columns=frozenset({"focus_area", "goals_discussed", "mentor_email"}),
    columns=(
        SESSION_ID,
        PARTICIPANT,
        Column(
            name="mentor_email",
            fills="volunteer_email",
            rule=emails.email,
            required=True,
            comes_again=True,
            aliases=("volunteer_email",),
        ),
        *OUTCOME,
        Column(name="focus_area", fills="focus_area", rule=cells.label_up_to(255), is_text=True),
        Column(name="goals_discussed", fills="topics", rule=cells.comma_list, is_text=True),
    ),
)
