"""The outcome of a row is that of applying the rows one at a time, in file order."""

import csv
import io
from typing import Any

import pytest

from tests.stages.conftest import Pipeline

HEADER = "session_id,participant_email,mentor_email,scheduled_at,rating,feedback_text\n"
KEY = "incoming/mentors_ukraine/mentors-ukraine-2024-q4/sessions.csv"
PEOPLE = ("oksana@example.org", "ivan@example.org", "kari@acme.com")


def line(number: int, feedback: str = "", rating: str = "", who: str = "oksana@example.org") -> str:
    return f"MS-{number},{who},kari@acme.com,2024-11-05,{rating},{feedback}\n"


def file_of(*lines: str) -> bytes:
    return (HEADER + "".join(lines)).encode()


def counts(batch: dict[str, Any]) -> tuple[int, int, int, int]:
    """Inserted, updated, skipped, rejected; they add up."""
    found = (batch["inserted_rows"], batch["updated_rows"], batch["skipped_rows"], batch["error_rows"])
    assert sum(found) == batch["total_rows"]
    return found


def feedbacks(pipeline: Pipeline) -> dict[str, Any]:
    return dict(pipeline.db.run("SELECT external_session_id, feedback_text FROM kintell_sessions"))


def versions(pipeline: Pipeline) -> list[list[Any]]:
    return pipeline.db.run(
        "SELECT s.external_session_id, v.version, v.feedback_text, v.row_number, v.replaced_by_row"
        "  FROM kintell_session_versions v JOIN kintell_sessions s ON s.id = v.session_id ORDER BY 1, 2"
    )


@pytest.fixture
def known(pipeline: Pipeline) -> Pipeline:
    pipeline.know(*PEOPLE)
    return pipeline


def test_a_later_file_updates_what_differs_and_skips_what_does_not(known: Pipeline) -> None:
    first = known.load(KEY, file_of(line(1, "one"), line(2, "two")))
    second = known.load(KEY, file_of(line(1, "one"), line(2, "TWO"), line(3, "three")))
    assert counts(first) == (2, 0, 0, 0)
    assert counts(second) == (1, 1, 1, 0)
    assert feedbacks(known) == {"MS-1": "one", "MS-2": "TWO", "MS-3": "three"}
    assert versions(known) == [["MS-2", 1, "two", 2, 2]]


def test_a_repeated_id_inserts_then_updates_or_stays(known: Pipeline) -> None:
    batch = known.load(KEY, file_of(line(1, "a"), line(1, "a"), line(1, "b"), line(2, "x"), line(1, "c"), line(1, "c")))
    assert counts(batch) == (2, 2, 2, 0)
    assert feedbacks(known) == {"MS-1": "c", "MS-2": "x"}
    assert versions(known) == [["MS-1", 1, "a", 1, 3], ["MS-1", 2, "b", 3, 5]]


def test_a_repeated_id_that_is_stored_already_updates_or_stays(known: Pipeline) -> None:
    known.load(KEY, file_of(line(1, "a"), line(2, "x")))
    batch = known.load(KEY, file_of(line(1, "a"), line(1, "b"), line(1, "b"), line(2, "x")))
    assert counts(batch) == (0, 1, 3, 0)
    assert feedbacks(known) == {"MS-1": "b", "MS-2": "x"}
    assert versions(known) == [["MS-1", 1, "a", 1, 2]]


def test_an_id_of_other_people_is_rejected_whether_it_is_stored_or_earlier_in_the_file(known: Pipeline) -> None:
    known.load(KEY, file_of(line(1, "one")))
    batch = known.load(
        KEY,
        file_of(
            line(1, "stolen", who="ivan@example.org"),
            line(2, "ivan's", who="ivan@example.org"),
            line(2, "stolen"),
            line(3, rating="7"),
            line(2, "ivan's later", who="ivan@example.org"),
        ),
    )
    assert counts(batch) == (1, 1, 0, 3)
    lines = list(csv.reader(io.StringIO(known.error_file(batch).decode("utf-8-sig"), newline="")))[1:]
    assert [(found[-5], found[-3]) for found in lines] == [("1", "E030"), ("3", "E030"), ("4", "E006")]
    assert batch["error_summary"] == [
        {"code": "E030", "category": "duplicate", "field": "session_id", "count": 2},
        {"code": "E006", "category": "validation", "field": "rating", "count": 1},
    ]


