"""An id that many rejects share costs a row of a corrected file no full comparison with each of them."""

from unittest.mock import Mock

import pytest

from ingestion.csv_file.chunk_reader import Block
from ingestion.faults import Fault, FaultCode, RawRow, RawRows, Reject
from ingestion.records import get_programme
from ingestion.rows.columns import plan_columns
from ingestion.rows.corrections import compare, content_key, may_be_it, pair_columns
from stage import corrected_chunk

PROGRAMME = get_programme("mentors_ukraine")
HEADERS = [column.name for column in PROGRAMME.columns]
PLAN = plan_columns(HEADERS, PROGRAMME, corrects=True)
WIDTH = len(HEADERS)


def reject(number: int, cells: list[str]) -> Reject:
    return Reject(RawRow(number, number, cells), (Fault(FaultCode.WRONG_FIELD_COUNT, "rating", "wrong"),))


def test_rows_that_share_an_id_and_no_more_are_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    rejects = [reject(number, ["MS-1", *[f"old {number}"] * (WIDTH - 1)]) for number in range(100)]
    rows = [RawRow(number, number, ["MS-1", *[f"new {number}"] * (WIDTH - 1)]) for number in range(100)]
    seen = Mock(side_effect=compare)
    monkeypatch.setattr(corrected_chunk, "compare", seen)
    batch = Mock(column_plan=PLAN, program_type="mentors_ukraine", file_format=Mock(slashed=()))
    correction = corrected_chunk.Correction(batch, batch, "work")
    monkeypatch.setattr(correction, "_rejects", lambda _=None: iter(rejects))
    assert correction._by_content(rows) == {}
    assert seen.call_count == 0


@pytest.mark.parametrize("mended", range(WIDTH + 1))
@pytest.mark.parametrize("filler", ["", " ", "text", "2026-03-02", "ø"])
def test_whatever_is_clearly_the_row_or_unmended_may_be_it(mended: int, filler: str) -> None:
    pairing = pair_columns(PLAN, PLAN, ())
    given = ["MS-1", *[filler] * (WIDTH - 1)]
    back = [*["changed"] * mended, *given[mended:]]
    compared = compare(reject(1, given), RawRow(1, 1, back), pairing)
    if compared.is_clearly_it or not compared.is_mended:
        assert may_be_it(content_key(given), content_key(back))


def test_copies_of_a_returned_row_do_not_multiply_what_was_beyond_its_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = ["MS-1", *["text"] * (WIDTH - 1)]
    batch = Mock(column_plan=PLAN, program_type="mentors_ukraine", file_format=Mock(slashed=()))
    correction = corrected_chunk.Correction(batch, batch, "work")
    monkeypatch.setattr(correction, "_rejects", lambda _=None: iter([reject(1, [*cells, *["beyond"] * 1000])]))
    block = Block(RawRows.of([RawRow(number, number, cells) for number in range(1, 51)]), [])
    (applied,) = correction.apply([block])
    assert len(applied.rejects) == 50
    assert sum(len(one.row.cells) for one in applied.rejects) == 50 * WIDTH + 1000
