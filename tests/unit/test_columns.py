"""Reading a header line: which cell holds which column."""

from collections.abc import Callable

import pytest

from ingestion.errors import RefusalCode, Refused
from ingestion.records import get_programme
from ingestion.rows.columns import ERROR_COLUMNS, plan_columns

MENTORS = get_programme("mentors_ukraine")
LANGUAGE = get_programme("language_ukraine")
USERS = get_programme("kintell_users")

MENTOR_HEADER = [column.name for column in MENTORS.columns]
LANGUAGE_HEADER = [column.name for column in LANGUAGE.columns]


def test_columns_are_found_in_any_order() -> None:
    header = MENTOR_HEADER[::-1]
    assert plan_columns(header, MENTORS).indexes == {name: header.index(name) for name in MENTOR_HEADER}


@pytest.mark.parametrize(
    "write",
    [
        pytest.param(str.upper, id="upper case"),
        pytest.param(lambda name: name.replace("_", " "), id="spaces"),
        pytest.param(lambda name: name.replace("_", "-").title(), id="hyphens and capitals"),
        pytest.param(lambda name: f"\ufeff {name}\u00a0", id="BOM and NBSP around"),
        pytest.param(lambda name: f"{name[:3]}\u200b{name[3:]}\t", id="zero width inside"),
        pytest.param(lambda name: name.replace("_", "\u00a0"), id="NBSP for underscores"),
    ],
)
def test_headers_match_however_they_are_written(write: Callable[[str], str]) -> None:
    plan = plan_columns([write(name) for name in LANGUAGE_HEADER], LANGUAGE)
    assert list(plan.indexes) == LANGUAGE_HEADER
    assert plan.unknown_headers == ()


def test_the_roster_is_read_with_the_headers_of_the_platform() -> None:
    header = [
        "Email",
        "Name",
        "Linkedin_URL",
        "Verification_status",
        "Role when joined",
        "grant_access",
        "Joined_kg_at",
    ]
    plan = plan_columns(header, USERS)
    assert list(plan.indexes.values()) == list(range(7))
    assert (plan.unknown_headers, plan.instance_ref_index) == ((), None)


def test_legacy_headers_and_aliases_are_known() -> None:
    header = ["session_id", "participant_email", "volunteer_email", "date", "duration_min", "session_type"]
    plan = plan_columns(header, MENTORS)
    assert plan.indexes["mentor_email"] == 2
    assert plan.indexes["scheduled_at"] == 3
    assert plan.indexes["duration_minutes"] == 4
    assert plan.unknown_headers == ()


@pytest.mark.parametrize(
    "header",
    [
        "scheduled_at (Europe/Oslo)",
        "Scheduled At (CET)",
        "scheduledAt [local time]",
        "date (UTC+2)",
        "completed_at (norsk tid)",
        "Rating (1-10)",
        "rating (0-5)",
        "Rating (%)",
        "rating (of 100)",
    ],
)
def test_a_header_that_says_otherwise_of_its_values_is_not_our_column(header: str) -> None:
    """Otherwise their times would be read as UTC, and their ratings on our scale."""
    required = ["session_id", "participant_email", "mentor_email", "scheduled_at"]
    assert plan_columns([*required, header], MENTORS).unknown_headers == (header,)


@pytest.mark.parametrize(
    "header",
    [
        "Completed at (ISO-8601)",
        "completed_at (GMT)",
        "completedAt (dd/mm/yyyy)",
        "completed_at [UTC+0]",
        "Rating (1 = bad, 5 = good)",
        "rating (0.0-1.0)",
        "Rating (of 5)",
        "Rating (if any)",
    ],
)
def test_a_header_that_says_more_of_the_same_values_is(header: str) -> None:
    required = ["session_id", "participant_email", "mentor_email", "scheduled_at"]
    assert plan_columns([*required, header], MENTORS).unknown_headers == ()


def test_a_columns_own_name_goes_before_its_alias() -> None:
    plan = plan_columns(["volunteer_email", *MENTOR_HEADER], MENTORS)
    assert plan.indexes["mentor_email"] == 1 + MENTOR_HEADER.index("mentor_email")
    assert plan.unknown_headers == ("volunteer_email",)