def test_a_forced_import_of_the_same_file_changes_nothing(known: Pipeline) -> None:
    body = file_of(line(1, "one"), line(2, "two"))
    known.load(KEY, body)
    again = known.load(KEY, body, force="true", force_reason="auditor asked")
    assert counts(again) == (0, 0, 2, 0)
    assert again["forced"]
    assert versions(known) == []


def test_a_file_without_a_column_says_nothing_of_it(known: Pipeline) -> None:
    known.load(KEY, file_of(line(1, "kept", rating="5")))
    batch = known.load(
        KEY,
        b"session_id,participant_email,mentor_email,scheduled_at\nMS-1,oksana@example.org,kari@acme.com,2024-11-05\n",
    )
    assert counts(batch) == (0, 0, 1, 0)
    assert feedbacks(known) == {"MS-1": "kept"}


def test_a_dry_run_counts_and_publishes_nothing(known: Pipeline) -> None:
    known.load(KEY, file_of(line(1, "one")))
    body = file_of(line(1, "ONE"), line(2), line(3, who="nobody@example.org"))
    dry = known.load(KEY, body, dry_run="true")
    assert counts(dry) == (1, 1, 0, 1)
    assert dry["status"] == "completed"
    assert feedbacks(known) == {"MS-1": "one"}
    assert counts(known.load(KEY, body)) == (1, 1, 0, 1)


@pytest.mark.parametrize(
    ("limit", "status"),
    [pytest.param("50", "completed", id="at the limit"), pytest.param("49.9", "failed", id="over the limit")],
)
def test_an_error_limit_that_is_passed_keeps_everything_out(known: Pipeline, limit: str, status: str) -> None:
    batch = known.load(KEY, file_of(line(1), line(2, rating="9")), max_error_percent=limit)
    assert batch["status"] == status
    assert len(feedbacks(known)) == (1 if status == "completed" else 0)
    assert counts(batch)[3] == 1
    assert known.error_file(batch)


def test_good_rows_of_a_batch_that_published_nothing_are_never_called_unchanged(known: Pipeline) -> None:
    known.load(KEY, file_of(line(1)))
    batch = known.load(KEY, file_of(line(1), line(2), line(3, rating="9")), max_error_percent="5")
    assert (batch["status"], batch["failure_code"]) == ("failed", "too_many_errors")
    assert (batch["skipped_rows"], batch["unchanged_rows"], batch["unpublished_rows"]) == (2, 0, 2)


def test_a_file_of_rejects_only_fails(known: Pipeline) -> None:
    batch = known.load(KEY, file_of(line(1, rating="9"), line(2, rating="-1")))
    assert batch["status"] == "failed"
    assert batch["failure_reason"].startswith("every_row_rejected: ")
    one = known.load(KEY, file_of(line(3, who="nobody@example.org")))
    assert one["failure_reason"] == "every_row_rejected: The only row was rejected; the error file says why."
    assert counts(batch) == (0, 0, 0, 2)


def test_a_file_with_a_header_only_completes(known: Pipeline) -> None:
    batch = known.load(KEY, HEADER.encode())
    assert (batch["status"], batch["total_rows"], batch["error_file_key"]) == ("completed", 0, None)


