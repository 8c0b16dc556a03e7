"""From raw rows to valid rows and rejects: every fault, in order, whatever the batch around a row."""

import time
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestion.faults import FaultCode, RawRow, RawRows
from ingestion.records import get_programme
from ingestion.rows.columns import ColumnPlan, plan_columns
from ingestion.rows.error_file import neutralise
from ingestion.rows.validation import PersonRow, Remembered, SessionRow, Validated, validate
from ingestion.values import dates
from ingestion.values.ratings import RatingFacts, Scale

NOW = datetime(2024, 12, 1, 15, 30, tzinfo=UTC)

MENTOR_ROW = {
    "session_id": "MS-1",
    "participant_email": "Nora@example.org",
    "mentor_email": "bo@acme.com",
    "scheduled_at": "2024-11-13T14:00:00Z",
    "completed_at": "2024-11-13T15:00:00Z",
    "duration_minutes": "60",
    "rating": "4,5",
    "feedback_text": " Fint!\nTakk. ",
    "focus_area": "career",
    "goals_discussed": "CV, interviews",
}
LANGUAGE_ROW = {
    "session_id": "LS-1",
    "participant_email": "nora@example.org",
    "volunteer_email": "bo@acme.com",
    "scheduled_at": "13.11.2024 14:30",
    "completed_at": "",
    "duration_minutes": "",
    "rating": "",
    "feedback_text": "",
    "language_level": "b1",
    "topics": "",
    "metadata": '{"room": "A"}',
}
PERSON_ROW = {
    "Email": "Nora@Example.org",
    "Name": "Nora Berg",
    "Linkedin_URL": "https://example.com/nora",
    "Verification_status": "verified",
    "Role when joined": "Mentor",
    "grant_access": "yes",
    "Joined_kg_at": "2010-01-31",
}


def plan_of(row: dict[str, str]) -> ColumnPlan:
    kind = (
        "mentors_ukraine" if "mentor_email" in row else "language_ukraine" if "session_id" in row else "kintell_users"
    )
    return plan_columns(list(row), get_programme(kind))


def validated(*rows: dict[str, str], scale: Scale | None = None) -> Validated:
    raw = [RawRow(number, number + 1, list(row.values())) for number, row in enumerate(rows, 1)]
    return validate(RawRows.of(raw), plan_of(rows[0]), now=NOW, scale=scale)


def codes(result: Validated) -> list[tuple[str, str]]:
    [reject] = result.rejects
    return [(fault.code.value, fault.field) for fault in reject.faults]


def test_a_mentor_row_becomes_a_session() -> None:
    result = validated(MENTOR_ROW)
    assert result.sessions == [
        SessionRow(
            row_number=1,
            line=2,
            external_session_id="MS-1",
            participant_email="nora@example.org",
            volunteer_email="bo@acme.com",
            scheduled_at=datetime(2024, 11, 13, 14, tzinfo=UTC),
            completed_at=datetime(2024, 11, 13, 15, tzinfo=UTC),
            duration_minutes=60,
            rating_given=Decimal("4.5"),
            feedback_text="Fint!\nTakk.",
            focus_area="career",
            language_level=None,
            topics=("CV", "interviews"),
            metadata=None,
        )
    ]
    assert (result.people, result.rejects, result.instance_refs) == ([], [], frozenset())
    assert result.ratings == RatingFacts(saw_above_one=True, saw_any=True)


def test_a_language_row_with_nothing_optional_becomes_a_session() -> None:
    [session] = validated(LANGUAGE_ROW).sessions
    assert session == SessionRow(
        row_number=1,
        line=2,
        external_session_id="LS-1",
        participant_email="nora@example.org",
        volunteer_email="bo@acme.com",
        scheduled_at=datetime(2024, 11, 13, 14, 30, tzinfo=UTC),
        language_level="B1",
        metadata='{"room":"A"}',
    )


