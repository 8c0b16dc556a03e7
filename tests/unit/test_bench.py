"""The benchmark's own arithmetic, and the files that it makes up."""

import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench.data import mentors_rows, people
from bench.imports import Ran
from bench.peers import Peer
from bench.report import Measured, results, write_results
from bench.resources import Usage
from bench.small_files import SmallFiles
from bench.yardstick import Copied
from ingestion.faults import FaultCode, RawRow, RawRows
from ingestion.records import get_programme
from ingestion.rows.columns import plan_columns
from ingestion.rows.validation import Validated, validate


def parsed(count: int, **options: float | str) -> list[list[str]]:
    return list(csv.reader(io.StringIO("".join(mentors_rows(count, **options)), newline="")))  # type: ignore[arg-type]


def validated(count: int, **options: float | str) -> Validated:
    header, *rows = parsed(count, **options)
    plan = plan_columns(header, get_programme("mentors_ukraine"))
    raw = [RawRow(number, number, cells) for number, cells in enumerate(rows, 1)]
    return validate(RawRows.of(raw), plan, now=datetime(2026, 1, 1, tzinfo=UTC), scale=None)


def test_made_up_rows_are_valid_and_name_known_people() -> None:
    found = validated(300)
    known = {email for email, _ in people()}
    assert not found.rejects
    assert len({session.external_session_id for session in found.sessions}) == 300
    assert known >= {email for row in found.sessions for email in (row.participant_email, row.volunteer_email)}


def test_a_third_of_the_rows_hold_a_line_break() -> None:
    assert sum(any("\n" in cell for cell in row) for row in parsed(300)[1:]) == 100


@pytest.mark.parametrize(("share", "least", "most"), [(0.0, 0, 0), (0.1, 50, 150), (1.0, 1_000, 1_000)])
def test_a_share_of_the_rows_is_bad(share: float, least: int, most: int) -> None:
    rejects = validated(1_000, bad_share=share).rejects
    assert least <= len(rejects) <= most
    assert {fault.code for reject in rejects for fault in reject.faults} <= {FaultCode.INVALID_RATING}


def test_a_variant_changes_every_row_and_no_id_and_nobody() -> None:
    rows, changed = parsed(50)[1:], parsed(50, variant=" again")[1:]
    assert all(row != other and row[:3] == other[:3] for row, other in zip(rows, changed, strict=True))


def test_rows_go_on_where_others_end() -> None:
    assert parsed(4, first=7)[1][0] == "MS-00000007"


def test_ratios_are_those_of_one_run(tmp_path: Path) -> None:
    usage = Usage(1.0, 2.0, 0.5, {"Stage": 80.0, "Merge": 61.25})
    measured = Measured(
        rows=1_000_000,
        clean={100_000: Ran(100_000, 2.0, usage=usage), 1_000_000: Ran(1_000_000, 22.0)},
        others={
            "unchanged": Ran(1_000_000, 11.0, overlap_seconds=0.33),
            "all_bad": Ran(1_000_000, 33.0),
            "updated": Ran(1_000_000, 44.0, overlap_seconds=1.1),
        },
        undone={"new": 11.0, "updated": 44.0},
        yardstick=Copied(44.0),
        floor=Copied(4.0),
        small=SmallFiles(0.25, 0.5, 0.0625),
        peers={"naive": Peer(10_000, 5.0, "row by row"), "pgloader": Peer(0, 0.0, "not installed")},
    )
    found = results(measured)
    write_results(found, tmp_path / "results.json")
    assert json.loads((tmp_path / "results.json").read_text()) == {
        "import_over_yardstick": 0.5,
        "import_over_floor": 5.5,
        "row_time_growth_100k_to_1m": 1.1,
        "all_bad_over_clean": 1.5,
        "unchanged_over_new": 0.5,
        "updated_over_new": 2.0,
        "plan_over_import": None,
        "commit_over_import": None,
        "undo_of_new_over_import": 0.5,
        "undo_of_updated_over_import": 1.0,
        "overlap_over_new": 0.0,
        "overlap_over_unchanged": 0.03,
        "overlap_over_updated": 0.025,
        "peak_rss_mb": 80.0,
        "small_file_seconds": {"median": 0.25, "worst": 0.5, "empty_execution": 0.062},
        "rows_per_second": 45_455,
        "peers": {"naive": 2_000},
        "rows": 1_000_000,
    }
