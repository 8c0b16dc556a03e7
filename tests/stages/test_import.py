"""A file on its whole way: the outcome of its rows, its counts, its error file and its lineage."""

import csv
import io

from tests.stages.conftest import Pipeline

HEADER = (
    "session_id,participant_email,mentor_email,scheduled_at,completed_at,duration_minutes,rating,feedback_text,"
    "goals_discussed\n"
)


def row(number: int, rating: str = "5", who: str = "oksana@example.org") -> str:
    return (
        f'MS-{number},{who},kari@acme.com,2024-11-{number % 28 + 1:02}T10:00:00Z,,60,{rating},"Fint,\nveldig ""bra""",'
        '"CV, jobb"\n'
    )


def test_a_clean_file_becomes_sessions_with_lineage(pipeline: Pipeline) -> None:
    pipeline.know("oksana@example.org", "kari@acme.com")
    body = (HEADER + "".join(row(n) for n in range(1, 21))).encode()
    batch = pipeline.load("incoming/mentors_ukraine/mentors-ukraine-2024-q4.csv", body)
    assert batch["status"] == "completed", batch["failure_reason"]
    assert (batch["total_rows"], batch["inserted_rows"], batch["error_rows"]) == (20, 20, 0)
    stored = pipeline.db.run(
        "SELECT external_session_id, row_number, line, rating, topics, feedback_text, batch_id"
        "  FROM kintell_sessions ORDER BY row_number"
    )
    assert len(stored) == 20
    assert stored[1][:3] == ["MS-2", 2, 4]
    assert stored[1][3] == 1
    assert stored[1][4] == ["CV", "jobb"]
    assert stored[1][5] == 'Fint,\nveldig "bra"'


def test_bad_rows_come_back_in_the_error_file(pipeline: Pipeline) -> None:
    pipeline.know("oksana@example.org", "kari@acme.com")
    body = (HEADER + row(1) + row(2, rating="9") + row(3, who="nobody@example.org") + row(4)).encode()
    batch = pipeline.load("incoming/mentors_ukraine/mentors-ukraine-2024-q4.csv", body)
    assert (batch["inserted_rows"], batch["error_rows"]) == (2, 2)
    lines = list(csv.reader(io.StringIO(pipeline.error_file(batch).decode("utf-8-sig"), newline="")))
    assert [line[-5:-2] for line in lines[1:]] == [["2", "4", "E006"], ["3", "6", "E020"]]
    assert {(entry["code"], entry["count"]) for entry in batch["error_summary"]} == {("E006", 1), ("E020", 1)}
