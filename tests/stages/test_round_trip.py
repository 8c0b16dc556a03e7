"""An error file comes back, however it was saved: what follows equals an import of the original, mended likewise."""

import csv
import io
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestion.database.connection import rows
from ingestion.rows.formulas import neutralise
from tests.stages import resaving
from tests.stages.conftest import Pipeline
from tests.stages.polluter import MENTORS
from tests.stages.resaving import WAYS, Line, Typed, Way
from tests.unit.reference_reader import EXAMPLES

FOLDER: Final = "incoming/mentors_ukraine/mentors-ukraine-2026-q1/"
ROWS: Final = 10
GOOD_ROWS: Final = 2
"""They decide the scale and keep the first batch from failing."""
CELL_FAULTS: Final = {
    "date": ("scheduled_at", "03/04/2026"),
    "duration": ("duration_minutes", "1.5"),
    "rating": ("rating", "80"),
    "address": ("participant_email", "olena at example.org"),
    "stranger": ("participant_email", "nobody@example.org"),
}
SHAPE_FAULTS: Final = ("short", "long", "quote")
FAULTS: Final = (*CELL_FAULTS, *SHAPE_FAULTS)
TEXTS: Final = (
    "Fin samtale på øya",
    "=1+1",
    "-dash, and more",
    "two\nlines",
    'said "hi"',
    "",
    "'=x",
    "Велика розмова",
    "plain",
)
STORED: Final = (
    "participant_id",
    "volunteer_id",
    "scheduled_at",
    "completed_at",
    "duration_minutes",
    "rating",
    "feedback_text",
    "focus_area",
    "topics",
)
_files = count(1)


@dataclass(frozen=True)
class Trip:
    """An export with faults, by row; which are mended, which rows of the error file dropped, how it is saved."""

    faults: dict[int, str]
    mended: frozenset[int]
    dropped: frozenset[int]
    is_zero_to_one: bool
    way: Way

    def body(self, prefix: str, mended: Collection[int] = ()) -> bytes:
        """The export; what is *mended* has no faults."""
        lines = [",".join(MENTORS)]
        for number in range(ROWS):
            cells = self.cells(prefix, number)
            lines.append(_line(cells, None if number in mended else self.faults.get(number)))
        return ("\r\n".join(lines) + "\r\n").encode()

    def cells(self, prefix: str, number: int) -> dict[str, str]:
        """A row without faults."""
        ratings = ("0.5", "1", "0.25", "1") if self.is_zero_to_one else ("4.5", "1", "3", "1")
        values = (
            f"{prefix}-{number:03}",
            f"olena{number % 5}@example.org",
            f"kari{number % 3}@acme.com",
            "2026-03-05",
            "2026-03-07" if number % 2 else "2026-03-06T11:00:00Z",
            str(30 + number),
            ratings[number % len(ratings)],
            TEXTS[number % len(TEXTS)],
            "career",
            "CV,interview",
        )
        return dict(zip(MENTORS, values, strict=True))


def _line(cells: dict[str, str], fault: str | None) -> str:
    if fault in CELL_FAULTS:
        name, text = CELL_FAULTS[fault]
        cells = {**cells, name: text}
    written = _csv(cells.values())
    if fault == "short":
        return _csv(list(cells.values())[:4])
    if fault == "long":
        return _csv([*list(cells.values())[:7], "Good, really", "", "career,CV"]).replace('"', "")
    if fault == "quote":
        return _csv(list(cells.values())[:7]) + ',"She said "hi" and left",career,CV'
    return written


def _csv(cells: Collection[str]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue().removesuffix("\r\n")


def error_lines(pipeline: Pipeline, batch: dict[str, Any]) -> list[dict[str, str]]:
    if not batch["error_file_key"]:
        return []
    text = pipeline.error_file(batch).decode("utf-8-sig")
    delimiter = batch["csv_metadata"]["delimiter"]
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter))


def number_of(line: Line) -> int:
    return int(line["session_id"][-3:])


def mend(line: Line, cells: dict[str, str], fault: str) -> Line:
    """As a person would: the cell at fault, or of a row that was cut or joined all of it.

    An apostrophe before a formula is ours wherever it stands, so a text that has one of its own is written with two.
    """
    if fault in SHAPE_FAULTS:
        return {**line, **{name: Typed(neutralise(cell)) for name, cell in cells.items()}}
    name = CELL_FAULTS[fault][0]
    return {**line, name: Typed(cells[name])}


