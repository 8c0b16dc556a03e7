"""What files say is what is stored, with a warning for all that was tolerated, or the row comes back."""

from datetime import UTC, datetime
from typing import Any

import pytest

from ingestion.database.connection import rows
from ingestion.database.tables import batch_states, ledger
from tests.stages.conftest import Pipeline

LANGUAGE = "incoming/language_ukraine/language-ukraine-2026-03/file.csv"
MENTORS = "incoming/mentors_ukraine/mentors-ukraine-2026-q1/file.csv"
COLUMNS = (
    *("session_id", "participant_email", "mentor_email", "scheduled_at", "completed_at", "duration_minutes", "rating"),
    *("feedback_text", "focus_area"),
)
HEADER = ",".join(COLUMNS)


@pytest.fixture
def people(pipeline: Pipeline) -> Pipeline:
    pipeline.know("olena@example.org", "kari@acme.com")
    return pipeline


def line(number: int, **cells: str) -> str:
    row = {
        "session_id": f"MS-{number}",
        "participant_email": "olena@example.org",
        "mentor_email": "kari@acme.com",
        "scheduled_at": "2026-03-20T10:00:00Z",
        "completed_at": "",
        "duration_minutes": "60",
        "rating": "4",
        "feedback_text": "Fint",
        "focus_area": "career",
    }
    return ",".join((row | cells).values())


def file(*lines: str, header: str = HEADER) -> bytes:
    return "\n".join([header, *lines, ""]).encode()


def warnings(batch: dict[str, Any]) -> dict[str, int]:
    return {warning["code"]: warning["count"] for warning in batch["csv_metadata"]["warnings"]}


def sessions(pipeline: Pipeline) -> list[dict[str, Any]]:
    return rows(pipeline.db, "SELECT * FROM kintell_sessions ORDER BY row_number")


def test_what_was_tolerated_is_summed_over_the_chunks(people: Pipeline, small_chunks: None) -> None:
    lines = [line(n, rating="N/A" if n % 2 else "1", duration_minutes="-") for n in range(1, 21)]
    batch = people.load(MENTORS, file(*lines))
    assert (batch["status"], batch["inserted_rows"]) == ("completed", 20)
    assert warnings(batch) == {"cells_emptied": 30, "rating_scale_assumed": 1}
    assert len(people.db.run("SELECT FROM chunks WHERE batch_id = :id", id=batch["id"])) > 1


def test_a_batch_that_is_started_over_counts_its_warnings_once(people: Pipeline) -> None:
    taken = people.upload(MENTORS, file(line(1, rating="1", duration_minutes="N/A")), max_error_percent="0")
    batch = people.run(taken["batch_id"])
    assert warnings(batch) == {"cells_emptied": 1, "rating_scale_assumed": 1}
    people.db.run("ALTER TABLE ingestion_batches DISABLE TRIGGER what_is_completed_stays")
    people.db.run("UPDATE ingestion_batches SET status = 'running', completed_at = NULL WHERE id = :id", id=batch["id"])
    batch_states.warn(people.db, batch["id"], ledger.read(people.db, batch["id"]).warnings)
    assert warnings(people.batch(batch["id"])) == {"cells_emptied": 1, "rating_scale_assumed": 1}


def test_an_end_without_a_time_is_stored_as_the_day_that_it_is(people: Pipeline) -> None:
    batch = people.load(MENTORS, file(line(1, completed_at="2026-03-20"), line(2, completed_at="20.03.2026")))
    assert (batch["inserted_rows"], batch["error_rows"]) == (2, 0)
    assert {session["completed_at"] for session in sessions(people)} == {datetime(2026, 3, 20, tzinfo=UTC)}


def test_only_ratings_from_0_to_5_decide_the_scale(people: Pipeline) -> None:
    batch = people.load(MENTORS, file(*[line(n, rating=text) for n, text in enumerate(("0.8", "1", "80", "0.6"))]))
    assert (batch["inserted_rows"], batch["error_rows"], batch["rating_scale"]) == (3, 1, "zero_to_one")
    assert warnings(batch) == {}