def test_a_file_of_the_required_columns_alone_is_enough() -> None:
    required = {name: LANGUAGE_ROW[name] for name in list(LANGUAGE_ROW)[:4]}
    [session] = validated(required).sessions
    assert session[6:] == (None, None, None, None, None, None, (), None)


def test_a_roster_row_becomes_a_person() -> None:
    result = validated(PERSON_ROW)
    joined = datetime(2010, 1, 31, tzinfo=UTC)
    assert result.sessions == []
    assert result.people == [
        PersonRow(
            1, 2, "nora@example.org", "Nora Berg", "https://example.com/nora", "verified", "volunteer", "yes", joined
        )
    ]


@pytest.mark.parametrize(
    ("role", "stored"),
    [
        ("Advisor", "volunteer"),
        (" MENTOR\u00a0", "volunteer"),
        ("tutor", "volunteer"),
        ("learner", "participant"),
        ("Mentee", "participant"),
        ("student", "participant"),
        ("guest", "participant"),
        ("", "participant"),
    ],
)
def test_the_role_of_a_person_is_one_of_two(role: str, stored: str) -> None:
    assert validated({**PERSON_ROW, "Role when joined": role}).people[0].role == stored


def test_a_roster_without_roles_holds_participants() -> None:
    assert validated({"Email": "nora@example.org"}).people == [PersonRow(1, 2, "nora@example.org")]


@pytest.mark.parametrize(
    ("row", "change", "expected"),
    [
        pytest.param(LANGUAGE_ROW, {"participant_email": "nora"}, ("E001", "participant_email"), id="E001"),
        pytest.param(MENTOR_ROW, {"mentor_email": "bo@"}, ("E001", "mentor_email"), id="E001 mentor"),
        pytest.param(PERSON_ROW, {"Email": "nora"}, ("E001", "email"), id="E001 roster"),
        pytest.param(LANGUAGE_ROW, {"session_id": "\u00a0"}, ("E002", "session_id"), id="E002 id"),
        pytest.param(LANGUAGE_ROW, {"participant_email": ""}, ("E002", "participant_email"), id="E002 participant"),
        pytest.param(MENTOR_ROW, {"mentor_email": ""}, ("E002", "mentor_email"), id="E002 mentor"),
        pytest.param(LANGUAGE_ROW, {"scheduled_at": " "}, ("E002", "scheduled_at"), id="E002 date"),
        pytest.param(PERSON_ROW, {"Email": ""}, ("E002", "email"), id="E002 roster"),
        pytest.param(LANGUAGE_ROW, {"scheduled_at": "03/04/2024"}, ("E003", "scheduled_at"), id="E003"),
        pytest.param(LANGUAGE_ROW, {"scheduled_at": "2014-11-30"}, ("E003", "scheduled_at"), id="E003 too old"),
        pytest.param(LANGUAGE_ROW, {"completed_at": "soon"}, ("E003", "completed_at"), id="E003 completed"),
        pytest.param(PERSON_ROW, {"Joined_kg_at": "1/2/2024"}, ("E003", "joined_kg_at"), id="E003 roster"),
        pytest.param(LANGUAGE_ROW, {"duration_minutes": "481"}, ("E004", "duration_minutes"), id="E004"),
        pytest.param(LANGUAGE_ROW, {"language_level": "D1"}, ("E005", "language_level"), id="E005"),
        pytest.param(LANGUAGE_ROW, {"rating": "good"}, ("E006", "rating"), id="E006 no number"),
        pytest.param(LANGUAGE_ROW, {"rating": "5.1"}, ("E006", "rating"), id="E006 out of range"),
        pytest.param(LANGUAGE_ROW, {"rating": "-1"}, ("E006", "rating"), id="E006 below 0"),
        pytest.param(MENTOR_ROW, {"completed_at": "2024-11-13T13:59:59Z"}, ("E007", "completed_at"), id="E007"),
        pytest.param(LANGUAGE_ROW, {"session_id": "a" * 256}, ("E008", "session_id"), id="E008 id"),
        pytest.param(LANGUAGE_ROW, {"feedback_text": "a" * 5_001}, ("E008", "feedback_text"), id="E008 feedback"),
        pytest.param(MENTOR_ROW, {"focus_area": "a" * 256}, ("E008", "focus_area"), id="E008 focus"),
        pytest.param(MENTOR_ROW, {"goals_discussed": "a" * 1_001}, ("E008", "goals_discussed"), id="E008 goals"),
        pytest.param(LANGUAGE_ROW, {"topics": "a" * 1_001}, ("E008", "topics"), id="E008 topics"),
        pytest.param(PERSON_ROW, {"Name": "a" * 256}, ("E008", "name"), id="E008 roster"),
        pytest.param(LANGUAGE_ROW, {"metadata": "{room}"}, ("E009", "metadata"), id="E009"),
    ],
)
def test_a_row_that_breaks_a_rule_is_rejected(
    row: dict[str, str], change: dict[str, str], expected: tuple[str, str]
) -> None:
    result = validated(row | change, row)
    assert codes(result) == [expected]
    assert [reject.row.number for reject in result.rejects] == [1]
    assert len(result.sessions) + len(result.people) == 1


