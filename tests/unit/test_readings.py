"""What is tolerated in cells, and counted; what is damaged, and rejected; and the rows of other programmes."""

from datetime import UTC, datetime
from typing import Any

import pytest

from ingestion.faults import Fault, RawRow, RawRows
from ingestion.file_warnings import WarningCode
from ingestion.records import get_programme
from ingestion.rows.columns import plan_columns
from ingestion.rows.validation import Validated, validate

NOW = datetime(2024, 12, 1, 15, 30, tzinfo=UTC)
ROW = {
    "session_id": "LS-1",
    "participant_email": "nora@example.org",
    "volunteer_email": "bo@acme.com",
    "scheduled_at": "2024-11-13T14:00:00Z",
    "completed_at": "2024-11-13T15:00:00Z",
    "duration_minutes": "60",
    "rating": "4",
    "feedback_text": "Fint",
    "language_level": "B1",
    "topics": "work",
    "metadata": '{"room":"A"}',
}


def read(*rows: dict[str, str], programme: str = "language_ukraine") -> Validated:
    plan = plan_columns(list(rows[0]), get_programme(programme))
    raw = RawRows.of(RawRow(number, number + 1, list(row.values())) for number, row in enumerate(rows, 1))
    return validate(raw, plan, now=NOW, scale=None)


def only_fault(result: Validated) -> Fault:
    [reject] = result.rejects
    [fault] = reject.faults
    return fault


OPTIONAL = ("completed_at", "duration_minutes", "rating", "language_level", "metadata")
NOTHING = ("-", "–", "—", "N/A", "n/a", "n.a.", "NULL", "None", "\\N", "#N/A", "\u00a0N/A\u200b")


@pytest.mark.parametrize("field", OPTIONAL)
@pytest.mark.parametrize("text", NOTHING, ids=ascii)
def test_what_says_that_there_is_nothing_is_nothing_in_a_typed_cell(field: str, text: str) -> None:
    result = read(ROW | {field: text}, ROW, ROW | {field: text})
    filled = {"rating": "rating_given"}.get(field, field)
    assert [value is None for value in result.columns[filled]] == [True, False, True]
    assert result.warnings == {WarningCode.CELLS_EMPTIED: 2}


@pytest.mark.parametrize("text", NOTHING, ids=ascii)
def test_in_texts_it_stays_as_it_is(text: str) -> None:
    result = read(ROW | {"feedback_text": text} | ({} if "#N/A" in text else {"topics": text}))
    bare = text.strip("\u00a0\u200b")
    assert result.columns["feedback_text"] == [bare]
    assert "#N/A" in text or result.columns["topics"] == [(bare,)]
    assert not result.warnings


@pytest.mark.parametrize("field", ["session_id", "participant_email", "volunteer_email", "scheduled_at"])
@pytest.mark.parametrize("text", NOTHING, ids=ascii)
def test_in_a_required_cell_a_value_is_missing_or_was_lost_by_a_spreadsheet(field: str, text: str) -> None:
    fault = only_fault(read(ROW | {field: text}))
    assert (fault.code, fault.field, fault.value) == ("E013" if text == "#N/A" else "E002", field, text)


def test_a_null_of_json_is_no_warning() -> None:
    result = read(ROW | {"metadata": "null"})
    assert result.columns["metadata"] == [None]
    assert not result.warnings


@pytest.mark.parametrize("field", [field for field in ROW if field != "feedback_text"])
@pytest.mark.parametrize(
    "text", ["2.02603E+11", "2,02603E+11", "1E+05", "#NAME?", "#REF!", "#VALUE!", "Loading...", "#DIV/0!", "######"]
)
def test_what_a_spreadsheet_has_damaged_is_rejected(field: str, text: str) -> None:
    fault = only_fault(read(ROW | {field: f" {text}"}))
    assert (fault.code, fault.field, fault.value) == ("E013", field, f" {text}")
    assert text in fault.message


@pytest.mark.parametrize("text", ["2.02603E+11", "#NAME?", "Loading...", "#N/A"])
def test_in_a_free_text_nothing_is_damaged(text: str) -> None:
    result = read(ROW | {"feedback_text": text})
    assert result.columns["feedback_text"] == [text]
    assert not result.warnings


