"""Corrected files: exactly the rows that somebody mended are new work, whatever saved the file."""

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest

from ingestion.aws import object_keys
from ingestion.database.connection import rows
from ingestion.rows.rejects import read_rejects
from tests.stages.conftest import WORK, Pipeline

KEY = "incoming/mentors_ukraine/mentors-ukraine-2026-q1/march.csv"
MENDED = "incoming/mentors_ukraine/mended.csv"
COLUMNS = (
    "session_id,participant_email,mentor_email,scheduled_at,completed_at,duration_minutes,rating,feedback_text,"
    "focus_area,goals_discussed"
)
ONE_OF_EACH = (
    COLUMNS + "\n"
    "MS-1,olena@example.org,kari@acme.com,2026-03-02T10:00:00Z,,60,4,Good talk, but late,career,CV\n"
    "MS-2,olena@example.org,kari@acme.com,2026-03-03T10:00:00Z\n"
    'MS-3,olena@example.org,kari@acme.com,2026-03-04T10:00:00Z,,60,4,"She said "hi" and left",career,CV\n'
    "MS-4,olena@example.org,kari@acme.com,03/05/2026,,60,4,fine,career,CV\n"
    "MS-5,olena@example.org,kari@acme.com,2026-03-06,,60,4,fine,career,CV\n"
)
GOOD = {
    "session_id": "MS-1",
    "participant_email": "olena@example.org",
    "mentor_email": "kari@acme.com",
    "scheduled_at": "2026-03-02T10:00:00Z",
    "duration_minutes": "60",
    "feedback_text": "fine",
}
Table = list[list[str]]


@pytest.fixture
def known(pipeline: Pipeline) -> Pipeline:
    """Stages that know two people."""
    pipeline.know("olena@example.org", "kari@acme.com")
    return pipeline


def counts(batch: dict[str, Any]) -> tuple[int, int]:
    return batch["inserted_rows"], batch["error_rows"]


def faults(pipeline: Pipeline, batch: dict[str, Any]) -> list[tuple[str, str, str | None]]:
    """Code, field and value of all faults of a batch's rejected rows."""
    body = pipeline.s3.get_object(Bucket=WORK, Key=object_keys.reject_values(batch["id"]))["Body"].read()
    rejects = read_rejects([body])
    return [(fault.code.value, fault.field, fault.value) for reject in rejects for fault in reject.faults]


def table_of(pipeline: Pipeline, batch: dict[str, Any]) -> Table:
    return list(csv.reader(io.StringIO(pipeline.error_file(batch).decode("utf-8-sig"), newline="")))


def saved(table: Table, delimiter: str = ",", encoding: str = "utf-8-sig", quoting: int = csv.QUOTE_MINIMAL) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator="\r\n").writerows(table)  # type: ignore[arg-type]
    return text.getvalue().encode(encoding)


def mended(table: Table, cell: str, to: str) -> Table:
    return [[to if one == cell else one for one in row] for row in table]


def without_error_columns(table: Table) -> Table:
    width = next(at for at, name in enumerate(table[0]) if name.startswith("_error"))
    return [row[:width] for row in table]


WAYS: dict[str, tuple[Callable[[Table], Table], dict[str, Any], bool]] = {
    "as it is": (lambda table: table, {}, False),
    "semicolons in Windows-1252": (lambda table: table, {"delimiter": ";", "encoding": "cp1252"}, False),
    "UTF-16 with tabs": (lambda table: table, {"delimiter": "\t", "encoding": "utf-16"}, False),
    "all in quotes": (lambda table: table, {"quoting": csv.QUOTE_ALL}, False),
    "rows reordered": (lambda table: [table[0], *table[:0:-1]], {}, False),
    "columns reordered": (lambda table: [row[::-1] for row in table], {}, False),
    "error columns in capitals": (lambda table: [[*map(str.upper, table[0])], *table[1:]], {}, False),
    "an empty column in front": (lambda table: [["", *row] for row in table], {}, False),
    "no error columns": (without_error_columns, {}, True),
    "only the codes left": (lambda table: [[*row[:10], row[12]] for row in table], {}, True),
    "dates and numbers as in Norway": (
        lambda table: [[cell.replace("2026-03-03T10:00:00Z", "03.03.2026 10:00") for cell in row] for row in table],
        {"delimiter": ";"},
        False,
    ),
}