def test_ratings_that_are_none_have_no_scale_and_no_warning(people: Pipeline) -> None:
    batch = people.load(MENTORS, file(line(1, rating=""), line(2, rating="80")))
    assert (batch["inserted_rows"], batch["error_rows"], batch["rating_scale"]) == (1, 1, None)
    assert warnings(batch) == {}


def test_ids_that_a_spreadsheet_holds_are_stored_bare_and_damaged_ones_rejected(people: Pipeline) -> None:
    held = ",".join(f'="{cell}"' if cell else "" for cell in line(1).split(","))
    batch = people.load(MENTORS, file(held, line(2, session_id="1.23457E+11")))
    assert [session["external_session_id"] for session in sessions(people)] == ["MS-1"]
    assert [(entry["code"], entry["field"]) for entry in batch["error_summary"]] == [("E013", "session_id")]


def test_a_declared_order_and_zone_are_used_and_recorded(people: Pipeline) -> None:
    body = file(line(1, scheduled_at="03/04/2026 14:30"), line(2, scheduled_at="2026-03-29T02:30"))
    batch = people.load(MENTORS, body, date_order="day-first", timeZone="Europe/Oslo")
    assert (batch["inserted_rows"], batch["error_rows"]) == (1, 1)
    assert sessions(people)[0]["scheduled_at"] == datetime(2026, 4, 3, 12, 30, tzinfo=UTC)
    assert (batch["date_order"], batch["time_zone"]) == ("day-first", "Europe/Oslo")
    assert (batch["csv_metadata"]["dateOrder"], batch["csv_metadata"]["timeZone"]) == ("day-first", "Europe/Oslo")


def test_the_days_of_a_declared_zone_give_the_instance(people: Pipeline) -> None:
    first = people.load(MENTORS.replace("2026-q1", "2026-03"), file(line(1)))
    body = file(line(2, scheduled_at="2026-03-01"), line(3, scheduled_at="2026-03-31T23:30"))
    batch = people.load("incoming/mentors_ukraine/file.csv", body, time_zone="Europe/Oslo")
    assert batch["program_instance_id"] == first["program_instance_id"]
    assert batch["csv_metadata"]["programInstanceChosenBy"] == "session_dates"
    assert batch["csv_metadata"]["programChosenBy"] == "uploader"


def test_a_dry_run_is_one_however_it_is_written(people: Pipeline) -> None:
    for name in ("dryRun", "dryrun", "DRY_RUN"):
        assert people.load(MENTORS, file(line(1)), **{name: "true"})["dry_run"]
    assert sessions(people) == []
    taken = people.upload(MENTORS, file(line(1)), **{"dry-rum": "true"})
    assert (taken["state"], taken["refusal"]) == ("refused", "invalid_option")


COMBINED = (
    "session_id,session_type,participant_email,volunteer_email,date,duration_min,rating,feedback_text,language_level"
)


def test_a_row_of_another_programme_is_rejected_and_its_error_file_imported_there(people: Pipeline) -> None:
    people.know("olena@example.org", "kari@acme.com")
    of = "olena@example.org,kari@acme.com,2026-03-02T10:00:00Z,60,4,Fint"
    body = file(f"K-1,Language Connect,{of},B1", f"K-2,Mentorship,{of},", f"K-3,language,{of},B2", header=COMBINED)
    batch = people.load(LANGUAGE, body)
    assert (batch["inserted_rows"], batch["error_rows"]) == (2, 1)
    assert batch["error_summary"][0]["code"] == "E012"
    again = people.load(MENTORS, people.error_file(batch))
    assert (again["program_type"], again["inserted_rows"], again["error_rows"]) == ("mentors_ukraine", 1, 0)


