"""An id that many rejects share costs a row of a corrected file no full comparison with each of them."""

from time import process_time
from unittest.mock import Mock
from uuid import UUID

import pytest

from ingestion import corrected_chunk
from ingestion.corrected_chunk import Correction
from ingestion.csv_file.chunk_reader import Block
from ingestion.faults import Fault, FaultCode, RawRow, RawRows, Reject
from ingestion.records import get_programme
from ingestion.rows import matched_rejects
from ingestion.rows.columns import plan_columns
from ingestion.rows.corrections import HandedOut, compare, content_key, may_be_it
from ingestion.rows.matched_rejects import MOST_BEYOND_BYTES
from ingestion.rows.paired_columns import pair_columns

PROGRAMME = get_programme("mentors_ukraine")
HEADERS = [column.name for column in PROGRAMME.columns]
PLAN = plan_columns(HEADERS, PROGRAMME, corrects=True)
WIDTH = len(HEADERS)
PARENT = UUID(int=5)


def reject(number: int, cells: list[str]) -> Reject:
    return Reject(RawRow(number, number, cells), (Fault(FaultCode.WRONG_FIELD_COUNT, "rating", "wrong"),))


def test_rows_that_share_an_id_and_no_more_are_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    rejects = [reject(number, ["MS-1", *[f"old {number}"] * (WIDTH - 1)]) for number in range(100)]
    rows = [RawRow(number, number, ["MS-1", *[f"new {number}"] * (WIDTH - 1)]) for number in range(100)]
    seen = Mock(side_effect=compare)
    monkeypatch.setattr(matched_rejects, "compare", seen)
    batch = Mock(column_plan=PLAN, program_type="mentors_ukraine", file_format=Mock(slashed=(), typed=()))
    correction = corrected_chunk.Correction(batch, batch, "work")
    monkeypatch.setattr(correction, "_rejects", lambda _=None: iter(rejects))
    assert correction.match(rows).found == {}
    assert seen.call_count == 0


@pytest.mark.parametrize("mended", range(WIDTH + 1))
@pytest.mark.parametrize("filler", ["", " ", "text", "2026-03-02", "ø"])
def test_whatever_is_clearly_the_row_or_unmended_may_be_it(mended: int, filler: str) -> None:
    pairing = pair_columns(PLAN, PLAN, ())
    given = ["MS-1", *[filler] * (WIDTH - 1)]
    back = [*["changed"] * mended, *given[mended:]]
    compared = compare(HandedOut(reject(1, given), pairing), RawRow(1, 1, back), pairing)
    if compared.is_clearly_it or not compared.is_mended:
        assert may_be_it(content_key(given), content_key(back))


def test_copies_of_a_returned_row_do_not_multiply_what_was_beyond_its_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = ["MS-1", *["text"] * (WIDTH - 1)]
    batch = Mock(column_plan=PLAN, program_type="mentors_ukraine", file_format=Mock(slashed=(), typed=()))
    correction = corrected_chunk.Correction(batch, batch, "work")
    monkeypatch.setattr(correction, "_rejects", lambda _=None: iter([reject(1, [*cells, *["beyond"] * 1000])]))
    block = Block(RawRows.of([RawRow(number, number, cells) for number in range(1, 51)]), [])
    (applied,) = correction.apply([block])
    assert len(applied.rejects) == 50
    assert sum(len(one.row.cells) for one in applied.rejects) == 50 * WIDTH + 1000


def correction_of(rejects: list[Reject], monkeypatch: pytest.MonkeyPatch, headers: list[str]) -> Correction:
    """A correction whose parent has these rejects, and whose file these headers."""
    parent = Mock(column_plan=PLAN, program_type="mentors_ukraine", id=PARENT)
    returned = plan_columns(headers, PROGRAMME, corrects=True)
    batch = Mock(column_plan=returned, program_type="mentors_ukraine", file_format=Mock(slashed=(), typed=()))
    correction = Correction(parent, batch, "work")
    monkeypatch.setattr(
        correction,
        "_rejects",
        lambda numbers=None: (one for one in rejects if not numbers or one.row.number in numbers),
    )
    return correction


def test_rows_that_differ_in_dates_alone_cost_a_few_looks_at_each_reject(monkeypatch: pytest.MonkeyPatch) -> None:
    def dated(number: int, year: int) -> list[str]:
        return ["MS-1", *[f"{year}-03-0{number % 9 + 1} 10:{number % 60:02}"] * (WIDTH - 1)]

    rejects = [reject(number, dated(number, 2026)) for number in range(1, 201)]
    correction = correction_of(rejects, monkeypatch, HEADERS)
    rows = [RawRow(number, number, dated(number, 2031)) for number in range(1, 201)]
    began = process_time()
    assert correction.match(rows).found == {}
    assert process_time() - began < 4, "it took eight seconds when each look parsed both rows"


def test_rows_with_numeric_ids_are_found_however_many_look_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = ["text"] * (WIDTH - 1)
    rejects = [reject(number, [str(202603000000 + number), *cells]) for number in range(1, 1_001)]
    correction = correction_of(rejects, monkeypatch, HEADERS)
    seen = Mock(side_effect=compare)
    monkeypatch.setattr(matched_rejects, "compare", seen)
    mended = [*cells[:-1], "mended"]
    rows = [RawRow(one.row.number, 1, [one.row.cells[0], *mended]) for one in rejects]
    found = correction.match(rows).found
    assert {number: match.number for number, match in found.items()} == {number: number for number in range(1, 1_001)}
    assert seen.call_count == 1_000


def test_rejects_that_small_rows_name_are_not_kept_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = ["MS-1", *["text"] * (WIDTH - 2), "x" * 100_000]
    rejects = (reject(number, [*cells, *[f"b{at}" for at in range(20_000)]]) for number in range(1, 31))
    correction = correction_of([], monkeypatch, [*HEADERS, "_error_row"])
    monkeypatch.setattr(correction, "_rejects", lambda _=None: rejects)
    rows = [RawRow(number, 1, [*cells[:-1], "x", str(number)]) for number in range(1, 31)]
    rows += [RawRow(1_000 + number, 1, [*cells, str(number)]) for number in range(1, 31)]
    matched = correction.match(rows)
    assert len(matched.found) == 60
    assert sum(map(len, matched.beyond.values())) * 60 <= MOST_BEYOND_BYTES


def test_long_runs_of_blanks_do_not_come_back_into_every_copy_of_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = ["MS-1", *["text"] * (WIDTH - 2)]
    correction = correction_of([reject(1, [*cells, " " * 100_000])], monkeypatch, HEADERS)
    (applied,) = correction.apply([Block(RawRows.of([RawRow(1, 1, [*cells, ""])]), [])])
    assert [one.row.cells for one in applied.rejects] == [[*cells, ""]]
