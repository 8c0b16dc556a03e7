"""Rows that can't be read come back as they are in the file, and cost the rows around them nothing."""

from tests.stages.conftest import Pipeline

HEADER = "session_id,participant_email,mentor_email,scheduled_at,feedback_text\n"
GOOD = "MS-{},oksana@example.org,kari@acme.com,2024-11-05,{}\n"


def test_a_quote_that_is_not_closed_costs_its_own_row_only(pipeline: Pipeline) -> None:
    pipeline.know("oksana@example.org", "kari@acme.com")
    body = HEADER + GOOD.format(1, '"unclosed') + GOOD.format(2, "ok")
    batch = pipeline.load("incoming/mentors_ukraine/mentors-ukraine-2024-q4.csv", body.encode())
    assert (batch["status"], batch["inserted_rows"], batch["error_rows"]) == ("completed", 1, 1), batch[
        "failure_reason"
    ]
    assert b'MS-1,oksana@example.org,kari@acme.com,2024-11-05,"""unclosed",1,2,E011' in pipeline.error_file(batch)
