"""The files of cases/, each of a kind that people really have, from the upload to what is stored of it."""

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ingestion.database.connection import rows
from tests.stages.conftest import Pipeline
from tests.stages.date_cases import DATES, OWN_TIMES
from tests.stages.test_intake import upload_of

CASES = Path(__file__).with_name("cases")
MENTORS = "incoming/mentors_ukraine/mentors-ukraine-2026-q1/"
LANGUAGE = "incoming/language_ukraine/language-ukraine-2026-03/"
PAGES = re.compile(r"125[0-9]|8859|[Mm]ac|850|866|KOI8|UTF-16")
_TIME = re.compile(r"(?<![\d:])\d{1,2}:\d{2}")


@dataclass(frozen=True)
class Case:
    """A file that is imported: what is stored of it, and what is not."""

    name: str
    inserted: int
    rejected: Mapping[int, str] = field(default_factory=dict)
    """The codes, by row number."""
    stored: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    """Values by session id, of the columns that matter here."""
    warnings: frozenset[str] = frozenset()
    folder: str = MENTORS


TALK = {"focus_area": "career", "feedback_text": "God samtale 0", "topics": ["CV", "interview"]}

READ = [
    Case("RR1-one-of-each", 1, {1: "E010", 2: "E010", 3: "E011", 4: "E003"}, {"MS-RR1-005": {"topics": ["CV"]}}),
    Case(
        "A16-concatenated-other-order",
        4,
        stored={
            f"MS-A16{part}-00{number}": {"feedback_text": f"God samtale {number}", "focus_area": "career"}
            for part in "ab"
            for number in (0, 1)
        },
        warnings=frozenset({"repeated_headers"}),
    ),
    Case(
        "A13-concatenated-with-bom",
        6,
        stored={"MS-A13a-000": TALK, "MS-A13b-000": TALK},
        warnings=frozenset({"repeated_headers"}),
    ),
    Case("A8-footer-total", 3, stored={"MS-A8-000": TALK}, warnings=frozenset({"footer_rows"})),
    Case("A2-preamble-first-row-is-date-key", 3, stored={"MS-A2-000": TALK}),
    Case("A22-preamble-Rating", 2, stored={"MS-A22Rati-000": TALK}),
    Case(
        "B7-space-after-comma-quoted",
        2,
        stored={
            "MS-B7-001": {"feedback_text": "Good, very good", "focus_area": "career", "topics": ["CV", "interview"]},
            "MS-B7-002": {"feedback_text": "Good", "topics": ["CV"]},
        },
    ),
    Case("RR8-semicolon-plus-trailing-commas", 2, stored={f"MS-RR8-00{n}": {"topics": ["CV"]} for n in (0, 1)}),
    Case("E1-required-stars", 2, stored={"MS-E1-000": {**TALK, "duration_minutes": 60}}),
    Case("B1-excel-double-wrapped", 3, stored={"MS-B1-000": TALK}),
    Case("C6-ctrl-z", 3, stored={"MS-C6-000": TALK}, warnings=frozenset({"end_of_file_marks"})),
    Case("C8-nul-pad", 3, stored={"MS-C8-000": TALK}, warnings=frozenset({"end_of_file_marks"})),
    Case("RR13-nbsp-row", 2, stored={"MS-RR13-000": TALK}),
    Case("Q1-rating-typo-80-in-0-1-file", 8, {7: "E006"}),
    Case("E29-sci-ids-same-people", 0, dict.fromkeys(range(1, 6), "E013")),
    Case(
        "B8-equals-quoted-ids",
        1,
        stored={
            "MS-B8-001": {"duration_minutes": 60, "feedback_text": "Good", "focus_area": "career", "topics": ["CV"]}
        },
    ),
    Case("RR14-completed-date-only", 2),
    Case("E16-typo-optional-silently-dropped", 2, stored={"MS-E16c-000": {"focus_area": "career"}}),
    Case("X1-mixed-session-types", 2, {2: "E012"}, folder=LANGUAGE),
    Case(
        "X2-two-header-rows",
        2,
        stored={name: {"feedback_text": "ok", "language_level": "B1"} for name in ("LS-1", "LS-2")},
        folder=LANGUAGE,
    ),
    Case("X3-shifted-by-a-comma", 1, {1: "E010"}, {"LS-2": {"feedback_text": "ok"}}, folder=LANGUAGE),
]

REFUSED = [
    # Name, code, what the message must hold.
    ("A17-header-sorted-to-end", "header_not_first", (r"\b6\b",)),
    ("A18-headerless-part-then-full-file", "header_not_first", (r"\b4\b",)),
    ("E19-cyrillic-lookalike", "missing_columns", (r"Cyrillic|U\+0435|U\+043E",)),
    ("E4-norwegian", "missing_columns", ("Planlagt", "Mentor e-post", "mentor_email")),
    ("H4-html-named-csv", "not_csv", ("HTML|web page",)),
    ("H8-rtf", "not_csv", ("RTF|[Rr]ich [Tt]ext",)),
    ("R1-language-file-in-mentors-folder", "other_program", ("[Mm]entors", "[Ll]anguage")),
]

