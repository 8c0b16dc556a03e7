"""The way back: an export whose rejected rows are mended and uploaded again ends as one that was right.

Random rows with random faults, some of them mended, the error file saved in any way: sessions and rejects are those
of the original file with the same cells mended.
"""

import csv
import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestion.aws import object_keys
from ingestion.rows.rejects import read_rejects
from tests.stages.conftest import WORK, Pipeline

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "6"))
KEY = "incoming/mentors_ukraine/mentors-ukraine-2026-q1/sessions.csv"
PEOPLE = ["session_id", "participant_email", "mentor_email"]
TEXTS = ["feedback_text", "focus_area", "goals_discussed"]
HEADER = [*PEOPLE, "scheduled_at", "completed_at", "duration_minutes", "rating", *TEXTS]
SHOWN = {"2026-03-02": "02.03.2026", "0.5": "0,50", "4": "4.0", "a\nb": "a\r\nb", "60": "60,0"}
"""How a spreadsheet of another locale shows what it was given."""

# What is wrong with a row: its cell, what is there instead, and what somebody writes who mends it.
FAULTS: dict[str, tuple[int, str, str]] = {
    "none": (0, "", ""),
    "date": (3, "03/05/2026", "2026-05-03"),
    "duration": (5, "an hour", "60"),
    "address": (1, "olena(at)example.org", "olena@example.org"),
    "stranger": (1, "nobody@example.org", "olena@example.org"),
    "short": (4, "", "2026-03-09"),
    "long": (7, "Good", "Good, but late"),
}


@dataclass(frozen=True)
class Row:
    """A row of the export, and its outcome."""

    fault: str
    feedback: str
    is_mended: bool

    def cells(self, number: int, rating: str) -> list[str]:
        """The row as it is exported."""
        cells = f"MS-{number}|olena@example.org|kari@acme.com|2026-03-02||60|{rating}".split("|")
        cells += [self.feedback, "career", "CV"]
        at, wrong, _ = FAULTS[self.fault]
        if self.fault != "none":
            cells[at] = wrong
        if self.fault == "short":
            return cells[:4]
        return [*cells, "beyond"] if self.fault == "long" else cells

    def mended(self, handed_out: list[str]) -> list[str]:
        """The row that was handed out, its fault mended if it is."""
        at, _, right = FAULTS[self.fault]
        return [*handed_out[:at], right, *handed_out[at + 1 :]] if self.is_mended else handed_out


@dataclass(frozen=True)
class Way:
    """How the error file is saved."""

    delimiter: str
    encoding: str
    quoting: int
    is_reversed: bool
    has_error_columns: bool
    is_shown: bool

    def save(self, table: list[list[str]]) -> bytes:
        """The table as bytes."""
        header, *lines = table
        lines = lines[::-1] if self.is_reversed else lines
        if self.is_shown:
            lines = [[SHOWN.get(cell, cell) for cell in line[:10]] + line[10:] for line in lines]
        if not self.has_error_columns:
            header, lines = header[:10], [line[:10] for line in lines]
        return saved([header, *lines], self.delimiter, self.encoding, self.quoting)


def saved(table: Sequence[Sequence[str]], delimiter: str = ",", encoding: str = "utf-8", quoting: int = 0) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator="\r\n").writerows(table)  # type: ignore[arg-type]
    return text.getvalue().encode(encoding)


ROWS = st.lists(
    st.builds(
        Row,
        fault=st.sampled_from(list(FAULTS)),
        feedback=st.sampled_from(["fine", "", "=1+1", "a\nb", "Bra; =2", 'She said "hi"', "'-x", "Møte på øya"]),
        is_mended=st.booleans(),
    ),
    min_size=1,
    max_size=8,
)
WAYS = st.builds(
    Way,
    delimiter=st.sampled_from(",;\t"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "cp1252", "utf-16"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    is_reversed=st.booleans(),
    has_error_columns=st.booleans(),
    is_shown=st.booleans(),
)


def rejects(pipeline: Pipeline, batch: dict[str, Any]) -> list[tuple[str, list[tuple[str, str, str | None]]]]:
    if not batch["error_file_key"]:
        return []
    body = pipeline.s3.get_object(Bucket=WORK, Key=object_keys.reject_values(batch["id"]))["Body"].read()
    return sorted(
        (reject.row.cells[0], [(fault.code.value, fault.field, fault.value) for fault in reject.faults])
        for reject in read_rejects([body])
    )


def sessions(pipeline: Pipeline) -> list[Any]:
    columns = (
        "external_session_id, scheduled_at, completed_at, duration_minutes, rating, feedback_text, topics, version"
    )
    return pipeline.db.run(f"SELECT {columns} FROM kintell_sessions ORDER BY 1")


def forget(pipeline: Pipeline) -> None:
    """Empty the tables; people refer to batches, so they go too and are made known again."""
    pipeline.db.run(
        "TRUNCATE kintell_sessions, kintell_session_versions, shards, chunks, ingestion_batches, uploads CASCADE"
    )
    pipeline.know("olena@example.org", "kari@acme.com")


@given(rows=ROWS, way=WAYS, rating=st.sampled_from(["0.5", "4"]))
@settings(
    deadline=None,
    database=None,
    max_examples=EXAMPLES,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_mended_rows_end_as_if_the_export_had_been_right(
    pipeline: Pipeline, rows: list[Row], way: Way, rating: str
) -> None:
    pipeline.know("olena@example.org", "kari@acme.com")
    good = Row("none", "the first", is_mended=False)
    export = [row.cells(number, rating) for number, row in enumerate([good, *rows])]
    first = pipeline.load(KEY, saved([HEADER, *export]))
    faulty = [row for row in rows if row.fault != "none"]
    if faulty:
        table = list(csv.reader(io.StringIO(pipeline.error_file(first).decode("utf-8-sig"), newline="")))
        mended = [table[0], *(row.mended(line) for row, line in zip(faulty, table[1:], strict=True))]
        second = pipeline.load("incoming/mended.csv", way.save(mended), parent_batch=str(first["id"]))
        assert second["rating_scale"] in (None, first["rating_scale"])
    last = second if faulty else first
    came_back = sessions(pipeline), rejects(pipeline, last)
    forget(pipeline)
    # A row that was cut or padded is mended as it was handed out, every other one as it was exported.
    right = [
        row.mended((cells + [""] * 10)[:10]) if row.is_mended and row.fault != "none" else cells
        for row, cells in zip([good, *rows], export, strict=True)
    ]
    batch = pipeline.load(KEY, saved([HEADER, *right]))
    assert came_back == (sessions(pipeline), rejects(pipeline, batch))
    forget(pipeline)