def test_the_rating_scale_is_that_of_the_whole_file(known: Pipeline, small_chunks: None) -> None:
    """The half ratings stand in chunks of their own, before the one that shows that the scale is 1 to 5."""
    body = file_of(*(line(n, "x" * 60, rating="0.5") for n in range(1, 12)), line(12, rating="3"), line(13, rating="1"))
    batch = known.load(KEY, body)
    assert counts(batch) == (2, 0, 0, 11)
    assert batch["csv_metadata"]["ratingScale"] == "one_to_five"
    stored = known.db.run("SELECT external_session_id, rating FROM kintell_sessions ORDER BY 1")
    assert [[name, float(rating)] for name, rating in stored] == [["MS-12", 0.5], ["MS-13", 0.0]]
    lines = list(csv.reader(io.StringIO(known.error_file(batch).decode("utf-8-sig"), newline="")))[1:]
    assert [(found[-5], found[-3]) for found in lines] == [(str(n), "E006") for n in range(1, 12)]


def test_unknown_people_are_created_where_that_is_the_setting(
    environment: pytest.MonkeyPatch, pipeline: Pipeline
) -> None:
    environment.setenv("UNKNOWN_USERS", "create")
    batch = pipeline.load(KEY, file_of(line(1), line(2, who="ny@example.org")))
    assert counts(batch) == (2, 0, 0, 0)
    people = pipeline.db.run("SELECT email, role, row_number FROM users ORDER BY email")
    assert people == [
        ["kari@acme.com", "volunteer", 1],
        ["ny@example.org", "participant", 2],
        ["oksana@example.org", "participant", 1],
    ]


def test_a_dry_run_creates_nobody(environment: pytest.MonkeyPatch, pipeline: Pipeline) -> None:
    environment.setenv("UNKNOWN_USERS", "create")
    assert counts(pipeline.load(KEY, file_of(line(1)), dry_run="true")) == (1, 0, 0, 0)
    assert pipeline.db.run("SELECT count(*) FROM users") == [[0]]


def test_the_roster_takes_the_same_road(pipeline: Pipeline) -> None:
    header = "Email,Name,Linkedin_URL,Verification_status,Role when joined,grant_access,Joined_kg_at\n"
    body = header + (
        "Kari@Acme.com,Kari,,verified,Mentor,yes,2024-01-02\n"
        "oksana@example.org,Oksana,,pending,Learner,no,2024-02-03\n"
        "not an address,X,,,,,\n"
        "kari@acme.com,Another Name,,verified,Learner,yes,2024-01-02\n"
        "oksana@example.org,Oksana,,verified,Learner,no,2024-02-03\n"
    )
    batch = pipeline.load("incoming/kintell_users/users.csv", body.encode())
    assert counts(batch) == (2, 1, 1, 1)
    people = pipeline.db.run("SELECT email, name, role, verification_status, version FROM users ORDER BY email")
    assert people == [
        ["kari@acme.com", "Kari", "volunteer", "verified", 1],
        ["oksana@example.org", "Oksana", "participant", "verified", 2],
    ]


def test_a_row_that_the_database_refuses_is_rejected_alone(known: Pipeline) -> None:
    known.db.run("ALTER TABLE staging.session_rows ADD CONSTRAINT no_thirteen CHECK (external_session_id <> 'MS-13')")
    batch = known.load(KEY, file_of(*(line(n) for n in range(10, 16))))
    assert counts(batch) == (5, 0, 0, 1)
    assert batch["error_summary"] == [{"code": "E040", "category": "db_error", "field": "row", "count": 1}]
    assert b"MS-13,oksana@example.org" in known.error_file(batch)


def test_a_corrected_error_file_imports_as_the_child_of_its_batch(known: Pipeline) -> None:
    first = known.load(KEY, file_of(line(1, "=SUM(A1)", rating="9"), line(2), line(3, "'=not ours", who="x")))
    returned = known.error_file(first).replace(b",9,", b",4,").replace(b",x,", b",ivan@example.org,", 1)
    returned = returned.replace(b"MS-3,x", b"MS-3,ivan@example.org")
    second = known.load("incoming/mentors_ukraine/mended.csv", returned, parent_batch=str(first["id"]))
    assert counts(second) == (2, 0, 0, 0)
    assert second["parent_batch_id"] == first["id"]
    assert second["program_instance_id"] == first["program_instance_id"]
    assert feedbacks(known) == {"MS-1": "=SUM(A1)", "MS-2": None, "MS-3": "'=not ours"}