UNDECODABLE = [
    # Name, folder, what the page may be called.
    ("D21-cp1250-polish", MENTORS, "1250"),
    ("D5-macroman", MENTORS, "[Mm]ac"),
    ("D8-cp850-dos-norwegian", MENTORS, "850"),
    ("X4-macroman-cr", LANGUAGE, "[Mm]ac"),
]


def body_of(name: str) -> bytes:
    return (CASES / f"{name}.csv").read_bytes()


@pytest.fixture
def roster(pipeline: Pipeline) -> Pipeline:
    """The people whom the cases name, imported from their own file."""
    batch = pipeline.load("incoming/kintell_users/00-roster.csv", body_of("00-roster"))
    assert counts(batch) == (12, 0, 0)
    return pipeline


def counts(batch: dict[str, Any]) -> tuple[int, int, int]:
    """Inserted, skipped and rejected rows."""
    assert batch["total_rows"] == batch["success_rows"] + batch["skipped_rows"] + batch["error_rows"]
    return batch["inserted_rows"], batch["skipped_rows"], batch["error_rows"]


def stored(pipeline: Pipeline) -> dict[str, dict[str, Any]]:
    return {row["external_session_id"]: row for row in rows(pipeline.db, "SELECT * FROM kintell_sessions")}


def error_lines(pipeline: Pipeline, batch: dict[str, Any]) -> list[dict[str, str]]:
    """The lines of the error file by the names of its header."""
    if not batch["error_file_key"]:
        return []
    text = pipeline.error_file(batch).decode("utf-8-sig")
    delimiter = batch["csv_metadata"]["delimiter"]
    lines = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter if delimiter in ",;\t|" else ",")
    return list(lines)


def codes(lines: list[dict[str, str]]) -> dict[int, str]:
    return {int(line["_error_row"]): line["_error_code"] for line in lines}


def warnings(batch: dict[str, Any]) -> set[str]:
    return {warning["code"] for warning in batch["csv_metadata"].get("warnings", [])}


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in READ])
def test_a_file_is_read_as_it_means(roster: Pipeline, case: Case) -> None:
    batch = roster.load(f"{case.folder}{case.name}.csv", body_of(case.name))
    assert codes(error_lines(roster, batch)) == case.rejected
    assert counts(batch) == (case.inserted, 0, len(case.rejected))
    sessions = stored(roster)
    read = {key: {name: sessions[key][name] for name in wanted} for key, wanted in case.stored.items()}
    assert read == case.stored
    assert case.warnings <= warnings(batch)


@pytest.mark.parametrize(("name", "code", "said"), [pytest.param(*each, id=each[0]) for each in REFUSED])
def test_a_file_is_refused_by_name(roster: Pipeline, name: str, code: str, said: tuple[str, ...]) -> None:
    upload = upload_of(roster, roster.upload(f"{MENTORS}{name}.csv", body_of(name)))
    assert (upload["state"], upload["refusal_code"]) == ("refused", code)
    assert [words for words in said if not re.search(words, upload["refusal_message"])] == []
    assert "@" not in upload["refusal_message"]


@pytest.mark.parametrize(("name", "folder", "page"), [pytest.param(*each, id=each[0]) for each in UNDECODABLE])
def test_a_page_that_is_not_ours_is_refused_without_a_wrong_name(
    roster: Pipeline, name: str, folder: str, page: str
) -> None:
    upload = upload_of(roster, roster.upload(f"{folder}{name}.csv", body_of(name)))
    assert (upload["state"], upload["refusal_code"]) == ("refused", "undecodable")
    named = PAGES.findall(upload["refusal_message"])
    assert [other for other in named if not re.fullmatch(page, other)] == []


def test_lines_of_two_encodings_are_right_or_rejected(roster: Pipeline) -> None:
    name = "D15-mixed-half-1252-half-utf8"
    batch = roster.load(f"{MENTORS}{name}.csv", body_of(name))
    assert set(codes(error_lines(roster, batch)).values()) <= {"E011"}
    texts = {key: row["feedback_text"] for key, row in stored(roster).items()}
    assert texts == {key: f"Møte på øya; fint å være her {int(key[-3:])}" for key in texts}
    assert len(texts) + batch["error_rows"] == 8


def test_a_header_that_is_one_cell_short_is_read_right_or_refused_with_a_sentence(roster: Pipeline) -> None:
    name = "E12-r-rownames-header-one-short"
    taken = roster.upload(f"{MENTORS}{name}.csv", body_of(name))
    if taken["state"] == "refused":
        assert re.search(r"one (more )?(cell|column|field|value)", upload_of(roster, taken)["refusal_message"])
        return
    assert counts(roster.run(taken["batch_id"])) == (2, 0, 0)
    assert {key: row["feedback_text"] for key, row in stored(roster).items()} == {
        "MS-E12-000": "God samtale 0",
        "MS-E12-001": "God samtale 1",
    }