def sessions(pipeline: Pipeline, prefix: str) -> dict[int, tuple[Any, ...]]:
    """What is stored, by number of the row, with how often it was stored."""
    found = rows(
        pipeline.db,
        "SELECT * FROM kintell_sessions WHERE starts_with(external_session_id, :prefix)",
        prefix=prefix + "-",
    )
    return {int(row["external_session_id"][-3:]): tuple(row[name] for name in STORED) for row in found}


def codes(lines: Sequence[Line]) -> dict[int, str]:
    return {number_of(line): line["_error_code"] for line in lines}


def original_cells(lines: Sequence[Line]) -> dict[int, list[str]]:
    return {number_of(line): [line[name] for name in MENTORS] for line in lines}


def travel(pipeline: Pipeline, trip: Trip) -> None:
    """Import, hand out, mend, save, import again; and the original mended from the start, beside it."""
    number = next(_files)
    there, beside = f"A{number}", f"B{number}"
    first = pipeline.load(f"{FOLDER}{there}.csv", trip.body(there))
    handed_out = error_lines(pipeline, first)
    assert {number_of(line) for line in handed_out} == set(trip.faults)
    returned = [
        mend(line, trip.cells(there, at), trip.faults[at]) if at in trip.mended else line
        for line in handed_out
        if (at := number_of(line)) not in trip.dropped
    ]
    options = {"parent_batch": str(first["id"])} if trip.way.columns == resaving.NONE else {}
    second = pipeline.load(f"{FOLDER}{there}-errors{trip.way.ending}", trip.way.save(returned), **options)
    mended = trip.mended - trip.dropped
    direct = pipeline.load(f"{FOLDER}{beside}.csv", trip.body(beside, mended))
    again = error_lines(pipeline, second)
    assert sessions(pipeline, there) == sessions(pipeline, beside)
    still_open = {**codes([line for line in handed_out if number_of(line) in trip.dropped]), **codes(again)}
    assert still_open == codes(error_lines(pipeline, direct))
    as_handed_out = original_cells(handed_out)
    assert original_cells(again) == {at: as_handed_out[at] for at in original_cells(again)}
    assert (second["inserted_rows"], second["updated_rows"]) == (len(mended), 0)


@pytest.fixture
def people(pipeline: Pipeline) -> Pipeline:
    pipeline.know(*(f"olena{at}@example.org" for at in range(5)), *(f"kari{at}@acme.com" for at in range(3)))
    return pipeline


@pytest.mark.parametrize("is_zero_to_one", [False, True], ids=["1 to 5", "0 to 1"])
@pytest.mark.parametrize("way", [pytest.param(way, id=name) for name, way in WAYS.items()])
def test_exactly_the_mended_rows_are_new_work(people: Pipeline, way: Way, is_zero_to_one: bool) -> None:
    faults = {GOOD_ROWS + at: fault for at, fault in enumerate(FAULTS)}
    odd = frozenset(at for at in faults if at % 2)
    for mended in (odd, frozenset(faults) - odd):
        travel(people, Trip(faults, mended, frozenset(), is_zero_to_one, way))


TRIPS = st.builds(
    Trip,
    faults=st.dictionaries(st.integers(GOOD_ROWS, ROWS - 1), st.sampled_from(FAULTS), min_size=2),
    mended=st.frozensets(st.integers(GOOD_ROWS, ROWS - 1)),
    dropped=st.frozensets(st.integers(GOOD_ROWS, ROWS - 1), max_size=2),
    is_zero_to_one=st.booleans(),
    way=st.builds(
        Way,
        delimiter=st.sampled_from(",;\t"),
        encoding=st.sampled_from(["utf-8", "utf-8-sig", "cp1252", "utf-16"]),
        quotes_all=st.booleans(),
        columns=st.sampled_from([resaving.KEPT, resaving.RENAMED, resaving.SOME, resaving.NONE]),
        redisplay=st.sampled_from([resaving.as_it_is, resaving.in_norwegian, resaving.in_english]),
        reverses_rows=st.booleans(),
        adds_empty_columns=st.booleans(),
    ),
).filter(lambda trip: not set(trip.faults) <= trip.dropped)


@settings(max_examples=max(5, EXAMPLES // 100), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TRIPS)
def test_a_round_trip_equals_the_original_mended(people: Pipeline, trip: Trip) -> None:
    here = frozenset(trip.faults)
    travel(people, Trip(trip.faults, trip.mended & here, trip.dropped & here, trip.is_zero_to_one, trip.way))