def test_the_first_of_repeated_headers_is_taken_and_the_others_are_unknown() -> None:
    plan = plan_columns([*MENTOR_HEADER, "Rating", "RATING "], MENTORS)
    assert plan.indexes["rating"] == MENTOR_HEADER.index("rating")
    assert plan.unknown_headers == ("Rating", "RATING ")


def test_unknown_headers_are_listed_as_written_and_blank_ones_not_at_all() -> None:
    plan = plan_columns(["Min Kommentar ", *MENTOR_HEADER, "", " ", "language_level"], MENTORS)
    assert plan.unknown_headers == ("Min Kommentar ", "language_level")
    assert plan.original_indexes == tuple(range(len(MENTOR_HEADER) + 4))


@pytest.mark.parametrize("name", ["program_ref", "program_instance", "cohort_ref", "Program-Ref", "Cohort Ref"])
def test_a_column_may_name_the_programme_instance(name: str) -> None:
    plan = plan_columns([*LANGUAGE_HEADER, name], LANGUAGE)
    assert plan.instance_ref_index == len(LANGUAGE_HEADER)
    assert plan.unknown_headers == ()


@pytest.mark.parametrize(
    ("header", "version"),
    [
        pytest.param(MENTOR_HEADER, "1.0", id="mentors"),
        pytest.param([*MENTOR_HEADER, "metadata"], "1.0", id="mentors with a column they do not have"),
    ],
)
def test_mentors_have_one_schema_version(header: list[str], version: str) -> None:
    assert plan_columns(header, MENTORS).schema_version == version


def test_metadata_makes_a_language_file_1_1() -> None:
    assert plan_columns(LANGUAGE_HEADER, LANGUAGE).schema_version == "1.1"
    assert plan_columns(LANGUAGE_HEADER[:-1], LANGUAGE).schema_version == "1.0"


@pytest.mark.parametrize(
    ("header", "told"),
    [
        (["session_id", "participant_email", "mentor_email"], "lacks the required column scheduled_at or date."),
        (
            ["session_id", "rating"],
            "lacks the required columns participant_email, mentor_email or volunteer_email, scheduled_at or date.",
        ),
        (
            ["MS-1", "anna@example.org", "bo@acme.com"],
            "The first line has none of the columns of Mentors for Ukraine",
        ),
        ([], "The first line has none of the columns"),
    ],
)
def test_missing_columns_are_named_and_the_uploader_told_what_to_do(header: list[str], told: str) -> None:
    with pytest.raises(Refused) as refused:
        plan_columns(header, MENTORS)
    assert refused.value.code is RefusalCode.MISSING_COLUMNS
    assert told in refused.value.message
    assert refused.value.message.endswith("Add what is missing and upload the file again.")
    assert "anna@example.org" not in refused.value.message


@pytest.mark.parametrize(
    ("header", "advice"),
    [
        (
            ["Session", "Participant mail", "mentor_email", "scheduled_at"],
            "Rename each of these headers to the nearest name if it means the same and upload the file again.",
        ),
        (
            ["session_id", "participant_email", "mentors_email", "remarks"],
            "Rename each of these headers to the nearest name if it means the same, add what is missing, and upload "
            "the file again.",
        ),
        (
            ["session_id", "participant_email", "mentor_email", "xyz"],
            "Add what is missing and upload the file again.",
        ),
    ],
)
def test_a_header_that_is_near_to_what_is_missing_is_to_be_renamed(header: list[str], advice: str) -> None:
    with pytest.raises(Refused) as refused:
        plan_columns(header, MENTORS)
    assert refused.value.message.endswith(f". {advice}")


def test_a_returned_error_file_is_recognised_and_its_columns_dropped() -> None:
    plan = plan_columns([*MENTOR_HEADER, *(name.upper() for name in ERROR_COLUMNS)], MENTORS)
    assert plan.is_error_file
    assert plan.original_indexes == tuple(range(len(MENTOR_HEADER)))
    assert plan.unknown_headers == ()


def test_one_error_column_left_is_enough_to_recognise_an_error_file() -> None:
    plan = plan_columns(["_error_message", *MENTOR_HEADER], MENTORS)
    assert plan.is_error_file
    assert plan.original_indexes == tuple(range(1, len(MENTOR_HEADER) + 1))


def test_an_ordinary_file_is_no_error_file() -> None:
    assert not plan_columns([*MENTOR_HEADER, "error"], MENTORS).is_error_file