@pytest.mark.parametrize(("change", "how", "names_parent"), [pytest.param(*way, id=name) for name, way in WAYS.items()])
def test_unmended_rows_keep_their_faults_whatever_saved_the_file(
    known: Pipeline, change: Callable[[Table], Table], how: dict[str, Any], names_parent: bool
) -> None:
    first = known.load(KEY, ONE_OF_EACH.encode())
    assert counts(first) == (1, 4)
    before = faults(known, first)
    table = change(mended(table_of(known, first), "03/05/2026", "2026-05-03"))
    options = {"parent_batch": str(first["id"])} if names_parent else {}
    second = known.load(MENDED, saved(table, **how), **options)
    assert counts(second) == (1, 3)
    assert second["parent_batch_id"] == first["id"]
    assert second["program_instance_id"] == first["program_instance_id"]
    assert sorted(faults(known, second), key=str) == sorted(before[:3], key=str)
    # What nobody mends is what it is also in the next generation.
    third = known.load("incoming/again.csv", known.error_file(second))
    assert (third["status"], *counts(third)) == ("failed", 0, 3)
    assert third["parent_batch_id"] == second["id"]


def test_a_row_that_was_padded_imports_once_its_cells_are_written(known: Pipeline) -> None:
    first = known.load(KEY, ONE_OF_EACH.encode())
    table = table_of(known, first)
    at = next(at for at, row in enumerate(table) if row[0] == "MS-2")
    table[at][5] = "45"
    second = known.load(MENDED, saved(table))
    assert counts(second) == (1, 3)


def test_what_a_spreadsheet_shows_in_its_own_way_is_stored_as_it_was(known: Pipeline) -> None:
    """A mended row, and one that is only unknown people's: their dates come back as Excel shows them."""
    head = COLUMNS + "\n"
    body = head + 'MS-1,olena@example.org,kari@acme.com,2026-03-04,,an hour,4.5,"a\nb",career,CV\n'
    body += "MS-2,olena@example.org,ivan@acme.com,2026-03-05,,60,5,fine,career,CV\n"
    first = known.load(KEY, body.encode())
    assert counts(first) == (0, 2)
    known.know("ivan@acme.com")
    table = mended(table_of(known, first), "an hour", "60")
    for given, shown in (("2026-03-04", "3/4/2026"), ("2026-03-05", "3/5/2026"), ("4.5", "4,50")):
        table = mended(table, given, shown)
    second = known.load(MENDED, saved(table, delimiter=";"))
    assert counts(second) == (2, 0)
    stored = known.db.run("SELECT to_char(scheduled_at, 'YYYY-MM-DD'), rating FROM kintell_sessions ORDER BY 1")
    assert [(day, float(rating)) for day, rating in stored] == [("2026-03-04", 0.875), ("2026-03-05", 1.0)]


@pytest.mark.parametrize("shown", ["04/03/2026", "4/3/26", "2026-04-03", "46115"])
def test_a_date_with_dots_that_a_spreadsheet_turned_round_is_the_day_that_it_was(known: Pipeline, shown: str) -> None:
    """Read in the declared order, what an American desk shows of 3 April would be 4 March."""
    body = COLUMNS + "\nMS-1,olena@example.org,kari@acme.com,03.04.2026,,an hour,4,fine,career,CV\n"
    first = known.load(KEY, body.encode(), date_order="day-first")
    table = mended(table_of(known, first), "03.04.2026", shown)
    assert known.load("incoming/untouched.csv", saved(table))["status"] == "failed"
    second = known.load(MENDED, saved(mended(table, "an hour", "60")))
    assert counts(second) == (1, 0)
    stored = known.db.run("SELECT to_char(scheduled_at, 'YYYY-MM-DD') FROM kintell_sessions")
    assert stored == [["2026-04-03"]]


