"""A programme as somebody would add it: courses that learners complete, with columns of their own, in one module.

Its tables are in `course_completions.sql`, which would be a migration.
"""

from typing import Final

from ingestion.catalogue import Text
from ingestion.faults import Fault, FaultCode
from ingestion.records import Column, Field, Kind, Programme, RecordType, rule_words
from ingestion.records.record_type import Label, Part, Role, Type
from ingestion.values import cells, dates, emails
from ingestion.values.spreadsheets import bare


def score(field: str, text: str) -> int | Fault | None:
    """Points from 0 to 100."""
    value = bare(text)
    if not value:
        return None
    if value.isascii() and value.isdecimal() and int(value) <= 100:
        return int(value)
    return Fault(FaultCode.INVALID_RATING, field, f"{field}: {cells.shown(value)} is not a score from 0 to 100", text)


COURSE_COMPLETION: Final = RecordType(
    name="course completion",
    kind=Kind.SESSIONS,
    table="course_completions",
    versions="course_completion_versions",
    version_of="completion_id",
    staged="course_completion_rows",
    dated_by="completed_at",
    fields=(
        Field(
            name="credential",
            type=Type.TEXT,
            part=Part.KEY,
            label=Label("Credential", "Kursbevis"),
            meaning="Id of the certificate",
            column=Column(
                name="credential", fills="credential", rule=cells.id_up_to(100), in_words=rule_words.ID, required=True
            ),
        ),
        Field(
            name="learner_email",
            type=Type.TEXT,
            part=Part.PERSON,
            role=Role("participant", FaultCode.PARTICIPANT_NOT_FOUND),
            label=Label("Learner", "Elev"),
            meaning="Email address of the learner",
            column=Column(
                name="learner",
                fills="learner_email",
                rule=emails.email,
                in_words=rule_words.EMAIL,
                required=True,
                comes_again=True,
            ),
        ),
        Field(
            name="course",
            type=Type.LABEL,
            label=Label("Course", "Kurs"),
            meaning="Name of the course",
            column=Column(
                name="course",
                fills="course",
                rule=cells.label_up_to(255),
                in_words=rule_words.TEXT,
                required=True,
                is_text=True,
            ),
        ),
        Field(
            name="completed_at",
            type=Type.MOMENT,
            label=Label("Completed", "Fullført"),
            meaning="When the course was completed",
            column=Column(
                name="completed_at", fills="completed_at", rule=dates.date, in_words=rule_words.DATE, required=True
            ),
        ),
        Field(
            name="score",
            type=Type.INTEGER,
            label=Label("Score", "Poeng"),
            meaning="Points from 0 to 100",
            column=Column(
                name="score",
                fills="score",
                rule=score,
                in_words=Text("The score, a whole number.", "Poengene, et heltall."),
            ),
            is_confidential=True,
        ),
    ),
)

COURSES: Final = Programme(
    program_type="course_completions",
    name="Course completions",
    record=COURSE_COMPLETION,
    aliases=("courses",),
    id_prefixes=("CC-",),
    telltale_columns=frozenset({"credential"}),
    columns=tuple(field.column for field in COURSE_COMPLETION.fields),
)
