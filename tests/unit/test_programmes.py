"""The registry of programmes: what is known of each, and that every one can be validated and staged."""

import pytest
from pydantic import ValidationError

from ingestion.errors import RefusalCode, Refused
from ingestion.records import PERSON, PROGRAMMES, Column, Programme, get_programme
from ingestion.records.programme import plain
from ingestion.records.rule_words import EMAIL
from ingestion.values import emails

every_programme = pytest.mark.parametrize("programme", PROGRAMMES.values(), ids=PROGRAMMES)


@pytest.mark.parametrize(
    ("program_type", "name", "session_type"),
    [
        ("mentors_ukraine", "Mentors for Ukraine", "mentorship"),
        ("language_ukraine", "Language for Ukraine (Language Connect)", "language"),
        ("kintell_users", "Kintell users", None),
    ],
)
def test_the_programmes_are_those_of_the_domain(program_type: str, name: str, session_type: str | None) -> None:
    programme = get_programme(program_type)
    assert (programme.program_type, programme.name, programme.session_type) == (program_type, name, session_type)


def test_an_unknown_programme_is_refused_and_the_known_are_named() -> None:
    with pytest.raises(Refused, match=", ".join(PROGRAMMES)) as refused:
        get_programme("mentors-ukraine")
    assert refused.value.code is RefusalCode.UNKNOWN_PROGRAM


@every_programme
def test_columns_fill_fields_of_the_row(programme: Programme) -> None:
    fields = programme.record.row_type._fields[2:]
    assert {column.fills for column in programme.columns} <= set(fields)


@every_programme
def test_a_field_that_a_row_must_have_is_filled_by_a_required_column(programme: Programme) -> None:
    row_type = programme.record.row_type
    needed = set(row_type._fields[2:]) - set(row_type._field_defaults)
    assert needed == {column.fills for column in programme.columns if column.required}


@every_programme
def test_no_name_of_a_programme_means_another_one(programme: Programme) -> None:
    others = {name for other in PROGRAMMES.values() if other is not programme for name in other.names}
    assert not others & set(programme.names)


@pytest.mark.parametrize(
    ("program_type", "required", "optional"),
    [
        (
            "mentors_ukraine",
            {"session_id", "participant_email", "mentor_email", "scheduled_at"},
            {"completed_at", "duration_minutes", "rating", "feedback_text", "focus_area", "goals_discussed"},
        ),
        (
            "language_ukraine",
            {"session_id", "participant_email", "volunteer_email", "scheduled_at"},
            {"completed_at", "duration_minutes", "rating", "feedback_text", "language_level", "topics", "metadata"},
        ),
        (
            "kintell_users",
            {"email"},
            {"name", "linkedin_url", "verification_status", "role_when_joined", "grant_access", "joined_kg_at"},
        ),
    ],
)
def test_the_columns_are_those_of_the_domain(program_type: str, required: set[str], optional: set[str]) -> None:
    columns = get_programme(program_type).columns
    assert {column.name for column in columns if column.required} == required
    assert {column.name for column in columns if not column.required} == optional


@pytest.mark.parametrize(
    ("program_type", "columns", "version"),
    [
        ("mentors_ukraine", {"session_id"}, "1.0"),
        ("language_ukraine", {"session_id", "topics"}, "1.0"),
        ("language_ukraine", {"session_id", "metadata"}, "1.1"),
    ],
)
def test_the_schema_version_is_told_by_a_column(program_type: str, columns: set[str], version: str) -> None:
    assert get_programme(program_type).schema_version(frozenset(columns)) == version


@pytest.mark.parametrize(
    "columns",
    [
        pytest.param(("email", "email"), id="the same header twice"),
        pytest.param(("email", "e_mail"), id="the same field twice"),
        pytest.param(("E-mail",), id="a header that no file could match"),
    ],
)
def test_a_programme_that_contradicts_itself_can_not_be_made(columns: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError):
        Programme(
            program_type="pilot",
            name="Pilot",
            record=PERSON,
            columns=tuple(Column(name=name, fills="email", rule=emails.email, in_words=EMAIL) for name in columns),
        )


@pytest.mark.parametrize(
    "text",
    [
        "role_when_joined",
        "Role when joined",
        "ROLE-WHEN-JOINED",
        "\ufeffRole\u00a0when\u200b joined ",
        "role  when_joined",
    ],
    ids=ascii,
)
def test_names_are_compared_without_case_blanks_and_separators(text: str) -> None:
    assert plain(text) == "role_when_joined"