@pytest.mark.parametrize("names_parent", [True, False])
def test_a_corrected_file_has_the_rating_scale_of_its_parent(known: Pipeline, names_parent: bool) -> None:
    people = "olena@example.org,kari@acme.com"
    lines = [f"MS-{n},{people},2026-03-02,,{60 if n > 2 else 'x'},{0.5 if n > 2 else 1},,,\n" for n in range(1, 5)]
    first = known.load(KEY, (COLUMNS + "\n" + "".join(lines)).encode())
    assert counts(first) == (2, 2)
    options = {"parent_batch": str(first["id"])} if names_parent else {}
    table = mended(table_of(known, first), "x", "60")
    second = known.load(MENDED, saved(without_error_columns(table) if names_parent else table), **options)
    assert counts(second) == (2, 0)
    assert second["rating_scale"] == "zero_to_one"
    assert known.db.run("SELECT count(*) FROM kintell_sessions WHERE rating = 1") == [[2]]


def test_apostrophes_are_taken_away_again_also_without_error_columns(known: Pipeline) -> None:
    body = COLUMNS + "\n-T3-000,olena@example.org,kari@acme.com,2026-03-02,,x,4,fine;=1,,\n"
    first = known.load(KEY, body.encode())
    table = without_error_columns(mended(table_of(known, first), "x", "60"))
    assert table[1][0] == "'-T3-000"
    second = known.load(MENDED, saved(table), parent_batch=str(first["id"]))
    assert counts(second) == (1, 0)
    assert known.db.run("SELECT external_session_id, feedback_text FROM kintell_sessions") == [["-T3-000", "fine;=1"]]


def test_an_error_file_may_be_uploaded_for_another_programme(known: Pipeline) -> None:
    """Its rows are judged by that programme's rules, but one that could not be read is none the better for it."""
    first = known.load(KEY, ONE_OF_EACH.encode())
    key = "incoming/language_ukraine/language-ukraine-2026-03/errors.csv"
    second = known.load(key, saved(without_mentor(table_of(known, first))))
    assert counts(second) == (0, 4)
    assert (second["program_type"], second["parent_batch_id"]) == ("language_ukraine", None)
    assert {code for code, _, _ in faults(known, second)} == {"E003", "E010", "E011"}


def without_mentor(table: Table) -> Table:
    return [[cell.replace("mentor_email", "volunteer_email") for cell in table[0]], *table[1:]]


def test_a_parent_of_another_programme_is_refused_for_an_ordinary_file(known: Pipeline) -> None:
    first = known.load(KEY, ONE_OF_EACH.encode())
    body = without_error_columns(without_mentor(table_of(known, first)))
    key = "incoming/language_ukraine/language-ukraine-2026-03/x.csv"
    refused = known.upload(key, saved(body), parent_batch=str(first["id"]))
    assert (refused["state"], refused["refusal"]) == ("refused", "no_such_parent_batch")


def test_rows_of_several_error_files_are_refused_together(known: Pipeline) -> None:
    first = known.load(KEY, ONE_OF_EACH.encode())
    second = known.load("incoming/mentors_ukraine/mentors-ukraine-2026-q1/b.csv", ONE_OF_EACH.encode() + b"\r\n\r\n")
    table = [*table_of(known, first), *table_of(known, second)[1:]]
    assert known.upload(MENDED, saved(table))["refusal"] == "no_such_parent_batch"


def test_an_error_file_of_a_batch_that_nobody_knows_is_an_ordinary_file(known: Pipeline) -> None:
    first = known.load(KEY, ONE_OF_EACH.encode())
    nobody = "11111111-2222-4333-8444-555555555555"
    table = mended(table_of(known, first), str(first["id"]), nobody)
    second = known.load("incoming/mentors_ukraine/mentors-ukraine-2026-q2/x.csv", saved(table))
    assert second["parent_batch_id"] is None


def test_once_the_rejects_are_deleted_a_warning_says_that_nothing_was_compared(known: Pipeline) -> None:
    first = known.load(KEY, ONE_OF_EACH.encode())
    body = saved(table_of(known, first))
    known.db.run("UPDATE ingestion_batches SET error_file_deleted_at = now() WHERE id = :id", id=first["id"])
    second = known.load(MENDED, body)
    assert {"code": "corrected_rows_gone", "count": 4} in second["csv_metadata"]["warnings"]