def test_a_row_reports_all_of_its_faults_in_the_order_of_the_columns() -> None:
    row = LANGUAGE_ROW | {
        "session_id": "",
        "participant_email": "nora",
        "scheduled_at": "11/13/2024",
        "completed_at": "2024-11-13",
        "duration_minutes": "an hour",
        "rating": "9",
        "feedback_text": "a" * 5_001,
        "language_level": "Z",
        "metadata": "{",
    }
    faults = ["E002", "E001", "E003", "E004", "E006", "E008", "E005", "E009"]
    assert [code for code, _ in codes(validated(row))] == faults


def test_a_fault_names_the_field_the_value_and_what_would_be_right() -> None:
    [reject] = validated(LANGUAGE_ROW | {"scheduled_at": "03/04/2024", "duration_minutes": "1:30"}).rejects
    first, second = (fault.message for fault in reject.faults)
    assert first.startswith('scheduled_at: "03/04/2024" is ambiguous; write 2024-04-03 or 2024-03-04, or say whether')
    assert second == (
        'duration_minutes: "1:30" is not a whole number of minutes from 1 to 480; write 90 if it means 1 h 30 min'
    )
    assert [fault.value for fault in reject.faults] == ["03/04/2024", "1:30"]


def test_a_session_may_be_ten_years_past_but_not_a_day_more() -> None:
    rows = [LANGUAGE_ROW | {"scheduled_at": text} for text in ("2014-12-01", "2014-11-30T23:59:59Z", "2031-01-01")]
    result = validated(*rows)
    assert [session.row_number for session in result.sessions] == [1, 3]
    assert "is too long ago; the earliest date accepted is 2014-12-01" in result.rejects[0].faults[0].message


def test_completed_before_scheduled_is_told_beside_other_faults_if_both_dates_are_valid() -> None:
    row = MENTOR_ROW | {"rating": "9", "completed_at": "2024-11-12"}
    assert codes(validated(row)) == [("E006", "rating"), ("E007", "completed_at")]
    assert '"2024-11-12" is before scheduled_at "2024-11-13T14:00:00Z"' in (validated(row).rejects[0].faults[1].message)


def test_a_session_may_be_completed_the_moment_it_is_scheduled() -> None:
    row = MENTOR_ROW | {"completed_at": "2024-11-13T16:00:00+02:00"}
    assert validated(row).rejects == []
    backward = MENTOR_ROW | {"completed_at": "2024-11-13T13:59:59Z"}
    assert [reject.row.number for reject in validated(row, backward).rejects] == [2]