MENTORS_ROW = {
    "session_id": "MS-1",
    "participant_email": "nora@example.org",
    "mentor_email": "bo@acme.com",
    "scheduled_at": "2024-11-13",
    "focus_area": "career",
    "goals_discussed": "CV",
}
PERSON = {
    "email": "nora@example.org",
    "name": "Nora",
    "linkedin_url": "https://example.org/nora",
    "verification_status": "verified",
    "grant_access": "yes",
}
LABELS = [
    *[(MENTORS_ROW, "mentors_ukraine", field) for field in ("focus_area", "goals_discussed")],
    *[(PERSON, "kintell_users", field) for field in PERSON if field != "email"],
]


@pytest.mark.parametrize(("row", "programme", "field"), LABELS)
@pytest.mark.parametrize("text", ["2.02603E+11", "#REF!", "#NAME?", "Loading...", "#####"])
def test_what_a_spreadsheet_has_damaged_is_no_label(row: dict[str, str], programme: str, field: str, text: str) -> None:
    fault = only_fault(read(row | {field: text}, programme=programme))
    assert (fault.code, fault.field, fault.value) == ("E013", field, text)


@pytest.mark.parametrize(("row", "programme", "field"), [*LABELS, (ROW, "language_ukraine", "topics")])
def test_a_label_that_is_not_available_is_none_and_any_other_placeholder_is_a_text(
    row: dict[str, str], programme: str, field: str
) -> None:
    result = read(row | {field: " #n/a"}, row | {field: "N/A"}, row | {field: "-"}, programme=programme)
    filled = "topics" if field in ("goals_discussed", "topics") else field
    nothing, *texts = result.columns[filled]
    assert nothing == (() if filled == "topics" else None)
    assert [text if isinstance(text, str) else ", ".join(text) for text in texts] == ["N/A", "-"]
    assert result.warnings[WarningCode.CELLS_EMPTIED] == 1


@pytest.mark.parametrize("text", ["MS-2E-10", "E+11", "2E5", "#17", "N/A-1", "Loading", "=1"])
def test_an_id_that_only_reminds_of_damage_is_an_id(text: str) -> None:
    assert read(ROW | {"session_id": text}).columns["external_session_id"] == [text]


def test_what_a_spreadsheet_holds_as_a_text_is_that_text_in_every_column() -> None:
    held = {field: '="' + text.replace('"', '""') + '"' for field, text in ROW.items()}
    assert read(held).sessions == read(ROW).sessions


def test_a_formula_that_is_more_than_a_text_is_what_it_is() -> None:
    assert read(ROW | {"feedback_text": '="a"&"b"'}).columns["feedback_text"] == ['="a"&"b"']


@pytest.mark.parametrize(("text", "level"), [("В1", "B1"), ("а2", "A2"), ("С1", "C1")])
def test_a_level_in_letters_that_look_the_same_is_read_with_a_warning(text: str, level: str) -> None:
    result = read(ROW | {"language_level": text})
    assert result.columns["language_level"] == [level]
    assert result.warnings == {WarningCode.LOOKALIKE_LETTERS: 1}


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("60 min", 60),
        ("60 minutes", 60),
        ("60min.", 60),
        ("1h 30m", 90),
        ("1 t 30 min", 90),
        ("2 timer", 120),
        ("PT1H30M", 90),
        ("PT90M", 90),
        ("60.0 min", 60),
        ("1 год 30 хв", 90),
    ],
)
def test_a_duration_may_have_its_unit(text: str, minutes: int) -> None:
    assert read(ROW | {"duration_minutes": text}).columns["duration_minutes"] == [minutes]


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("1:30", "write 90 if it means 1 h 30 min"),
        ("1.5", "write 90 if it means 1.5 hours"),
        ("1.50", "write 90 if it means 1.50 hours"),
        ("1,25", "write 75 if it means 1,25 hours"),
        ("0,75", "write 45 if it means 0,75 hours"),
        ("1 t 30", "write a number such as 60"),
        ("9h", "write a number such as 60"),
        ("PT", "write a number such as 60"),
        ("min", "write a number such as 60"),
    ],
)
def test_a_duration_is_never_guessed(text: str, advice: str) -> None:
    fault = only_fault(read(ROW | {"duration_minutes": text}))
    assert (fault.code, fault.value) == ("E004", text)
    assert fault.message.endswith(advice)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("04.mai", "looks like 4/5"),
        ("5-Apr", "looks like 4/5"),
        ("4-May", "looks like 4/5"),
        ("2026-05-04", "looks like 4/5"),
        ("04.05.2026", "looks like 4/5"),
        ("5. apr", "looks like 4/5"),
    ],
)
def test_a_rating_of_which_a_spreadsheet_made_a_date_is_told_so(text: str, told: str) -> None:
    fault = only_fault(read(ROW | {"rating": text}))
    assert (fault.code, fault.value) == ("E006", text)
    assert told in fault.message


