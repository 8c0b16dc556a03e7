"""The columns that the session files of every programme share, and those known of them but not stored."""

from typing import Final

from ingestion.records.programme import Column
from ingestion.values import cells, dates, durations, emails

OLDEST_YEARS: Final = 10
LONGEST_FEEDBACK: Final = 5_000

INSTANCE_REF: Final = ("program_ref", "program_instance", "cohort_ref")
"""The columns that may name the programme instance of a file; aliases of one thing."""

SESSION_TYPE: Final = ("session_type",)
"""The column of combined exports that names the programme of each row."""

SESSION_ID: Final = Column(
    name="session_id",
    fills="external_session_id",
    rule=cells.id_up_to(255),
    at_once=cells.ids_up_to(255),
    required=True,
)
PARTICIPANT: Final = Column(
    name="participant_email", fills="participant_email", rule=emails.email, required=True, comes_again=True
)
SCHEDULED: Final = Column(
    name="scheduled_at",
    fills="scheduled_at",
    rule=dates.date,
    required=True,
    aliases=("date",),
    oldest_years=OLDEST_YEARS,
)
COMPLETED: Final = Column(name="completed_at", fills="completed_at", rule=dates.date)
DURATION: Final = Column(
    name="duration_minutes", fills="duration_minutes", rule=durations.duration, aliases=("duration_min",)
)
RATING: Final = Column(name="rating", fills="rating_given", rule=cells.rating)
FEEDBACK: Final = Column(
    name="feedback_text",
    fills="feedback_text",
    rule=cells.text_up_to(LONGEST_FEEDBACK),
    at_once=cells.texts_up_to(LONGEST_FEEDBACK),
    is_text=True,
)

OUTCOME: Final = (SCHEDULED, COMPLETED, DURATION, RATING, FEEDBACK)
"""When the session was and what came of it: the middle part of every session file."""