def test_a_mended_id_is_new_work_and_thousands_of_rows_are_held_against_each_other(
    known: Pipeline, small_chunks: None
) -> None:
    lines = [f"MS-{n},olena@example.org,kari@acme.com,2026-03-02,,x,4,,,\n" for n in range(1, 101)]
    first = known.load(KEY, (COLUMNS + "\n" + "".join(lines)).encode())
    table = table_of(known, first)
    for row in table[1::10]:
        row[5] = "60"
    second = known.load(MENDED, saved(table))
    assert counts(second) == (10, 90)
    numbers = rows(known.db, "SELECT row_number FROM kintell_sessions ORDER BY 1")
    assert [one["row_number"] for one in numbers] == list(range(1, 101, 10))


def test_an_error_file_of_old_that_packed_what_was_too_much_into_the_last_cell_is_known_too(known: Pipeline) -> None:
    first = known.load(KEY, ONE_OF_EACH.encode())
    table = mended([row[:-1] for row in table_of(known, first)], "03/05/2026", "2026-05-03")
    table[1][9] = "career,CV"
    second = known.load(MENDED, saved(table), parent_batch=str(first["id"]))
    assert counts(second) == (1, 3)


def test_rows_whose_numbers_slipped_are_found_by_their_contents(known: Pipeline) -> None:
    """Somebody deleted cells and moved the ones below up, but not those of our columns."""
    first = known.load(KEY, ONE_OF_EACH.encode())
    table = table_of(known, first)
    slipped = [row[:10] + numbered[10:] for row, numbered in zip(table[2:], table[1:], strict=False)]
    second = known.load(MENDED, saved([table[0], *slipped]))
    assert second["error_rows"] == 3
    assert {code for code, _, _ in faults(known, second)} == {"E003", "E010", "E011"}


SLASHED = (
    COLUMNS + "\n"
    "MS-1,olena@example.org,kari@acme.com,03/04/2026,,60,4,fine,career,CV\n"
    "MS-2,olena@example.org,kari@acme.com,03/04/2026,,an hour,4,fine,career,CV\n"
    "MS-3,olena@example.org,kari@acme.com,13/13/2026,,60,4,fine,career,CV\n"
    "MS-4,olena@example.org,kari@acme.com,2026-03-04,,an hour,4,fine,career,CV\n"
    "MS-5,olena@example.org,kari@acme.com,03/04/2026,,60,4,fine, really,career,CV\n"
)


def test_an_order_of_dates_that_is_declared_with_the_correction_lets_them_be_read(known: Pipeline) -> None:
    first = known.load(KEY, SLASHED.encode())
    assert counts(first) == (0, 5)
    before = faults(known, first)
    second = known.load(MENDED, known.error_file(first), date_order="day-first")
    assert counts(second) == (1, 4)
    assert known.db.run("SELECT to_char(scheduled_at, 'YYYY-MM-DD') FROM kintell_sessions") == [["2026-04-03"]]
    # Whatever else is wrong with a row stays so, and a row that was cut to fit is not read at all.
    assert faults(known, second) == [fault for fault in before if fault[::2] != ("E003", "03/04/2026")]


def test_an_order_that_the_parent_declared_too_says_nothing_new(known: Pipeline) -> None:
    first = known.load(KEY, SLASHED.encode(), date_order="day-first")
    assert counts(first) == (1, 4)
    again = known.load(MENDED, known.error_file(first) + b"\r\n", date_order="day-first")
    assert faults(known, again) == faults(known, first)


def test_a_time_zone_that_is_declared_with_the_correction_is_that_of_its_dates(known: Pipeline) -> None:
    body = COLUMNS + "\nMS-1,olena@example.org,kari@acme.com,2026-03-29 02:30,,60,4,fine,career,CV\n"
    first = known.load(KEY, body.encode(), time_zone="Europe/Oslo")
    assert counts(first) == (0, 1)
    second = known.load(MENDED, known.error_file(first), time_zone="Europe/Kyiv")
    assert counts(second) == (1, 0)


def test_dots_for_slashes_are_somebodys_where_other_dates_of_the_column_have_slashes(known: Pipeline) -> None:
    first = known.load(KEY, SLASHED.encode())
    table = table_of(known, first)
    table[1][3] = "03.04.2026"
    second = known.load(MENDED, saved(table))
    assert counts(second) == (1, 4)
    assert known.db.run("SELECT to_char(scheduled_at, 'YYYY-MM-DD') FROM kintell_sessions") == [["2026-04-03"]]


