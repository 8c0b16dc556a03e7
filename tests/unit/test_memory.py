"""Memory stays flat whatever a file holds: each is read in a process of its own, which says what it took at most."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ingestion.errors import RefusalCode
from tests.unit.reading_alone import HOSTILE

ROOT = Path(__file__).parents[2]
MOST_MB = 200
"""Of which about 50 are Python and its modules; a function has 256 and more."""


MOST_MB_OF_CORRECTED = 140
"""A corrected file is compared with the rejects of its parent, which are in memory too."""


def reading(name: str, *how: str, module: str = "reading_alone", most_mb: int = MOST_MB) -> dict[str, Any]:
    """The outcome of the file, whose reader used no more memory than it may."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "layers/common"), str(ROOT / "functions")])}
    done = subprocess.run(
        [sys.executable, "-m", f"tests.unit.{module}", name, *how],
        cwd=ROOT,
        env=environment,
        check=True,
        capture_output=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    assert found.pop("peak_mb") < most_mb
    return found


@pytest.mark.parametrize(
    ("name", "rows", "rejected"),
    [
        pytest.param("one_line", 1, 1, id="a line of 100 MB"),
        pytest.param("one_quoted_text", 40_960, 40_960, id="40 MB behind a quote that never closes"),
        pytest.param("ten_thousand_columns", 300, 300, id="10,000 columns"),
        pytest.param("short_rows_below_them", 2_000, 2_000, id="short rows below 10,000 columns"),
        pytest.param("tiny_rows", 300_000, 300_000, id="rows of two bytes"),
        pytest.param("misquoted_rows", 120_000, 120_000, id="a stray quote in every row"),
        pytest.param("errors", 200_000, 200_000, id="200,000 errors"),
        pytest.param("blank_lines", 0, 0, id="100 MB of blank lines"),
        pytest.param("commas", 0, 0, id="50 MB of commas"),
        pytest.param("lines_of_commas", 150, 150, id="rows of 100,000 cells"),
    ],
)
def test_a_file_of_any_kind_is_read_in_flat_memory(name: str, rows: int, rejected: int) -> None:
    assert reading(name) == {"counted": rows, "rows": rows, "rejected": rejected}


@pytest.mark.parametrize("name", [file.__name__ for file in HOSTILE])
def test_bytes_of_any_kind_are_read_or_refused_in_flat_memory(name: str) -> None:
    found = reading(name)
    assert "refused" in found or found["counted"] == found["rows"]


@pytest.mark.parametrize("name", ["bomb", "bomb_of_members"])
def test_a_bomb_is_refused_in_flat_memory(name: str) -> None:
    assert reading(name) == {"refused": RefusalCode.TOO_LARGE}


@pytest.mark.parametrize("how", ["numbered", "unnumbered"])
@pytest.mark.parametrize(
    ("name", "rejected"),
    [
        pytest.param("surplus_cells", 200, id="20,000 cells too many in each of 200 rows"),
        pytest.param("distinct_surplus_cells", 200, id="20,000 cells too many, no two alike"),
        pytest.param("long_cells", 33, id="texts as long as a field may be"),
        pytest.param("many_rejects", 3_000, id="30,000 rejects"),
    ],
)
def test_a_corrected_file_is_held_against_rejects_of_any_kind_in_flat_memory(
    name: str, rejected: int, how: str
) -> None:
    found = reading(name, how, module="correcting_alone", most_mb=MOST_MB_OF_CORRECTED)
    assert found == {"rejected": rejected, "written": True}