def test_a_rating_far_off_leaves_the_scale_of_the_file(roster: Pipeline) -> None:
    name = "Q1-rating-typo-80-in-0-1-file"
    batch = roster.load(f"{MENTORS}{name}.csv", body_of(name))
    assert batch["rating_scale"] == "zero_to_one"
    assert [float(row["rating"]) for _, row in sorted(stored(roster).items())] == [0.8, 0.9, 1, 0.7, 1, 0.6, 0.9, 1]


def test_a_person_is_known_by_the_composed_address(roster: Pipeline) -> None:
    batch = roster.load("incoming/kintell_users/M3-roster-nfd.csv", body_of("M3-roster-nfd"))
    assert counts(batch) == (1, 0, 0)
    people = roster.db.run("SELECT name FROM users WHERE email = :email", email="\u00e5se@example.org")
    assert len(people) == 1
    body = body_of("X3-shifted-by-a-comma").replace(b"olena0@", "\u00e5se@".encode())
    assert counts(roster.load(LANGUAGE + "composed.csv", body)) == (1, 0, 1)


def test_dates_are_read_as_they_are_written_or_rejected(roster: Pipeline) -> None:
    batch = roster.load(MENTORS + "F1-dates.csv", body_of("F1-dates"))
    read = {int(key[-3:]): row["scheduled_at"].isoformat() for key, row in stored(roster).items()}
    faults = {int(line["session_id"][-3:]): line for line in error_lines(roster, batch)}
    wrong = {
        number: read.get(number) or faults[number]["_error_code"]
        for number, allowed in DATES.items()
        if (read[number] != allowed.moment if number in read else faults[number]["_error_code"] not in allowed.codes)
    }
    assert wrong == {}
    assert len(read) + len(faults) == len(DATES) == batch["total_rows"]


def test_a_message_about_a_date_holds_no_time_but_the_rows_own(roster: Pipeline) -> None:
    batch = roster.load(MENTORS + "F1-dates.csv", body_of("F1-dates"))
    messages = {int(line["session_id"][-3:]): line["_error_message"] for line in error_lines(roster, batch)}
    named = {number: set(_TIME.findall(messages[number])) - own for number, own in OWN_TIMES.items()}
    assert named == {number: set() for number in OWN_TIMES}


def test_columns_that_are_dropped_are_named(roster: Pipeline) -> None:
    name = "E16-typo-optional-silently-dropped"
    batch = roster.load(f"{MENTORS}{name}.csv", body_of(name))
    assert batch["csv_metadata"]["unknownHeaders"] == ["duration", "ratings", "feedback"]


def test_a_row_of_the_other_programme_goes_there_by_its_error_file(roster: Pipeline) -> None:
    name = "X1-mixed-session-types"
    first = roster.load(f"{LANGUAGE}{name}.csv", body_of(name))
    second = roster.load(MENTORS + "X1-errors.csv", roster.error_file(first))
    assert counts(second) == (1, 0, 0)
    programmes = {key: row["program_type"] for key, row in stored(roster).items()}
    assert programmes == {
        "KINTELL-101": "language_ukraine",
        "KINTELL-102": "mentors_ukraine",
        "KINTELL-103": "language_ukraine",
    }


@pytest.mark.parametrize("names_parent", [False, True], ids=["by its columns", "by parent-batch"])
def test_only_the_row_that_was_mended_is_new_work(roster: Pipeline, names_parent: bool) -> None:
    first = roster.load(MENTORS + "RR1.csv", body_of("RR1-one-of-each"))
    handed_out = roster.error_file(first)
    assert handed_out.count(b",03/05/2026,") == 1
    mended = handed_out.replace(b",03/05/2026,", b",2026-03-05,")
    options = {"parent_batch": str(first["id"])} if names_parent else {}
    second = roster.load(MENTORS + "RR1-errors.csv", mended, **options)
    assert counts(second) == (1, 0, 3)
    assert sorted(codes(error_lines(roster, second)).values()) == ["E010", "E010", "E011"]
    assert set(stored(roster)) == {"MS-RR1-004", "MS-RR1-005"}
    scheduled = stored(roster)["MS-RR1-004"]["scheduled_at"]
    assert scheduled.isoformat() == "2026-03-05T00:00:00+00:00"


def test_an_error_file_that_names_no_batch_makes_no_good_rows_of_bad_ones(roster: Pipeline) -> None:
    """By an earlier version, its date mended: rows that were cut or joined are not what they look like."""
    first = roster.load(MENTORS + "RR1.csv", body_of("RR1-one-of-each"))
    mended = body_of("RR1-errors").replace(b",03/05/2026,", b",2026-03-05,")
    taken = roster.upload(MENTORS + "RR1-errors.csv", mended, parent_batch=str(first["id"]))
    if taken["state"] == "accepted":
        roster.run(taken["batch_id"])
    assert set(stored(roster)) <= {"MS-RR1-004", "MS-RR1-005"}