def test_a_slashed_date_that_a_spreadsheet_turned_round_is_the_day_that_was_handed_out(known: Pipeline) -> None:
    first = known.load(KEY, SLASHED.encode())
    body = saved(mended(table_of(known, first), "03/04/2026", "04/03/2026"))
    second = known.load(MENDED, body)
    assert faults(known, second) == faults(known, first)
    third = known.load(MENDED, body + b"\r\n", parent_batch=str(first["id"]), date_order="day-first")
    assert counts(third) == (1, 4)
    assert known.db.run("SELECT to_char(scheduled_at, 'YYYY-MM-DD') FROM kintell_sessions") == [["2026-04-03"]]


def test_dots_for_all_slashes_may_be_a_spreadsheets_which_knows_no_order_either(known: Pipeline) -> None:
    first = known.load(KEY, SLASHED.encode())
    table = mended(table_of(known, first), "03/04/2026", "03.04.2026")
    second = known.load(MENDED, saved(table))
    assert counts(second) == (0, 5)
    assert faults(known, second) == faults(known, first)
    told = '; "03.04.2026" may be what a spreadsheet shows for it, so write it as YYYY-MM-DD'
    assert [row[13].count(told) for row in table_of(known, second)[1:]] == [1, 1, 0, 0, 0]
    third = known.load("incoming/again.csv", saved(mended(table_of(known, second), "03/04/2026", "03.04.2026")))
    assert [row[13].count(told) for row in table_of(known, third)[1:]] == [1, 1, 0, 0, 0]


def test_a_rating_of_which_a_spreadsheet_made_a_date_is_the_rating_that_was_handed_out(known: Pipeline) -> None:
    body = COLUMNS + "\nMS-1,olena@example.org,kari@acme.com,2026-03-02,,an hour,4.5,fine,career,CV\n"
    first = known.load(KEY, body.encode())
    table = mended(mended(table_of(known, first), "4.5", "04.mai"), "an hour", "60")
    assert counts(known.load(MENDED, saved(table))) == (1, 0)
    assert known.db.run("SELECT rating::float FROM kintell_sessions") == [[0.875]]


SHIFTED = (
    COLUMNS + "\n"
    "MS-1,olena@example.org,kari@acme.com,2026-03-02,,60,4,a, b,career,CV\n"
    "MS-2,olena@example.org,kari@acme.com,2026-03-03\n"
)


@pytest.mark.parametrize("names_parent", [True, False])
@pytest.mark.parametrize(("cell", "to"), [("MS-1", "MS-9"), ("MS-2", "MS-9"), ("kari@acme.com", "olena@example.org")])
def test_another_id_or_address_does_not_mend_a_row_that_was_cut_or_padded(
    known: Pipeline, cell: str, to: str, names_parent: bool
) -> None:
    first = known.load(KEY, SHIFTED.encode())
    assert counts(first) == (0, 2)
    table = mended(table_of(known, first), cell, to)
    options = {"parent_batch": str(first["id"])} if names_parent else {}
    second = known.load(MENDED, saved(without_error_columns(table) if names_parent else table), **options)
    assert counts(second) == (0, 2)
    assert faults(known, second) == faults(known, first)
    told = " does not fix it: check all cells from scheduled_at on"
    messages = [row[13] for row in table_of(known, second)[1:]]
    assert sum(told in message for message in messages) == sum(cell in row for row in table_of(known, first)[1:])
    third = known.load("incoming/again.csv", saved(mended(table_of(known, second), to, "MS-7")), **options)
    assert max(row[13].count(told) for row in table_of(known, third)[1:]) == 1


def test_a_row_with_all_people_and_its_id_replaced_is_none_the_less_padded(known: Pipeline) -> None:
    first = known.load(KEY, SHIFTED.encode())
    table = mended(mended(table_of(known, first), "MS-2", "MS-9"), "kari@acme.com", "ivan@acme.com")
    table = mended(table, "olena@example.org", "kari@acme.com")
    assert counts(known.load(MENDED, saved(table))) == (0, 2)


def test_an_id_that_holds_the_quote_is_where_its_row_is_mended(known: Pipeline) -> None:
    body = COLUMNS + '\n"MS-1"x,olena@example.org,kari@acme.com,2026-03-02,,60,4,a,career,CV\n'
    first = known.load(KEY, body.encode())
    table = table_of(known, first)
    table[1][0] = "MS-1"
    assert counts(known.load(MENDED, saved(table))) == (1, 0)