@pytest.mark.parametrize(
    ("ratings", "scale", "rejected"),
    [
        pytest.param("0.5 1 0", None, [], id="nothing above 1: undecided"),
        pytest.param("0.5 1 3", None, [1], id="the rows decide the scale by themselves"),
        pytest.param("0.5 7", None, [2], id="a rating off both scales decides nothing"),
        pytest.param("0.5 1", Scale.ONE_TO_FIVE, [1], id="1 to 5 given"),
        pytest.param("0.5 1 3", Scale.ZERO_TO_ONE, [3], id="0 to 1 given"),
    ],
)
def test_a_rating_off_the_scale_of_the_file_rejects_its_row(
    ratings: str, scale: Scale | None, rejected: list[int]
) -> None:
    result = validated(*[LANGUAGE_ROW | {"rating": rating} for rating in ratings.split()], scale=scale)
    assert [reject.row.number for reject in result.rejects] == rejected


def test_ratings_of_rejected_rows_count_for_the_scale() -> None:
    result = validated(LANGUAGE_ROW | {"rating": "3", "session_id": ""}, LANGUAGE_ROW | {"rating": "0"})
    assert result.ratings == RatingFacts(saw_above_one=True, saw_below_one=True, saw_any=True)
    assert [reject.row.number for reject in result.rejects] == [1, 2]


def test_rejects_keep_file_order_and_the_rows_as_they_were() -> None:
    rows = [LANGUAGE_ROW | {"metadata": "{"}, LANGUAGE_ROW, LANGUAGE_ROW | {"session_id": " "}]
    result = validated(*rows)
    assert [(reject.row.number, reject.row.line) for reject in result.rejects] == [(1, 2), (3, 4)]
    assert result.rejects[1].row.cells == list(rows[2].values())


def test_the_instances_that_rows_name_are_gathered() -> None:
    rows = [LANGUAGE_ROW | {"cohort_ref": ref} for ref in (" lfu-2024 ", "", "lfu-2024", "lfu-2025")]
    assert validated(*rows).instance_refs == {"lfu-2024", "lfu-2025"}


def test_no_rows_are_no_trouble() -> None:
    result = validate(RawRows.of([]), plan_of(LANGUAGE_ROW), now=NOW, scale=None)
    assert (result.sessions, result.people, result.rejects) == ([], [], [])
    assert (result.ratings, result.instance_refs) == (RatingFacts(), frozenset())


def test_a_returned_error_file_is_read_without_its_apostrophes() -> None:
    row = LANGUAGE_ROW | {"session_id": "=LS-1", "feedback_text": "- fint", "metadata": "-1", "rating": "-3"}
    harmless = {name: neutralise(cell) for name, cell in row.items()}
    errors = {"_error_row": "1", "_error_line": "2", "_error_code": "E006", "_error_message": "old"}
    [reject] = validated(harmless | errors).rejects
    assert 'rating: "-3" is off the scale' in reject.faults[0].message
    assert reject.row.cells == [*harmless.values(), *errors.values()]
    [session] = validated(harmless | errors | {"rating": "3"}).sessions
    assert (session.external_session_id, session.feedback_text, session.metadata) == ("=LS-1", "- fint", "-1")


def test_an_ordinary_file_keeps_its_apostrophes() -> None:
    assert validated(LANGUAGE_ROW | {"session_id": "'=LS-1"}).sessions[0].external_session_id == "'=LS-1"


# No rating above 1: that alone would decide the scale for the rows around it.
CELLS = {
    "session_id": ["LS-1", "", "a" * 256],
    "participant_email": ["nora@example.org", "nora", ""],
    "volunteer_email": ["bo@acme.com", "bo@acme.com, li@acme.com"],
    "scheduled_at": ["2024-11-13", "13.11.2024 14:30", "1/2/2024", "2001-01-01", ""],
    "completed_at": ["", "2024-11-13T14:00:00Z", "2024-11-12", "?"],
    "duration_minutes": ["", "60", "60.0", "0"],
    "rating": ["", "0.5", "1", "good"],
    "feedback_text": ["", "fint", "a" * 5_001],
    "language_level": ["", "b2", "b9"],
    "topics": ["", "a,b"],
    "metadata": ["", "{}", "{"],
}


