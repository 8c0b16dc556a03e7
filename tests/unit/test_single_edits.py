"""Whatever single edit is made to a file, no row that is accepted says anything but what it said before."""

import random
import re
from collections.abc import Iterator

import pytest

from ingestion.csv_file.file_limits import Limits
from ingestion.errors import Refused
from ingestion.faults import RawRow
from tests.unit.reference_reader import EXAMPLES, rows_of

NAMES = (
    "session_id",
    "participant_email",
    "mentor_email",
    "scheduled_at",
    "rating",
    "feedback_text",
    "focus_area",
    "topics",
)
TEXTS = (
    "",
    "Good",
    "Good, really useful",
    "career",
    'She said "hi", and left',
    "two\nlines",
    "CV,\ninterview",
    ", well",
    "5 of 5",
)


def table(rng: random.Random) -> list[list[str]]:
    return [
        [
            f"MS-{number:03}",
            f"olena{number}@example.org",
            f"kari{rng.randrange(9)}@acme.com",
            "2026-03-01T10:00:00Z",
            rng.choice(["", "4", "5"]),
            rng.choice(TEXTS),
            rng.choice(TEXTS),
            rng.choice(TEXTS),
        ]
        for number in range(rng.randrange(2, 8))
    ]


def written(rows: list[list[str]], delimiter: str, *, quotes_all: bool) -> str:
    def quoted(cell: str) -> str:
        return '"' + cell.replace('"', '""') + '"' if quotes_all or set(cell) & {delimiter, '"', "\n"} else cell

    return "".join(delimiter.join(map(quoted, row)) + "\n" for row in rows)


def edits(text: str, delimiter: str, rng: random.Random) -> Iterator[str]:
    """The text with one character of its form less, or one more."""
    marks = [found.start() for found in re.finditer(f'[\n"{re.escape(delimiter)}]', text)]
    for at in rng.sample(marks, min(len(marks), 25)):
        yield text[:at] + text[at + 1 :]
    for _ in range(25):
        at = rng.randrange(len(text))
        yield text[:at] + rng.choice(f'\n"{delimiter}') + text[at:]


def bare(cell: str) -> str:
    return re.sub(r'[\s",;]', "", cell)


def is_one_cell_apart(row: list[str], before: list[str]) -> bool:
    """Whether rows differ at most in the marks within one cell."""
    differing = [at for at, cell in enumerate(row) if cell != before[at]]
    return len(differing) <= 1 and all(bare(row[at]) == bare(before[at]) for at in differing)


@pytest.mark.parametrize("delimiter", [",", ";"])
@pytest.mark.parametrize("quotes_all", [False, True], ids=["bare cells", "quoted cells"])
def test_no_single_edit_moves_or_cuts_a_value(delimiter: str, quotes_all: bool) -> None:
    rng = random.Random(f"{delimiter}{quotes_all}")
    for _ in range(EXAMPLES // 10):
        rows = table(rng)
        by_id = {row[0]: row for row in rows}
        text = written([list(NAMES), *rows], delimiter, quotes_all=quotes_all)
        for edited in edits(text, delimiter, rng):
            try:
                read = rows_of(edited.encode(), Limits(chunk=rng.choice([1, 200, 1 << 20])))
            except Refused:
                continue
            for row in read:
                if isinstance(row, RawRow) and row.cells[0] in by_id:
                    assert is_one_cell_apart(row.cells, by_id[row.cells[0]]), (edited, row)