def test_a_cell_that_could_not_be_read_is_no_text_until_somebody_writes_it(known: Pipeline) -> None:
    rows = [f"MS-{n},olena@example.org,kari@acme.com,2024-11-13,45,4,samtale på norsk" for n in range(3)]
    header = "session_id,participant_email,mentor_email,scheduled_at,duration_minutes,rating,feedback_text"
    body = "\n".join([header, *rows, ""]).encode()
    lines = body.split(b"\n")
    lines[2] = lines[2].replace("på".encode(), b"p\xe5")
    first = known.load(KEY, b"\n".join(lines))
    assert counts(first) == (2, 1)
    handed_out = table_of(known, first)
    elsewhere = known.load("incoming/a.csv", saved(mended(handed_out, "4", "5")))
    assert counts(elsewhere) == (0, 1)
    written = known.load("incoming/b.csv", saved(mended(handed_out, r"samtale p\xe5 norsk", "samtale på norsk")))
    assert counts(written) == (1, 0)


WORN = [
    pytest.param("feedback_text", "på øya ærlig", "pa oya arlig", id="Excel in Ukrainian, Windows-1251"),
    pytest.param("feedback_text", "fint 😀", "fint ??", id="Excel, an emoji in Windows-1252"),
    pytest.param("feedback_text", "дякую", "_____", id="Excel on a Mac"),
    pytest.param("feedback_text", "2-3", "03.feb", id="Excel, a range as a date"),
    pytest.param("feedback_text", "None", "", id="pandas, a word for nothing"),
    pytest.param("feedback_text", "N/A", "NA", id="R, a word for nothing"),
    pytest.param("completed_at", "", "NA", id="R, nothing"),
    pytest.param("completed_at", "", "NaT", id="pandas, no time"),
    pytest.param("rating", ".5", "0.5", id="Excel, a number without its zero"),
    pytest.param("scheduled_at", "2026-03-02T10:00:00Z", "2026-03-02 10:00:00+00:00", id="pandas, a time"),
    pytest.param("scheduled_at", "2026-03-02T10:00:00Z", "2026-03-02T10:00:00.000+0000", id="Java, a time"),
]


@pytest.mark.parametrize(("name", "written", "back"), WORN)
@pytest.mark.parametrize("is_quoted", [False, True], ids=["a comma too many", "a stray quote"])
def test_what_a_program_makes_of_a_cell_mends_no_row_that_was_cut_or_shifted(
    known: Pipeline, name: str, written: str, back: str, is_quoted: bool
) -> None:
    cells = {**dict.fromkeys(COLUMNS.split(","), ""), **GOOD, name: written}
    end = ',"a "b" c"\n' if is_quoted else ",career,CV,x\n"
    first = known.load(KEY, (COLUMNS + "\n" + ",".join(list(cells.values())[:8]) + end).encode())
    assert counts(first) == (0, 1)
    before = faults(known, first)
    table = table_of(known, first)
    at = table[0].index(name)
    assert table[1][at].lstrip("'") == written
    table[1][at] = back
    second = known.load(MENDED, saved(table))
    assert counts(second) == (0, 1)
    assert faults(known, second) == before
    assert table_of(known, second)[1][: len(cells)] == table_of(known, first)[1][: len(cells)]


@pytest.mark.parametrize("prefix", ["X_error_", "x.error.", "error_"], ids=["R", "R, clean names", "janitor"])
def test_error_columns_that_a_program_renamed_are_error_columns(known: Pipeline, prefix: str) -> None:
    first = known.load(KEY, ONE_OF_EACH.encode())
    table = mended(table_of(known, first), "03/05/2026", "2026-05-03")
    table[0] = [name.replace("_error_", prefix) for name in table[0]]
    table = [["" if at == 0 else str(at), *row] for at, row in enumerate(table)]
    second = known.load(MENDED, saved(table, quoting=csv.QUOTE_ALL))
    assert counts(second) == (1, 3)
    assert second["parent_batch_id"] == first["id"]
    assert second["csv_metadata"].get("unknownHeaders", []) == []
