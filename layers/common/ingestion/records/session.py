"""A session (a meeting of two people in a programme), and the columns that are read but not stored in it."""

from typing import Final

from ingestion.faults import FaultCode
from ingestion.records import rule_words
from ingestion.records.record_type import Column, Field, Kind, Label, Part, RecordType, Role, Type
from ingestion.values import cells, dates, durations, emails

OLDEST_YEARS: Final = 10
LONGEST_FEEDBACK: Final = 5_000

INSTANCE_REF: Final = ("program_ref", "program_instance", "cohort_ref")
"""Columns that may name the programme instance of a file, all with the same meaning."""

SESSION_TYPE: Final = ("session_type",)
"""The column of a combined export that names the programme of each row."""

SESSION: Final = RecordType(
    name="session",
    kind=Kind.SESSIONS,
    table="kintell_sessions",
    versions="kintell_session_versions",
    version_of="session_id",
    staged="session_rows",
    dated_by="scheduled_at",
    starts_and_ends=("scheduled_at", "completed_at"),
    fields=(
        Field(
            name="external_session_id",
            type=Type.TEXT,
            part=Part.KEY,
            label=Label("Session", "Økt"),
            meaning="Id of the session in Kintell",
            column=Column(
                name="session_id",
                in_other_words=("økt", "okt", "samtale_id", "сесі", "ідентифікатор"),
                fills="external_session_id",
                rule=cells.id_up_to(255),
                in_words=rule_words.ID,
                at_once=cells.ids_up_to(255),
                required=True,
            ),
        ),
        Field(
            name="participant_email",
            type=Type.TEXT,
            part=Part.PERSON,
            role=Role("participant", FaultCode.PARTICIPANT_NOT_FOUND),
            label=Label("Participant", "Deltaker"),
            meaning="Email address of the participant",
            column=Column(
                name="participant_email",
                in_other_words=("deltaker", "mentee", "learner", "учасни"),
                fills="participant_email",
                rule=emails.email,
                in_words=rule_words.EMAIL,
                required=True,
                comes_again=True,
            ),
        ),
        Field(
            name="volunteer_email",
            type=Type.TEXT,
            part=Part.PERSON,
            role=Role("volunteer", FaultCode.VOLUNTEER_NOT_FOUND),
            label=Label("Mentor or volunteer", "Mentor eller frivillig", short="Volunteer"),
            meaning="Email address of the volunteer or mentor",
            column=Column(
                name="volunteer_email",
                in_other_words=("frivillig", "волонтер", "tutor"),
                fills="volunteer_email",
                rule=emails.email,
                in_words=rule_words.EMAIL,
                required=True,
                comes_again=True,
            ),
        ),
        Field(
            name="scheduled_at",
            type=Type.MOMENT,
            label=Label("Scheduled", "Planlagt"),
            meaning="When the session was scheduled",
            column=Column(
                name="scheduled_at",
                in_other_words=("planlagt", "dato", "tidspunkt", "заплановано", "дата", "start"),
                fills="scheduled_at",
                rule=dates.date,
                in_words=rule_words.DATE,
                required=True,
                aliases=("date",),
                oldest_years=OLDEST_YEARS,
            ),
        ),
        Field(
            name="completed_at",
            type=Type.MOMENT,
            label=Label("Completed", "Fullført"),
            meaning="When the session was completed; null if it was not",
            column=Column(
                name="completed_at",
                in_other_words=("fullført", "gjennomført", "ferdig", "avsluttet", "завершено", "slutt"),
                fills="completed_at",
                rule=dates.date,
                in_words=rule_words.DATE,
            ),
            in_lists=False,
        ),
        Field(
            name="duration_minutes",
            type=Type.INTEGER,
            label=Label("Minutes", "Minutter"),
            meaning="How long the session was, in minutes",
            column=Column(
                name="duration_minutes",
                in_other_words=("varighet", "minutter", "тривалість"),
                fills="duration_minutes",
                rule=durations.duration,
                in_words=rule_words.DURATION,
                aliases=("duration_min",),
            ),
        ),
        Field(
            name="rating",
            type=Type.DECIMAL,
            label=Label("Rating (0–1)", "Vurdering (0–1)", short="Rating"),
            meaning="Rating from 0 to 1",
            column=Column(
                name="rating",
                in_other_words=("vurdering", "karakter", "score", "оцінка"),
                fills="rating_given",
                rule=cells.rating,
                in_words=rule_words.RATING,
            ),
        ),
        Field(
            name="feedback_text",
            type=Type.TEXT,
            label=Label("Feedback", "Tilbakemelding"),
            meaning="What the participant wrote about the session",
            column=Column(
                name="feedback_text",
                in_other_words=("tilbakemelding", "kommentar", "відгук", "comment"),
                fills="feedback_text",
                rule=cells.text_up_to(LONGEST_FEEDBACK),
                in_words=rule_words.TEXT,
                at_once=cells.texts_up_to(LONGEST_FEEDBACK),
                is_text=True,
            ),
        ),
        Field(
            name="focus_area",
            type=Type.LABEL,
            label=Label("Focus area", "Fokusområde"),
            meaning="What the mentoring was about",
            column=Column(
                name="focus_area",
                in_other_words=("område", "fokus", "напрям"),
                fills="focus_area",
                rule=cells.label_up_to(255),
                in_words=rule_words.TEXT,
                is_text=True,
            ),
            in_lists=False,
        ),
        Field(
            name="language_level",
            type=Type.WORD,
            label=Label("Language level", "Språknivå", short="Level"),
            meaning="CEFR level, A1 to C2",
            column=Column(
                name="language_level",
                in_other_words=("nivå", "språknivå", "рівень"),
                fills="language_level",
                rule=cells.level,
                in_words=rule_words.LEVEL,
                doubt=cells.doubt_of_level,
            ),
            in_lists=False,
        ),
        Field(
            name="topics",
            type=Type.TEXTS,
            default=(),
            label=Label("Topics", "Temaer"),
            meaning="What the session was about",
            column=Column(
                name="topics",
                in_other_words=("tema", "emne", "теми"),
                fills="topics",
                rule=cells.comma_list,
                in_words=rule_words.TOPICS,
                is_text=True,
            ),
            in_lists=False,
        ),
        Field(
            name="metadata",
            type=Type.JSON,
            label=Label("Metadata", "Metadata"),
            meaning="JSON of the `metadata` column",
            column=Column(name="metadata", fills="metadata", rule=cells.metadata, in_words=rule_words.METADATA),
            in_lists=False,
        ),
    ),
)

COMMON: Final = SESSION.columns("scheduled_at", "completed_at", "duration_minutes", "rating", "feedback_text")
"""When the session took place and how it went: the middle columns of every session file."""