def test_a_file_of_another_programme_is_refused_unless_forced(people: Pipeline) -> None:
    header = "session_id,participant_email,volunteer_email,scheduled_at,language_level,topics"
    body = file("LS-1,olena@example.org,kari@acme.com,2026-03-02T10:00:00Z,B1,work", header=header)
    taken = people.upload(MENTORS, body)
    assert (taken["state"], taken["refusal"]) == ("refused", "other_program")
    ((message,),) = people.db.run("SELECT refusal_message FROM uploads WHERE id = :id", id=taken["upload_id"])
    assert "for Mentors for Ukraine (mentors_ukraine), but its columns are those of Language for Ukraine" in message
    forced = people.load(MENTORS, body, force="true", force_reason="it is right as it is")
    assert (forced["program_type"], forced["inserted_rows"]) == ("mentors_ukraine", 1)


def test_what_is_dropped_is_named_with_the_nearest_known_name(people: Pipeline) -> None:
    header = HEADER.replace("duration_minutes", "duration").replace("rating", "ratings").replace("_text", "")
    batch = people.load(MENTORS, file(line(1), header=header))
    assert batch["csv_metadata"]["unknownHeaders"] == ["duration", "ratings", "feedback"]
    assert batch["csv_metadata"]["nearestNames"] == {
        "duration": "duration_minutes",
        "ratings": "rating",
        "feedback": "feedback_text",
    }


@pytest.mark.parametrize(
    ("header", "told"),
    [
        (
            HEADER.replace("session_id", "sеssiоn_id"),
            "it holds a letter of another script: Cyrillic е, U+0435",
        ),
        (
            "Økt-ID,Deltaker e-post,Mentor e-post,Planlagt,Fullført,Varighet,Vurdering,Tilbakemelding,Område",
            '"Deltaker e-post" (nearest: participant_email), "Mentor e-post" (nearest: mentor_email)',
        ),
    ],
    ids=["lookalikes", "Norwegian"],
)
def test_missing_columns_are_named_with_what_was_read(people: Pipeline, header: str, told: str) -> None:
    taken = people.upload(MENTORS, file(line(1), header=header))
    assert (taken["state"], taken["refusal"]) == ("refused", "missing_columns")
    ((message,),) = people.db.run("SELECT refusal_message FROM uploads WHERE id = :id", id=taken["upload_id"])
    assert told in message


def test_a_roster_comes_ragged_with_roles_as_people_write_them(people: Pipeline) -> None:
    body = (
        "Email,Name,Role when joined,grant_access\n"
        'a@example.org,Anna,"""Tutor""",yes\n'
        "b@example.org,Bo\n"
        "c@example.org\n"
        "d@example.org,Dag,mentor and mentee,no\n"
        "e@example.org,Eva,student,no,too many\n"
    )
    batch = people.load("incoming/users/roster.csv", body.encode())
    assert (batch["inserted_rows"], batch["error_rows"]) == (4, 1)
    assert [entry["code"] for entry in batch["error_summary"]] == ["E010"]
    assert warnings(batch) == {"roles_unclear": 3, "short_rows_filled": 2}
    roles = people.db.run("SELECT email, role FROM users WHERE batch_id = :id ORDER BY email", id=batch["id"])
    assert [role for _, role in roles] == ["volunteer", "participant", "participant", "participant"]


def test_one_person_has_one_address_however_it_is_written(people: Pipeline) -> None:
    people.load("incoming/users/roster.csv", "Email,Name\na\u030ase@example.org,Åse\nbo@xn--blbr-roah.no,Bo\n".encode())
    batch = people.load(
        MENTORS, file(line(1, participant_email="mailto:ÅSE@example.org.", mentor_email="bo@blåbær.no"))
    )
    assert (batch["inserted_rows"], batch["error_rows"]) == (1, 0)


def test_an_unknown_address_with_a_foreign_letter_names_it(people: Pipeline) -> None:
    batch = people.load(MENTORS, file(line(1, participant_email="оlena@example.org"), line(2)))
    assert "Cyrillic о, U+043E" in people.error_file(batch).decode()