@given(st.lists(st.fixed_dictionaries({name: st.sampled_from(cells) for name, cells in CELLS.items()}), max_size=8))
@settings(deadline=None, database=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
def test_what_becomes_of_a_row_does_not_depend_on_the_rows_around_it(rows: list[dict[str, str]]) -> None:
    raw = [RawRow(number, number, [row[name] for name in LANGUAGE_ROW]) for number, row in enumerate(rows)]
    plan = plan_of(LANGUAGE_ROW)
    together = validate(RawRows.of(raw), plan, now=NOW, scale=None)
    alone = [validate(RawRows.of([row]), plan, now=NOW, scale=None) for row in raw]
    assert together.sessions == [session for result in alone for session in result.sessions]
    assert together.rejects == [reject for result in alone for reject in result.rejects]
    assert len(together.sessions) + len(together.rejects) == len(rows)


def test_a_row_costs_microseconds() -> None:
    rows = [
        RawRow(
            n, n, list((LANGUAGE_ROW | {"session_id": f"LS-{n}", "participant_email": f"p{n}@example.org"}).values())
        )
        for n in range(2_000)
    ]
    plan = plan_of(LANGUAGE_ROW)
    started = time.process_time()
    validate(RawRows.of(rows), plan, now=NOW, scale=None)
    # Measured: 3 to 6 µs. The limit only catches a change of kind, on a busy machine too.
    assert (time.process_time() - started) / len(rows) < 60e-6


def test_every_fault_of_validation_is_of_the_validation_category() -> None:
    own = [code for code in FaultCode if code < FaultCode.WRONG_FIELD_COUNT]
    assert {code.category.value for code in own} == {"validation"}


def test_what_rows_before_said_is_remembered_faults_and_all() -> None:
    rows = [LANGUAGE_ROW, LANGUAGE_ROW | {"participant_email": "nobody"}, LANGUAGE_ROW | {"volunteer_email": ""}]
    raw = [RawRow(number, number + 1, list(row.values())) for number, row in enumerate(rows, 1)]
    remembered: Remembered = {}
    first, again = (
        validate(RawRows.of(raw), plan_of(LANGUAGE_ROW), now=NOW, scale=None, remembered=remembered) for _ in range(2)
    )
    assert remembered
    assert first == again == validate(RawRows.of(raw), plan_of(LANGUAGE_ROW), now=NOW, scale=None)


@pytest.mark.parametrize(
    ("cell", "is_taken"),
    [
        pytest.param("2024-11-13T14:30:00Z", True, id="usual"),
        pytest.param("2024-11-13 14:30:00Z", False, id="no T"),
        pytest.param("2024-11-13T14:30:00", False, id="no zone"),
        pytest.param("\xa0\xa0\xa02024-11-13T14:30Z", False, id="blanks before"),
        pytest.param("2024-11-13T14:30:00+02:00", False, id="offset"),
        pytest.param("13.11.2024", False, id="dots"),
    ],
)
def test_only_what_postgresql_reads_as_the_same_moment_is_taken_as_written(cell: str, *, is_taken: bool) -> None:
    assert dates.as_written([cell]) == [cell if is_taken else None]
    assert dates.all_as_written([cell], datetime(2015, 1, 1, tzinfo=UTC)) == (
        [dates.date("scheduled_at", cell)] if is_taken else None
    )


@pytest.mark.parametrize("cell", ["", "2024-02-30T14:30:00Z", "2024-11-13T24:30:00Z", "2014-12-31T23:59:59Z", "soon"])
def test_a_column_is_read_as_a_whole_only_if_every_cell_of_it_is_good(cell: str) -> None:
    usual = "2024-11-13T14:30:00Z"
    first = datetime(2015, 1, 1, tzinfo=UTC)
    assert dates.all_as_written([usual, "2015-01-01T00:00:00Z"], first)
    assert dates.all_as_written([usual, cell, usual], first) is None
    assert dates.all_as_written([], first) is None
