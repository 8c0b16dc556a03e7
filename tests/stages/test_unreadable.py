"""Rows that can't be read come back as they are in the file, and cost the rows around them nothing."""

from tests.stages.conftest import Pipeline

HEADER = "session_id,participant_email,mentor_email,scheduled_at,feedback_text\n"
KEY = "incoming/mentors_ukraine/mentors-ukraine-2024-q4.csv"
GOOD = "MS-{},oksana@example.org,kari@acme.com,2024-11-05,{}\n"


def test_a_quote_that_is_not_closed_costs_its_own_row_only(pipeline: Pipeline) -> None:
    pipeline.know("oksana@example.org", "kari@acme.com")
    body = HEADER + GOOD.format(1, '"unclosed') + GOOD.format(2, "ok")
    batch = pipeline.load(KEY, body.encode())
    assert (batch["status"], batch["inserted_rows"], batch["error_rows"]) == ("completed", 1, 1), batch[
        "failure_reason"
    ]
    assert b'MS-1,oksana@example.org,kari@acme.com,2024-11-05,"""unclosed",1,2,E011' in pipeline.error_file(batch)


def test_a_row_too_long_for_csv_stands_beside_a_conflict(pipeline: Pipeline) -> None:
    """The part of the error file is read back to add the row that only the whole file rejects."""
    pipeline.know("oksana@example.org", "ivan@example.org", "kari@acme.com")
    taken = GOOD.format(1, "ok").replace("oksana", "ivan")
    long, wide = GOOD.format(2, "x" * 200_000), GOOD.format(3, "x," * 200_000)
    batch = pipeline.load(KEY, (HEADER + GOOD.format(1, "ok") + long + taken + wide).encode())
    assert (batch["status"], batch["inserted_rows"], batch["error_rows"]) == ("completed", 1, 3), batch[
        "failure_reason"
    ]
    assert {fault["code"] for fault in batch["error_summary"]} == {"E010", "E011", "E030"}
    lines = pipeline.error_file(batch).split(b"\r\n")[1:-1]
    assert [line[:5] for line in lines] == [b"MS-2,", b"MS-1,", b"MS-3,"]