def test_an_end_without_a_time_is_not_before_the_start_of_the_same_day() -> None:
    ends = ("2024-11-13", "13.11.2024", "2024-11-14", "2024-11-12", "2024-11-13T00:00:00Z")
    result = read(*[ROW | {"completed_at": text} for text in ends])
    assert [reject.row.number for reject in result.rejects] == [4, 5]
    assert [reject.faults[0].value for reject in result.rejects] == ["2024-11-12", "2024-11-13T00:00:00Z"]


def test_the_day_of_the_start_is_the_day_that_is_written() -> None:
    row = ROW | {"scheduled_at": "2024-11-13T23:30:00-05:00", "completed_at": "2024-11-13"}
    assert read(row).rejects == []


PERSON = {"Email": "nora@example.org", "Name": "Nora", "Role when joined": "learner"}


@pytest.mark.parametrize(
    ("text", "role", "warned"),
    [
        ("Mentor", "volunteer", 0),
        ('"tutor"', "volunteer", 0),
        ("volunteer, Oslo", "volunteer", 0),
        ("Learner", "participant", 0),
        ("student (2024)", "participant", 0),
        ("mentee", "participant", 0),
        ("mentorship", "participant", 1),
        ("mentor and mentee", "participant", 1),
        ("", "participant", 1),
        ("guest", "participant", 1),
    ],
)
def test_a_role_is_a_whole_word(text: str, role: str, warned: int) -> None:
    result = read(PERSON | {"Role when joined": text}, programme="kintell_users")
    assert result.columns["role"] == [role]
    assert result.warnings[WarningCode.ROLES_UNCLEAR] == warned


def typed(text: str) -> dict[str, str]:
    return {"session_id": ROW["session_id"], "session_type": text, **ROW}


@pytest.mark.parametrize(
    "text", ["Mentorship", "MENTORSHIP", " mentors for ukraine ", "Mentorship session", "Mentoring", "Mentor talk"]
)
def test_a_row_of_another_programme_is_rejected_with_the_way_to_import_it(text: str) -> None:
    result = read(typed("Language Connect"), typed(text), typed("language"), typed(""))
    fault = only_fault(result)
    assert result.rejects[0].row.number == 2
    assert (fault.code, fault.field, fault.value) == ("E012", "session_type", text)
    assert "upload the error file for mentors_ukraine" in fault.message
    assert not result.warnings


def test_a_session_type_that_names_no_programme_is_a_warning() -> None:
    result = read(typed("video call"), typed("language"))
    assert result.rejects == []
    assert result.warnings == {WarningCode.SESSION_TYPES_UNKNOWN: 1}


def test_a_session_type_or_role_that_a_spreadsheet_has_damaged_rejects_its_row() -> None:
    fault = only_fault(read(typed("#REF!"), typed("language"), typed("#N/A")))
    assert (fault.code, fault.field, fault.value) == ("E013", "session_type", "#REF!")
    fault = only_fault(read(PERSON | {"Role when joined": "#NAME?"}, programme="kintell_users"))
    assert (fault.code, fault.field, fault.value) == ("E013", "role_when_joined", "#NAME?")


def test_an_end_without_a_time_is_not_before_a_start_that_is_written_with_an_earlier_day() -> None:
    times = {"scheduled_at": "2026-03-02T23:30:00-05:00", "completed_at": "2026-03-03"}
    assert read(ROW | times).rejects == []
    assert only_fault(read(ROW | times | {"completed_at": "2026-03-01"})).code == "E007"


def faults_of(row: dict[str, Any]) -> dict[str, str | None]:
    [reject] = read(row).rejects
    return {fault.field: fault.value for fault in reject.faults}


def test_every_fault_keeps_the_text_of_its_cell() -> None:
    bad = {
        "participant_email": "nora",
        "volunteer_email": " ",
        "scheduled_at": "2004-01-01",
        "completed_at": "03/04/2024",
        "duration_minutes": "481",
        "rating": " 9 ",
        "feedback_text": "x" * 5_001,
        "language_level": "D1",
        "metadata": "{",
    }
    assert faults_of(ROW | bad) == bad
